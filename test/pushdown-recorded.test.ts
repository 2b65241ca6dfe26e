import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Batch } from '../src/decode/batch.ts';
import { Decoder } from '../src/decode/decoder.ts';
import { valueAt } from '../src/decode/record.ts';
import { parseFrame } from '../src/engine/recording.ts';
import { bpftraceDialect } from '../src/generate/bpftrace.ts';
import type { Dialect } from '../src/generate/dialect.ts';
import { pushDown } from '../src/generate/pushdown.ts';
import { systemtapDialect } from '../src/generate/systemtap.ts';
import type { Field, Goal } from '../src/goals/goal.ts';
import type { Expression, ExpressionNode } from '../src/rules/where.ts';
import { compileWhere } from '../src/stream/where.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { goalOf, ruleWhere } from './lab/goals.ts';
import { sourceTest } from './lab/pushed.ts';

const node = (expression: ExpressionNode): Expression => ({ start: 0, end: 0, ...expression });

/** Records of a real kernel, printed by a module that filters nothing. */
function recorded(goal: Goal): Batch[] {
  const decoder = new Decoder({ goal: () => goal, ledger: new Ledger() });
  const lines = readFileSync(join(goal.folder ?? '', 'example.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1);
  return decoder.push(lines.flatMap((line) => parseFrame(line) ?? [])).flatMap((signal) => (signal.kind === 'batch' ? [signal.batch] : []));
}

const column = (goal: Goal, field: Field) => goal.fields.indexOf(field);
const rowsOf = (batch: Batch) => Array.from({ length: batch.length }, (_, row) => row);

/** Conditions over the goal's fields, with literals that stand in the recording or beside it. */
function conditions(goal: Goal, batches: readonly Batch[]): fc.Arbitrary<Expression> {
  const leaves = goal.fields.flatMap((field): fc.Arbitrary<Expression>[] => {
    const seen = [...new Set(batches.flatMap((batch) => rowsOf(batch).map((row) => valueAt(batch, column(goal, field), row))))].filter(
      (value) => value !== undefined,
    );
    const left = node({ op: 'field', name: field.name });
    if (seen.length === 0 || field.type === 'bool')
      return [fc.constant(field.type === 'bool' ? left : node({ op: 'known', name: field.name }))];
    if (field.type === 'int') {
      const near = seen.flatMap((value) => [Number(value) - 1, Number(value), Number(value) + 1]);
      const literal = fc.constantFrom(...near).map((value) => node({ op: 'literal', type: 'int', value }));
      return [
        fc.tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), literal).map(([op, right]) => node({ op, left, right })),
        fc.tuple(fc.constantFrom('<', '>='), literal).map(([op, right]) => node({ op, left: node({ op: '+', left, right }), right })),
      ];
    }
    const literal = fc
      .constantFrom(...seen.map(String), ...(field.values ?? []))
      .map((value) => node({ op: 'literal', type: 'text', value }));
    const same = fc.tuple(fc.constantFrom('==', '!='), literal).map(([op, right]) => node({ op, left, right }));
    const among = fc.array(literal, { maxLength: 3 }).map((items) => node({ op: 'in', left, right: node({ op: 'list', items }) }));
    if (field.type === 'address') {
      const networks = seen.flatMap((value) =>
        (String(value).includes(':') ? [1, 32, 127, 128] : [0, 8, 15, 31, 32]).map((bits) => `${String(value)}/${bits}`),
      );
      const network = fc
        .constantFrom(...networks, '::/0')
        .map((value) => ({ start: 0, end: 0, op: 'literal', type: 'text', value }) as const);
      return [same, among, network.map((each) => node({ op: 'containsIP', network: each, address: left }))];
    }
    if (field.type !== 'text') return [same, among];
    const part = fc
      .tuple(literal, fc.nat(12))
      .map(([whole, size]) => ({ ...whole, value: String('value' in whole ? whole.value : '').slice(0, size) }) as Expression);
    return [same, among, part.map((beginning) => node({ op: 'startsWith', text: left, part: beginning }))];
  });
  return fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(...leaves),
      fc.tuple(fc.constantFrom('and', 'or'), tie('tree'), tie('tree')).map(([op, left, right]) => node({ op, left, right })),
      tie('tree').map((of) => node({ op: 'not', of })),
    ),
  })).tree;
}

const facts = (engineVersion: string) => ({ hz: 250, kernel: '6.1.0', tracepoints: new Map<string, ReadonlySet<string>>(), engineVersion });
const languages: readonly [string, Dialect, string][] = [
  ['bpftrace 0.17', bpftraceDialect, '0.17.0'],
  ['bpftrace 0.27', bpftraceDialect, '0.27.0'],
  ['systemtap', systemtapDialect, '5.6'],
];
const cases = ['tcp.retransmit', 'tcp.rto_change', 'syscall.open'].flatMap((id) =>
  languages.map(([name, dialect, version]) => [id, name, dialect, version] as const),
);

test.each(cases)('over recorded frames of %s, whatever the stream passes the filter pushed to %s passes', (id, _name, dialect, version) => {
  const goal = goalOf(id);
  const batches = recorded(goal);
  expect(batches.reduce((sum, batch) => sum + batch.length, 0)).toBeGreaterThan(3);
  const pushable = { goal, engine: dialect.engine, can: (atom: Parameters<Dialect['can']>[0]) => dialect.can(atom) };
  let rejected = 0;
  let passed = 0;
  const wronged = (trees: readonly Expression[], invert = false): number => {
    const rules = trees.map((tree) => ruleWhere(goal.id, tree));
    const { filter } = pushDown(rules, pushable);
    const lets = sourceTest(dialect, filter, goal, facts(version));
    let wrong = 0;
    for (const batch of batches)
      for (const row of rowsOf(batch)) {
        const through = lets(batch, row) !== invert;
        const wanted = rules.some((rule) => rule.where !== undefined && compileWhere(rule.where, goal).test(batch, row) === 1);
        if (wanted) passed += 1;
        if (!through) rejected += 1;
        if (wanted && !through) wrong += 1;
      }
    return wrong;
  };
  const trees = fc.array(conditions(goal, batches), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(trees, (some) => wronged(some) === 0),
    { numRuns: 600 },
  );
  // Both happened; how often differs widely from one random run to the next.
  expect(rejected).toBeGreaterThan(20);
  expect(passed).toBeGreaterThan(20);
  // The same check finds a filter that is turned round.
  expect(() =>
    fc.assert(
      fc.property(trees, (some) => wronged(some, true) === 0),
      { numRuns: 300 },
    ),
  ).toThrow();
});
