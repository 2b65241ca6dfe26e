import { parse } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWhere, type Mistake } from './cel.ts';
import type { Expression } from './where.ts';

const treeOf = (text: string): Expression => {
  const parsed = parseWhere(text);
  if (!parsed.ok) throw new Error(parsed.mistakes.map(({ message }) => message).join(' '));
  return parsed.tree;
};
const mistakesOf = (text: string): readonly Mistake[] => {
  const parsed = parseWhere(text);
  return parsed.ok ? [] : parsed.mistakes;
};

test('a condition becomes a tree whose parts know where they stand', () => {
  const tree = treeOf('rto_ms > 800 && !known(pid)');
  expect(tree).toMatchObject({
    op: 'and',
    left: { op: '>', left: { op: 'field', name: 'rto_ms', start: 0, end: 6 }, right: { type: 'int', value: 800, start: 9, end: 12 } },
    right: { op: 'not', of: { op: 'known', name: 'pid' }, start: 16, end: 27 },
  });
  expect(treeOf('a in [1, -2] ? size(b) + b.size() : -c')).toMatchObject({
    op: 'if',
    then: { op: '+', left: { op: 'size' }, right: { op: 'size' } },
  });
});

test.each([
  ['rto_ms > 800 and dport == 443', 'and', 'write "&&"'],
  ['a == 1 OR b == 2', 'OR', 'write "||"'],
  ['not known(pid)', 'not', 'write "!"'],
  ['dport = 443', '=', 'write "=="'],
  ['"한글" == comm && dport = 443', '=', 'write "=="'],
  ['a === 1', '===', 'write "=="'],
  ['a <> 1', '<>', 'write "!="'],
  ['flags & 3 != 0', '&', 'flags % 4'],
  ['a | b', '|', 'did you mean "||"?'],
  ['state =~ "SYN"', '=~', 'regular expressions'],
  ['rto_ms > 800ms', '800ms', 'without a unit'],
  ['daddr == 192.0.2.1', '192.0.2.1', 'in quotes'],
  ['saddr == 10.0.0.0/8 && sport == 1', '10.0.0.0/8', 'in quotes'],
  ['dport in (80, 443)', 'in (80, 443)', 'square brackets'],
  ['ret == 1 # fine', '#', 'A comment'],
  ['comm == “sshd”', '“', 'is no quote'],
  ['rto_ms > 10_000', '10_000', 'write 10000'],
])('%s: what was meant is named, at its place', (text, meant, advice) => {
  const [mistake, ...others] = mistakesOf(text);
  expect(others).toEqual([]);
  expect(mistake?.code).toBe('RULE_WHERE_SYNTAX');
  expect(text.slice(mistake?.start, mistake?.end)).toBe(meant);
  expect(`${mistake?.message} ${mistake?.hint ?? ''}`).toContain(advice);
});

test('a slip of another kind is not blamed on words inside quotes', () => {
  expect(mistakesOf('comm == "this and that" && ')[0]).toMatchObject({
    start: 27,
    message: 'The condition cannot be read: something is missing at the end.',
  });
});

test.each([
  ['comm.matches("a+")', 0, 18],
  ['a == 1 && has(b.c)', 10, 18],
  ['[1, 2].exists(x, x == a)', 0, 24],
  ['a[0] == 1', 0, 4],
  ['null == a', 0, 4],
  ['a == 1u', 5, 7],
  ['b"x" == a', 0, 4],
  ['{"a": 1} == b', 0, 8],
  ['known(1)', 0, 8],
  ['not(a)', 0, 6],
  ['startsWith(a, "b")', 0, 18],
  ['cidr("10.0.0.0/8") == a', 0, 18],
  ['a.containsIP(b)', 0, 15],
  ['cidr(a).containsIP(b)', 0, 21],
  ['cidr("::/0").containsIP(a, b)', 0, 29],
])('%s is CEL, but refused where it stands', (text, start, end) =>
  expect(mistakesOf(text)).toMatchObject([{ code: 'RULE_WHERE_UNSUPPORTED', start, end }]),
);

test('every refused part is told, not the first only', () =>
  expect(mistakesOf('a.matches("x") || b.matches("y") && 1.5 < c').map(({ code, start }) => [code, start])).toEqual([
    ['RULE_WHERE_UNSUPPORTED', 0],
    ['RULE_WHERE_UNSUPPORTED', 18],
    ['RULE_WHERE_NUMBER', 36],
  ]));

