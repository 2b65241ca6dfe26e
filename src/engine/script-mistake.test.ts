import { expect, test } from 'vitest';
import type { Script } from '../goals/script.ts';
import { scriptMistake } from './script-mistake.ts';

const script = (language: Script['language'], text: string) => ({ file: '/s/my.x', language, text }) as Script;
const where = (said: string[], of: Script) => {
  const problem = scriptMistake(said, of, 'my.x');
  return (
    problem && [problem.code, problem.message, problem.place && `${problem.place.line}:${problem.place.column} ${problem.place.text ?? ''}`]
  );
};

// Messages of bpftrace 0.17 and 0.27, and of stap 5.6, as they print them.
test('bpftrace: the place in the script; what lies behind it is no place of the script', () => {
  const bt = script('bpftrace', '// one\nBEGIN { printf("%d\\n", $x); }\nkprobe:foo_bar { }');
  expect(where(['stdin:3:24-26: ERROR: Undefined or undeclared variable: $x'], bt)).toEqual([
    'ENGINE_SCRIPT_WRONG',
    'bpftrace does not accept the script of my.x: Undefined or undeclared variable: $x.',
    '2:24 BEGIN { printf("%d\\n", $x); }',
  ]);
  expect(where(['stdin:1-4: ERROR: tracepoint not found: foo:bar'], bt)?.[2]).toBe('3:1 kprobe:foo_bar { }');
  expect(where(["ERROR: Error attaching probe: 'kprobe:foo_bar'"], bt)?.slice(1)).toEqual([
    'bpftrace does not accept the script of my.x: the kernel has no kprobe:foo_bar to attach to.',
    '3:1 kprobe:foo_bar { }',
  ]);
  // Behind what stands before the first probe on its line.
  expect(where(['stdin:2:6-8: ERROR: x'], script('bpftrace', '/* */ BEGIN { $x }'))?.[2]).toBe('1:12 /* */ BEGIN { $x }');
  expect(where(['stdin:9:1-5: ERROR: x'], bt)?.[2]).toBeUndefined();
  expect(where(['Lost 5 events'], bt)).toBeUndefined();
});

test('stap: the reason and the place, colours taken out', () => {
  const stp = script('systemtap', '\nprobe kernel.function("nope") { foo() }\n');
  expect(
    where(
      [
        "\x1b[1;31msemantic error:\x1b[0m unresolved function 'foo': \x1b[1midentifier 'foo'\x1b[0m at script.stp:2:33",
        '        source: probe ...',
      ],
      stp,
    ),
  ).toEqual([
    'ENGINE_SCRIPT_WRONG',
    "systemtap does not accept the script of my.x: unresolved function 'foo'.",
    '2:33 probe kernel.function("nope") { foo() }',
  ]);
  expect(
    where(
      [
        "semantic error: while resolving probe point: identifier 'kernel' at script.stp:2:7",
        'semantic error: no match (similar functions: nop)',
        'Pass 2: analysis failed.  [man error::pass2]',
      ],
      stp,
    )?.slice(1),
  ).toEqual([
    'systemtap does not accept the script of my.x: no match (similar functions: nop).',
    '2:7 probe kernel.function("nope") { foo() }',
  ]);
});
