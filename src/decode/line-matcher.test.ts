import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePattern } from '../goals/pattern.ts';
import type { LinePart } from '../goals/script.ts';
import { LineMatcher } from './line-matcher.ts';

const parts = (pattern: string, more: Partial<Record<string, object>> = {}): LinePart[] =>
  parsePattern(pattern).pattern.parts.map((part) =>
    part.kind === 'value' ? { ...part, type: part.type ?? 'text', times: 1, ...more[part.name ?? ''] } : part,
  );

function read(pattern: string, line: string, more?: Partial<Record<string, object>>): Record<string, string> | undefined {
  const matcher = new LineMatcher(parts(pattern, more));
  const bytes = Buffer.from(`#${line}#`);
  if (!matcher.fits(bytes, 1, bytes.length - 1)) return undefined;
  const { values, slots } = matcher;
  return Object.fromEntries(values.map(({ name }, i) => [name, bytes.subarray(slots[2 * i], slots[2 * i + 1]).toString()]));
}

test.each<[pattern: string, line: string, values: Record<string, string> | undefined]>([
  ['{comm}({pid:int}) open', 'cat(77) open', { comm: 'cat', pid: '77' }],
  ['{comm}({pid:int}) open', 'cat(77) opened', undefined],
  ['{comm}({pid:int}) open', '(77) open', { comm: '', pid: '77' }],
  ['{comm}({pid:int}) open', 'a(1) open(77) open', { comm: 'a(1) open', pid: '77' }],
  ['{comm}({pid:int}) open', ' a b (77) open', { comm: ' a b ', pid: '77' }],
  [
    '{uid:int} {pid:int} {comm:text:16} {fd:int} {path}',
    '     0     42             bash    3 /etc/a b',
    { uid: '0', pid: '42', comm: '            bash', fd: '3', path: '/etc/a b' },
  ],
  // A name that looks like the columns behind it: its own column is exact.
  [
    '{uid:int} {pid:int} {comm:text:16} {fd:int} {path}',
    '     0     42   bash    3 /x   3 /etc/passwd',
    { uid: '0', pid: '42', comm: '  bash    3 /x  ', fd: '3', path: '/etc/passwd' },
  ],
  [
    "{comm:text:..15} ({pid:int}) is exec'ing {path}",
    "a b (1) is (42) is exec'ing /x (1) is exec'ing /y",
    { comm: 'a b (1) is', pid: '42', path: "/x (1) is exec'ing /y" },
  ],
  ['{a:text:..3}|', 'abcd|', undefined],
  ['{a:text:..3}|', '|', { a: '' }],
  ['{a:word} {b:word}', 'x  y', { a: 'x', b: 'y' }],
  ['{a:word} {b:word}', 'x y z', undefined],
  ['{ms:decimal} ms', '12.50 ms', { ms: '12.50' }],
  ['{ms:decimal} ms', '-3 ms', { ms: '-3' }],
  [
    '{saddr:address}:{sport:int} => {daddr:address}:{dport:int}',
    '2001:db8::1:5001 => 198.18.0.2:80',
    { saddr: '2001:db8::1', sport: '5001', daddr: '198.18.0.2', dport: '80' },
  ],
  ['{{{a}}}', '{x}', { a: 'x' }],
  ['{}: {n:int}', 'any: thing: 5', { n: '5' }],
  ['{n:int}', '   5   ', { n: '5' }],
  ['({n:int})', '(   5  )', { n: '5' }],
  ['é{a}é', 'éxé', { a: 'x' }],
  ['{v:hex}', '0x1f', { v: '0x1f' }],
  ['{ok:bool} {a}', 'yes it is', { ok: 'yes', a: 'it is' }],
])('%s reads "%s"', (pattern, line, values) => {
  expect(read(pattern, line)).toEqual(values);
});

test('an enum is one of its members, and unknown is as the script prints it', () => {
  const more = { state: { type: 'enum', values: ['OPEN', 'OPENING'] }, n: { type: 'int', unknown: '-' } };
  expect(read('{state} {n}', 'OPENING -', more)).toEqual({ state: 'OPENING', n: '-' });
  expect(read('{state} {n}', 'OPEN -5', more)).toEqual({ state: 'OPEN', n: '-5' });
  expect(read('{state} {n}', 'SHUT 5', more)).toBeUndefined();
});