test('whole numbers to 2^53 are taken as they are, larger ones refused', () => {
  expect(treeOf('a == 9007199254740992')).toMatchObject({ right: { value: 2 ** 53 } });
  expect(treeOf('a == -9007199254740992')).toMatchObject({ right: { op: 'negate', of: { value: 2 ** 53 } } });
  for (const text of ['a == 9007199254740993', 'a == -9007199254740993', 'a == 0x7fffffffffffffff', 'a == 1e3'])
    expect(mistakesOf(text)[0]?.code, text).toBe('RULE_WHERE_NUMBER');
});

test.each([
  ['', 'RULE_WHERE_EMPTY'],
  [' \n ', 'RULE_WHERE_EMPTY'],
  [`a == "${'x'.repeat(5000)}"`, 'RULE_WHERE_SYNTAX'],
  [`${'('.repeat(2000)}a${')'.repeat(2000)}`, 'RULE_WHERE_SYNTAX'],
])('empty, long and deep ones are refused: %#', (text, code) => expect(mistakesOf(text).map((mistake) => mistake.code)).toEqual([code]));

describe('whatever the text', () => {
  const atoms = fc.constantFrom(
    'a',
    'state',
    '1',
    '-5',
    '"x"',
    "'한'",
    'true',
    'null',
    '1.5',
    '2u',
    '[1, "b"]',
    '{"k": 1}',
    'b"z"',
    'known(a)',
    'has(a.b)',
  );
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      atoms,
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom('&&', '||', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', 'in'),
          tie('expression'),
        )
        .map(([a, op, b]) => `(${a}) ${op} (${b})`),
      fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
      fc.tuple(fc.constantFrom('!', '-'), tie('expression')).map(([op, a]) => `${op}(${a})`),
      fc
        .tuple(tie('expression'), fc.constantFrom('matches', 'contains', 'startsWith', 'size', 'lowerAscii'), tie('expression'))
        .map(([a, f, b]) => `(${a}).${f}(${b})`),
      fc.tuple(fc.constantFrom('size', 'known', 'int', 'type'), tie('expression')).map(([f, a]) => `${f}(${a})`),
      fc.tuple(tie('expression'), fc.constantFrom('.b', '[0]', '.map(x, x)', '.all(x, x > 1)')).map(([a, b]) => `(${a})${b}`),
    ),
  }));

  /** All nodes of our tree stand inside the text, children inside their parents. */
  const inside = (node: Expression, from: number, to: number): void => {
    expect(node.start).toBeGreaterThanOrEqual(from);
    expect(node.end).toBeLessThanOrEqual(to);
    expect(node.end).toBeGreaterThan(node.start);
    for (const child of Object.values(node).flat() as unknown[])
      if (typeof child === 'object' && child !== null && 'op' in child) inside(child as Expression, node.start, node.end);
  };
  const told = (text: string, mistakes: readonly Mistake[]): void => {
    expect(mistakes.length).toBeGreaterThan(0);
    for (const { message, start, end } of mistakes) {
      expect(message).toMatch(/\.$|\?$/);
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeGreaterThan(start);
      expect(start).toBeLessThanOrEqual(text.length);
    }
  };

  test('what cel-js parses is either converted whole or refused at a place inside the text', () => {
    const seen = { converted: 0, refused: 0 };
    fc.assert(
      fc.property(expression, (text) => {
        fc.pre(text.length <= 4096);
        expect(() => parse(text)).not.toThrow();
        const parsed = parseWhere(text);
        seen[parsed.ok ? 'converted' : 'refused']++;
        if (parsed.ok) return inside(parsed.tree, 0, text.length);
        told(text, parsed.mistakes);
        for (const { end } of parsed.mistakes) expect(end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.converted, seen.refused)).toBeGreaterThan(10);
  });

  test('no text makes it throw, and what is wrong has a place', () => {
    const words = fc.array(
      fc.oneof(expression, fc.constantFrom('&', '=', 'and', '"', "'", '(', '\\', '\n', '한', '\u0000', '800ms', '1.2.3.4'), fc.string()),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(words, (pieces) => {
        const text = pieces.join(' ');
        const parsed = parseWhere(text);
        if (!parsed.ok) told(text, parsed.mistakes);
      }),
      { numRuns: 500 },
    );
  });
});
