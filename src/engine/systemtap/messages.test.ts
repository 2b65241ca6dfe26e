import { expect, test } from 'vitest';
import { compileCause, understand } from './messages.ts';

// What staprun 5.6 was seen to write, on a kernel 7.2.
const seen: readonly [line: string, code: string | undefined][] = [
  ['ERROR: probe overhead (512345678 cycles) exceeded threshold (500000000 cycles) in last 1000000000 cycles', 'ENGINE_OVERLOADED'],
  ['WARNING: There were 4564 transport failures. Try stap -s to increase the buffer size from 1.', 'ENGINE_DROPPED'],
  ["ERROR: Couldn't insert module '/c/tapline_x.ko': File exists", 'ENGINE_MODULE_BUSY'],
  ["ERROR: Couldn't insert module '/c/tapline_x.ko': Invalid module format", 'ENGINE_MODULE_UNFIT'],
  ["ERROR: Couldn't insert module '/c/tapline_x.ko': Operation not permitted", 'ENGINE_MODULE_REFUSED'],
  ["ERROR: Couldn't insert module '/c/tapline_x.ko': Key was rejected by service", 'ENGINE_MODULE_REFUSED'],
  ['ERROR: Members of the "stapusr" and "stapsys" groups can only use unsigned modules within', 'ENGINE_MODULE_REFUSED'],
  ['ERROR: Unable to canonicalize path', 'ENGINE_FAILED'],
  ['ERROR: Cannot attach to module wrong control channel; not running?', 'ENGINE_FAILED'],
  ['WARNING: Number of errors: 1, skipped probes: 0', undefined],
  ['There were 0 lost messages, 7 lost bytes, and 0 unexpected sequences.', undefined],
  ["Rerun with staprun option '-R' to rename this module.", undefined],
  ['\u001b[33mWARNING\u001b[0m: something that nobody has seen', 'ENGINE_SAID'],
  ['insert_module: renamed', undefined],
];

test.each(seen)('%s', (line, code) => {
  const problem = understand(line, 'tapline_x');
  expect(problem?.code).toBe(code);
  if (problem !== undefined) expect(problem.message).toContain('tapline_x');
});

test('why stap failed is its first error, without colours and page references', () => {
  const said = [
    'WARNING: Kernel function symbol table missing [man warning::symbols]',
    '\u001b[31msemantic error:\u001b[0m while resolving probe point: no match',
    'Pass 2: analysis failed.  [man error::pass2]',
  ];
  expect(compileCause(said)).toBe('semantic error: while resolving probe point: no match');
  expect(compileCause(['Checking "/lib/modules/x/build/.config" failed with error: No such file or directory'])).toContain('No such file');
  expect(compileCause([])).toBe('stap said nothing');
});