// Any byte but LF may stand in a line.
const anyText = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replace(/[\n\x00]/g, ''));

test('one text between what is printed as %s(%d) comes through byte for byte, whatever is in it', () =>
  fc.assert(
    fc.property(anyText, fc.nat(), (comm, pid) => {
      const line = Buffer.from(`${comm}(${pid}) open`);
      expect(read('{comm}({pid:int}) open', line.toString())).toEqual({
        comm: line.toString().slice(0, -`(${pid}) open`.length),
        pid: String(pid),
      });
    }),
  ));

test('what is printed as %6d %16s %4d %s is read back, whatever the name looks like', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_194_304 }),
      fc.stringMatching(/^[ -~]{0,15}$/),
      fc.integer({ min: -1, max: 70_000 }),
      // Blanks before a text are taken for padding.
      fc.stringMatching(/^([!-~][ -~]{0,30})?$/),
      (pid, comm, fd, path) => {
        const line = `${String(pid).padStart(6)} ${comm.padStart(16)} ${String(fd).padStart(4)} ${path}`;
        const found = read('{pid:int} {comm:text:16} {fd:int} {path}', line);
        expect({ ...found, comm: found?.['comm'] }).toEqual({ pid: String(pid), comm: comm.padStart(16), fd: String(fd), path });
      },
    ),
  ));

const regExp = (list: readonly LinePart[]): RegExp => {
  const sources: Record<string, string> = { text: '[^]*?', word: '[^ \\t]+', int: ' *-?\\d+ *', decimal: ' *-?\\d+(?:\\.\\d+)? *' };
  const body = list.map((part) =>
    part.kind === 'literal'
      ? part.text.replace(/[^\w]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
      : part.kind === 'blanks'
        ? '[ \\t]+'
        : `(${sources[part.type] ?? ''})`,
  );
  return new RegExp(`^[ \\t]*${body.join('')}[ \\t]*$`, 'u');
};

test('it fits the lines that a regular expression of the same meaning fits', () =>
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom('a', '(', ':', ' '), fc.constantFrom('{:word}', '{:int}', '{:decimal}', '{}')), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.array(fc.constantFrom('a', '(', ':', ' ', '1', '.', '-', 'b'), { maxLength: 14 }),
      (pattern, line) => {
        const list = parts(pattern.join(''));
        // Numbers share blanks with their neighbours, which this expression cannot say.
        fc.pre(!/ \{:(int|decimal)\}|\{:(int|decimal)\} /.test(pattern.join('')));
        const bytes = Buffer.from(line.join(''));
        expect(new LineMatcher(list).fits(bytes, 0, bytes.length)).toBe(regExp(list).test(line.join('')));
      },
    ),
    { numRuns: 2000 },
  ));

test.each([
  ['{a}({n:int}) {b}', '('],
  ['{a}({n:int}) {b}', '(1'],
  ['{a}({n:int}) {b}', '(1) '],
  ['{a} {b} {c} {d} {e} x', ' '],
  ['{}{n:int}a{}{m:int}a{}b', '1a'],
  ['{a:word}({b:word}({c:word}', '('],
  ['{a:decimal} {b:decimal} {c:decimal}!', '1 '],
])('the work for %s grows with the line, not with its square: "%s" again and again', (pattern, piece) => {
  const steps = [1000, 2000, 4000, 8000].map((times) => {
    const matcher = new LineMatcher(parts(pattern));
    const bytes = Buffer.from(piece.repeat(times));
    matcher.fits(bytes, 0, bytes.length);
    // Each instruction is reached once and looked at once for a byte, at most.
    expect(matcher.steps).toBeLessThanOrEqual(2 * matcher.size * (bytes.length + 1));
    return matcher.steps;
  });
  for (let i = 1; i < steps.length; i++) expect((steps[i] ?? 0) / (steps[i - 1] ?? 1)).toBeLessThan(2.1);
});
