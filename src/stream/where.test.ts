import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batch, goal, row } from '../../test/stream-rows.ts';
import type { RowValues } from '../decode/columns.ts';
import type { Expression, ExpressionNode } from '../rules/where.ts';
import { allRows, compileWhere } from './where.ts';

type Fields = RowValues['fields'];
const node = (each: ExpressionNode): Expression => ({ start: 0, end: 0, ...each });
const int = (value: number) => node({ op: 'literal', type: 'int', value });
const text = (value: string) => node({ op: 'literal', type: 'text', value });
const field = (name: string) => node({ op: 'field', name });
const list = (items: Expression[]) => node({ op: 'list', items });
const two = (
  op: '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | 'and' | 'or' | 'in',
  left: Expression,
  right: Expression,
) => node({ op, left, right });

/** CEL text of a tree. */
function cel(tree: Expression): string {
  switch (tree.op) {
    case 'literal':
      return tree.type === 'text'
        ? JSON.stringify(tree.value)
        : tree.type === 'int' && tree.value < 0
          ? `(${tree.value})`
          : String(tree.value);
    case 'list':
      return `[${tree.items.map(cel).join(', ')}]`;
    case 'field':
      return tree.name;
    case 'and':
    case 'or':
      return `(${cel(tree.left)} ${tree.op === 'and' ? '&&' : '||'} ${cel(tree.right)})`;
    case 'not':
      return `!(${cel(tree.of)})`;
    case 'negate':
      return `-(${cel(tree.of)})`;
    case 'if':
      return `(${cel(tree.condition)} ? ${cel(tree.then)} : ${cel(tree.otherwise)})`;
    case 'known':
      return `known_${tree.name}`;
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return `${cel(tree.text)}.${tree.op}(${cel(tree.part)})`;
    case 'containsIP':
      return `cidr(${cel(tree.network)}).containsIP(${cel(tree.address)})`;
    case 'size':
      return `size(${cel(tree.of)})`;
    default:
      return `(${cel(tree.left)} ${tree.op} ${cel(tree.right)})`;
  }
}

const texts = fc.constantFrom('', 'a', 'ab', 'nginx', 'b', '\u{1f600}');
const { bool: bools } = fc.letrec<{ whole: Expression; text: Expression; bool: Expression }>((tie) => ({
  whole: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -3, max: 3 }).map(int),
    fc.constantFrom('dport', 'rto_ms').map(field),
    fc.tuple(fc.constantFrom('+', '-', '*', '/', '%'), tie('whole'), tie('whole')).map(([op, a, b]) => two(op, a, b)),
    tie('whole').map((of) => node({ op: 'negate', of })),
    tie('text').map((of) => node({ op: 'size', of })),
    fc.tuple(tie('bool'), tie('whole'), tie('whole')).map(([condition, then, otherwise]) => node({ op: 'if', condition, then, otherwise })),
  ),
  text: fc.oneof(
    { depthSize: 'small' },
    texts.map(text),
    fc.constantFrom('comm', 'state').map(field),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => two('+', a, b)),
  ),
  bool: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.boolean().map((value) => node({ op: 'literal', type: 'bool', value })),
    fc.constant(field('fresh')),
    fc.constantFrom('dport', 'rto_ms', 'comm', 'state', 'fresh').map((name) => node({ op: 'known', name })),
    fc.tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), tie('whole'), tie('whole')).map(([op, a, b]) => two(op, a, b)),
    fc.tuple(fc.constantFrom('==', '!='), tie('text'), tie('text')).map(([op, a, b]) => two(op, a, b)),
    fc.tuple(fc.constantFrom('and', 'or'), tie('bool'), tie('bool')).map(([op, a, b]) => two(op, a, b)),
    tie('bool').map((of) => node({ op: 'not', of })),
    fc.tuple(tie('whole'), fc.array(tie('whole'), { minLength: 1, maxLength: 3 })).map(([a, items]) => two('in', a, list(items))),
    fc
      .tuple(fc.constantFrom('state', 'comm'), fc.array(texts, { minLength: 1, maxLength: 3 }))
      .map(([name, items]) => two('in', field(name), list(items.map(text)))),
    fc
      .tuple(fc.constantFrom('startsWith', 'endsWith', 'contains'), tie('text'), tie('text'))
      .map(([op, a, b]) => node({ op, text: a, part: b })),
  ),
}));
const rowFields: fc.Arbitrary<Fields> = fc.record({
  dport: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }),
  rto_ms: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }),
  state: fc.option(fc.constantFrom('UP', 'DOWN', 'GONE'), { nil: undefined }),
  comm: fc.option(texts, { nil: undefined }),
  fresh: fc.option(fc.boolean(), { nil: undefined }),
});

const environment = new Environment();
for (const { name, type } of goal.fields) {
  environment.registerVariable(name, type === 'int' ? 'int' : type === 'bool' ? 'bool' : 'string');
  environment.registerVariable(`known_${name}`, 'bool');
}
/** cel-js' own answer; undefined where it throws. */
function celAnswer(tree: Expression, fields: Fields): unknown {
  const context: Record<string, unknown> = {};
  for (const { name } of goal.fields) {
    const value = fields[name];
    context[`known_${name}`] = value !== undefined;
    if (value !== undefined) context[name] = typeof value === 'number' ? BigInt(value) : value;
  }
  try {
    return environment.evaluate(cel(tree), context) as unknown;
  } catch {
    return undefined;
  }
}

