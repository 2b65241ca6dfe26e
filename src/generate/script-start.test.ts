import { expect, test } from 'vitest';
import { firstProbe } from './script-start.ts';

test.each([
  ['BEGIN { }', 0],
  ['#!/usr/bin/env bpftrace\n/* a\n { */ // b {\n#include <linux/sched.h>\nBEGIN { }', 'BEGIN'],
  ['struct a { int x; struct { int y; } z; };\nenum e { A, B };\ntracepoint:a:b { }', 'tracepoint'],
  ['config = { max_strlen = 100; }\nkprobe:f { }', 'kprobe'],
  ['typedef unsigned int u;\nkprobe:f { }', 'kprobe'],
  ['import "x";\nkprobe:f { }', 'kprobe'],
  ['structs:x { }', 0],
])('%j: its first probe', (text, begins) => expect(firstProbe(text)).toBe(typeof begins === 'number' ? begins : text.indexOf(begins)));

test.each(['', ' // nothing\n', 'struct a { int x;'])('%j has none, or none that is sure', (text) =>
  expect([undefined, 0]).toContain(firstProbe(text)),
);
