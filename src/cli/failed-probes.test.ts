import { expect, test } from 'vitest';
import type { Signal } from '../decode/signal.ts';
import type { Run } from '../engine/frame.ts';
import { error } from '../problem/problem.ts';
import type { Rule } from '../rules/rule.ts';
import { FailedProbes } from './failed-probes.ts';

const rule = (name: string, goal: string, line: number): Rule => ({
  kind: 'forward',
  name,
  group: 'g',
  goal,
  by: [],
  labels: {},
  to: ['x'],
  place: { file: 'rules/mine.yaml', line, column: 5 },
});
const run = (goal: string, id: string): Run => ({
  id,
  host: 'h',
  boot: 'b',
  engine: 'systemtap',
  goal,
  module: 'm',
  fidelity: 'event',
  dialect: 'systemtap',
  clock: 'monotonic',
});
const ready = (goal: string, id = 'r'): Signal => ({ kind: 'ready', run: run(goal, id), timeUs: 1 });
const gone = (goal: string, id = 'r'): Signal => ({
  kind: 'gone',
  run: run(goal, id),
  timeUs: 2,
  problem: error('ENGINE_COMPILE_FAILED', `${goal} could not be compiled.`, { cause: 'no match' }),
});
const rules = [rule('First', 'a.goal', 3), rule('Second', 'b.goal', 9), rule('Third', 'b.goal', 20)];

test('every rule on a goal whose probe never came is told with its place, once', () => {
  const probes = new FailedProbes(rules);
  const told = probes.of(gone('b.goal'));
  expect(told.map(({ code, message, place, cause }) => [code, message, place?.line, cause])).toEqual([
    ['RUN_PROBE_FAILED', 'Second has no probe by systemtap: b.goal could not be compiled.', 9, 'no match'],
    ['RUN_PROBE_FAILED', 'Third has no probe by systemtap: b.goal could not be compiled.', 20, 'no match'],
  ]);
  expect(probes.of(gone('b.goal', 'another try'))).toEqual([]);
});

test('a probe that was ready and ended later is no failed start, nor is one that was asked to end', () => {
  const probes = new FailedProbes(rules);
  expect([...probes.of(ready('a.goal')), ...probes.of(gone('a.goal'))]).toEqual([]);
  expect(probes.of({ kind: 'gone', run: run('b.goal', 'r'), timeUs: 1 })).toEqual([]);
});