const where = (tree: Expression) => compileWhere({ text: cel(tree), tree }, goal);
const answers = (tree: Expression, ...all: Fields[]) => {
  const rows = batch(...all.map((fields) => row(0, fields)));
  return all.map((_, i) => [false, true, undefined][where(tree).test(rows, i)]);
};
const passing = (tree: Expression, ...all: Fields[]) => {
  const rows = batch(...all.map((fields) => row(0, fields)));
  const selection = allRows(rows);
  const { unknown } = where(tree).narrow(rows, selection);
  return { rows: [...selection.rows.subarray(0, selection.count)], unknown };
};

test('agrees with the evaluator of cel-js, unknown being its error', () => {
  let decided = 0;
  fc.assert(
    fc.property(bools, rowFields, (tree, fields) => {
      const expected = celAnswer(tree, fields);
      if (expected !== undefined) decided++;
      expect(answers(tree, fields)).toEqual([expected]);
    }),
    { numRuns: 3000 },
  );
  expect(decided).toBeGreaterThan(500);
});

test('narrowing column by column says of each row what it says of one, and counts the unknown', () => {
  fc.assert(
    fc.property(fc.array(bools, { minLength: 1, maxLength: 4 }), fc.array(rowFields, { maxLength: 12 }), (parts, all) => {
      const tree = parts.reduce((left, right) => two('and', left, right));
      const each = answers(tree, ...all);
      const rows = each.flatMap((answer, i) => (answer === true ? [i] : []));
      const { rows: passed, unknown } = passing(tree, ...all);
      expect(passed).toEqual(rows);
      expect(unknown).toBe(each.filter((answer) => answer === undefined).length);
    }),
  );
});

describe('semantics 1 to 3', () => {
  test('&& and || absorb what is unknown; known() tells', () => {
    const doubt = two('==', field('rto_ms'), int(1));
    const no = two('==', field('dport'), int(1));
    const yes = two('==', field('dport'), int(2));
    const fields = { rto_ms: undefined, dport: 2 };
    for (const [tree, answer] of [
      [two('and', doubt, no), false],
      [two('and', no, doubt), false],
      [two('or', doubt, yes), true],
      [two('and', doubt, yes), undefined],
      [two('or', doubt, no), undefined],
      [node({ op: 'not', of: doubt }), undefined],
      [node({ op: 'known', name: 'rto_ms' }), false],
      [node({ op: 'known', name: 'daddr' }), true],
    ] as const)
      expect(answers(tree, fields), cel(tree)).toEqual([answer]);
  });
  test('division truncates; by zero, and beyond 2^53, is unknown', () => {
    const quotient = (a: number, b: number, is: number) => answers(two('==', two('/', int(a), int(b)), int(is)), {})[0];
    expect([quotient(7, 2, 3), quotient(-7, 2, -3), quotient(1, 0, 0)]).toEqual([true, true, undefined]);
    expect(answers(two('<', two('%', int(-7), int(4)), int(0)), {})).toEqual([true]);
    const big = Number.MAX_SAFE_INTEGER;
    expect(answers(two('>', two('+', int(big), int(1)), int(0)), {})).toEqual([undefined]);
    expect(answers(two('>', two('*', int(big), int(big)), int(0)), {})).toEqual([undefined]);
  });
  test('addresses are 16 bytes: however they are written, v4-mapped is v4', () => {
    const is = (literal: string) => two('==', field('daddr'), text(literal));
    expect(passing(is('::ffff:192.0.2.1'), { daddr: '192.0.2.1' }, { daddr: '192.0.2.2' }, { daddr: undefined })).toEqual({
      rows: [0],
      unknown: 1,
    });
    expect(passing(is('2001:0DB8:0:0::1'), { daddr: '2001:db8::1' }, { daddr: '2001:db8::2' }).rows).toEqual([0]);
    expect(
      passing(
        two('in', field('daddr'), list([text('::1'), text('::ffff:7f00:1')])),
        { daddr: '127.0.0.1' },
        { daddr: '::1' },
        { daddr: '::2' },
      ).rows,
    ).toEqual([0, 1]);
    const either = node({ op: 'if', condition: field('fresh'), then: text('::1'), otherwise: text('0::2') });
    expect(passing(two('==', field('daddr'), either), { daddr: '::1' }, { daddr: '::2' }, { daddr: '::2', fresh: false }).rows).toEqual([
      0, 2,
    ]);
  });
  test('a network holds addresses of its own family, however they are written; one that is not known is in none', () => {
    const within = (network: string, address = field('daddr')) =>
      node({ op: 'containsIP', network: { start: 0, end: 0, op: 'literal', type: 'text', value: network }, address });
    const some = ['10.1.2.3', '11.0.0.0', '::ffff:10.0.0.1', '2001:db8::1', undefined].map((daddr) => ({ daddr }));
    expect(passing(within('10.0.0.0/8'), ...some)).toEqual({ rows: [0, 2], unknown: 1 });
    expect(passing(within('::/0'), ...some)).toEqual({ rows: [3], unknown: 1 });
    const either = node({ op: 'if', condition: field('fresh'), then: field('daddr'), otherwise: text('10.0.0.9') });
    expect(passing(within('10.0.0.0/8', either), { fresh: true, daddr: '::1' }, { fresh: false, daddr: '::1' }).rows).toEqual([1]);
  });
  test('host is a field of every goal; bytes that are no UTF-8 compare as themselves', () => {
    expect(passing(two('==', field('host'), text('h1')), {}).rows).toEqual([0]);
    expect(passing(two('==', field('comm'), text('\udc80')), { comm: '\udc80' }, { comm: '\udc81' }).rows).toEqual([0]);
    expect(passing(two('<', text('\uffff'), field('comm')), { comm: '\u{10000}' }).rows).toEqual([0]);
  });
  test('a tree that was not checked is refused', () => expect(() => where(two('==', field('dport'), text('a')))).toThrow(TypeError));
});
