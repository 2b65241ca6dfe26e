import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Batch } from '../src/decode/batch.ts';
import { batchOf, type RowValues } from '../src/decode/columns.ts';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import type { Run } from '../src/engine/frame.ts';
import { bpftraceDialect } from '../src/generate/bpftrace.ts';
import type { Filter } from '../src/generate/dialect.ts';
import { pushDown, weaken, words, type Pushable } from '../src/generate/pushdown.ts';
import { parseWhere } from '../src/rules/cel.ts';
import type { Expression, ExpressionNode, Where } from '../src/rules/where.ts';
import { compileWhere } from '../src/stream/where.ts';
import { bpftraceModule, goalOf, ruleWhere } from './lab/goals.ts';
import { sourceTest } from './lab/pushed.ts';
import { watch } from './lab/watching.ts';
import { needs } from './needs.ts';

const goal = goalOf('tcp.retransmit');
const pushable: Pushable = { goal, engine: 'bpftrace', can: (atom) => bpftraceDialect.can(atom) };
const run: Run = {
  id: 'r',
  host: 'h',
  boot: 'b',
  engine: 'bpftrace',
  goal: goal.id,
  module: 'm',
  fidelity: 'event',
  dialect: 'tapline',
  clock: 'wall',
};
const node = (expression: ExpressionNode): Expression => ({ start: 0, end: 0, ...expression });
const addresses = ['198.18.0.2', '198.18.0.6', '2001:db8::1', '::ffff:198.18.0.2'];
const states = goal.fields.find((field) => field.name === 'state')?.values ?? [];
const small = fc.integer({ min: -2, max: 4 });

const row = fc.record({
  netns: fc.integer({ min: 0, max: 3 }),
  saddr: fc.constantFrom(...addresses),
  sport: fc.integer({ min: 0, max: 3 }),
  daddr: fc.constantFrom(...addresses),
  dport: fc.integer({ min: 0, max: 3 }),
  state: fc.constantFrom(...states.slice(0, 4)),
  kind: fc.option(fc.constantFrom('RTO', 'SYN'), { nil: undefined }),
  rto_ms: fc.option(small, { nil: undefined }),
  backoff: fc.option(small, { nil: undefined }),
  segs: fc.constant(1),
  err: fc.option(small, { nil: undefined }),
  pid: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  comm: fc.option(fc.constantFrom('node', 'a"b'), { nil: undefined }),
});
const batch = (rows: readonly RowValues['fields'][]) =>
  batchOf(
    goal,
    run,
    rows.map((fields, i) => ({ timeUs: i, seq: i + 1, fields })),
  );

const field = (name: string) => node({ op: 'field', name });
const int = (value: number) => node({ op: 'literal', type: 'int', value });
const text = (value: string) => node({ op: 'literal', type: 'text', value });
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const number = fc.letrec<{ value: Expression }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom('netns', 'sport', 'dport', 'rto_ms', 'backoff', 'err', 'pid').map(field),
    small.map(int),
    fc.tuple(fc.constantFrom('+', '-', '*', '/', '%'), tie('value'), tie('value')).map(([op, left, right]) => node({ op, left, right })),
    tie('value').map((of) => node({ op: 'negate', of })),
  ),
})).value;
const leaf: fc.Arbitrary<Expression> = fc.oneof(
  fc
    .tuple(comparison, fc.constantFrom('netns', 'sport', 'dport'), small, fc.boolean())
    .map(([op, name, value, flipped]) => node({ op, left: flipped ? int(value) : field(name), right: flipped ? field(name) : int(value) })),
  fc.tuple(comparison, number, number).map(([op, left, right]) => node({ op, left, right })),
  fc
    .tuple(fc.constantFrom('==', '!='), fc.constantFrom('saddr', 'daddr'), fc.constantFrom(...addresses))
    .map(([op, name, value]) => node({ op, left: field(name), right: text(value) })),
  fc
    .tuple(fc.constantFrom('==', '!='), fc.constantFrom(...states.slice(0, 4)))
    .map(([op, value]) => node({ op, left: field('state'), right: text(value) })),
  fc
    .tuple(fc.constantFrom('==', '!='), fc.constantFrom('node', 'a"b', ''))
    .map(([op, value]) => node({ op, left: field('comm'), right: text(value) })),
  fc
    .tuple(fc.constantFrom('sport', 'dport', 'rto_ms'), fc.array(small, { maxLength: 3 }))
    .map(([name, items]) => node({ op: 'in', left: field(name), right: node({ op: 'list', items: items.map(int) }) })),
  fc
    .tuple(
      fc.constantFrom('saddr', 'daddr'),
      fc.constantFrom('198.18.0.0/29', '198.18.0.2/32', '0.0.0.0/0', '::/0', '2001:db8::/32', '2001:db8::1/128', '8000::/1'),
    )
    .map(([name, network]) =>
      node({ op: 'containsIP', network: { start: 0, end: 0, op: 'literal', type: 'text', value: network }, address: field(name) }),
    ),
  fc.constantFrom('rto_ms', 'pid', 'kind').map((name) => node({ op: 'known', name })),
  fc.boolean().map((value) => node({ op: 'literal', type: 'bool', value })),
);
const condition = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.tuple(fc.constantFrom('and', 'or'), tie('tree'), tie('tree')).map(([op, left, right]) => node({ op, left, right })),
    tie('tree').map((of) => node({ op: 'not', of })),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([c, then, otherwise]) => node({ op: 'if', condition: c, then, otherwise })),
  ),
})).tree;

/** Rows that the stream passes and the filter rejects: there may be none. */
function wronged(filter: Filter, where: Where, at: Batch): number[] {
  const compiled = compileWhere(where, goal);
  const lets = sourceTest(bpftraceDialect, filter, goal);
  return Array.from({ length: at.length }, (_, i) => i).filter((i) => compiled.test(at, i) === 1 && !lets(at, i));
}

test('whatever the stream passes, the pushed filter passes', () => {
  let narrowed = 0;
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), fc.array(condition, { minLength: 1, maxLength: 3 }), (rows, trees) => {
      const rules = trees.map((tree) => ruleWhere(goal.id, tree));
      const { filter } = pushDown(rules, pushable);
      if (filter.op !== 'true') narrowed++;
      const at = batch(rows);
      for (const rule of rules) if (rule.where) expect(wronged(filter, rule.where, at)).toEqual([]);
    }),
    { numRuns: 1500 },
  );
  expect(narrowed).toBeGreaterThan(100);
});

test('that check finds a filter that is turned round', () => {
  const tree = node({ op: '==', left: field('dport'), right: int(2) });
  const at = batch([1, 2, 3].map((dport) => ({ ...fc.sample(row, { seed: 7, numRuns: 1 })[0], dport })));
  expect(wronged(weaken(tree, pushable).filter, { text: '', tree }, at)).toEqual([]);
  expect(wronged(weaken(tree, pushable, true).filter, { text: '', tree }, at)).toEqual([1]);
});

const parsed = (source: string): Expression => {
  const result = parseWhere(source);
  if (!result.ok) throw new Error(source);
  return result.tree;
};
const told = (source: string) =>
  pushDown([{ ...ruleWhere(goal.id, parsed(source)), where: { text: source, tree: parsed(source) } }], pushable).report[0];

test.each([
  ['dport == 443 && rto_ms >= 800', 'dport == 443', 'rto_ms >= 800'],
  ['!(dport == 443 || rto_ms < 800)', 'dport != 443', '!(dport == 443 || rto_ms < 800)'],
  ['dport == 443 || rto_ms >= 800', undefined, 'dport == 443 || rto_ms >= 800'],
  ['daddr == "2001:DB8::1" && 1024 <= sport', 'daddr == "2001:DB8::1" && 1024 <= sport', undefined],
  ['state == "SYN_SENT" && comm == "node"', 'state == "SYN_SENT"', 'comm == "node"'],
  ['dport in [80, 443]', 'dport in [80, 443]', undefined],
  ['!(dport in [80, 443])', '!(dport in [80, 443])', undefined],
  ['comm.startsWith("ng") && sport == 1', 'sport == 1', 'comm.startsWith("ng")'],
  ['!cidr("10.0.0.0/8").containsIP(daddr)', '!cidr("10.0.0.0/8").containsIP(daddr)', undefined],
  ['cidr("::/0").containsIP(daddr) && sport == 1', 'sport == 1', 'cidr("::/0").containsIP(daddr)'],
  ['dport == sport', undefined, 'dport == sport'],
])('%s: the probe tests %s, the stream %s', (source, pushed, rest) =>
  expect(told(source)).toEqual({ rule: 'of a test', ...(pushed !== undefined && { pushed }), ...(rest !== undefined && { rest }) }),
);

test('a rule without a condition lifts the filter for all', () => {
  const { filter, report } = pushDown([ruleWhere(goal.id, parsed('dport == 443'), 'dport == 443'), ruleWhere(goal.id)], pushable);
  expect(filter).toEqual({ op: 'true' });
  expect(report[0]).toEqual({ rule: 'of a test', rest: 'dport == 443' });
});

test('bpftrace accepts what is generated from conditions of all kinds', { timeout: 120_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  for (const [id, source] of [
    ['tcp.retransmit', 'daddr == "198.18.0.6" && dport == 443 && (state == "SYN_SENT" || !(saddr == "2001:db8::1")) && sport > -5'],
    ['tcp.rto_change', 'rto_ms >= 800 && rto_ms - rto_was_ms >= 100 && dport != 22'],
    ['tcp.reset', '(!cidr("10.0.0.0/9").containsIP(daddr) || cidr("2001:db8::/33").containsIP(saddr)) && !(dport in [80, 443])'],
    [
      'file.delete',
      'path.startsWith("/etc/") || !path.startsWith("/usr/lib/x86_64-linux-gnu") || path in ["/a", "/b"] || comm.startsWith("ng")',
    ],
    ['syscall.open', 'path == "/etc/shadow" || path.startsWith("/root/") && !comm.startsWith("ss")'],
    ['syscall.open', '(comm == "nginx" || comm != "a (b) <c>") && ret < 0 && uid == 0 && call != "open"'],
  ] as const) {
    const module = await bpftraceModule(goalOf(id), [ruleWhere(id, parsed(source), source)]);
    expect(module.source).not.toContain('if (1 == 1)');
    // Ready proves that the kernel's verifier took it, too.
    const watching = await watch(bpftraceEngine, [module]);
    await watching.stop();
    expect(watching.ledger.imbalances()).toEqual([]);
  }
});

test(
  'with and without push-down the same records are left, and the filter rejects at least 90 % of a load of opens',
  { timeout: 90_000 },
  async (context) => {
    needs(context, 'root', 'bpftrace');
    const open = goalOf('syscall.open');
    const source = 'ret == -2 && comm == "tl-load" && path.startsWith("/nonexistent/1") && path.endsWith("7")';
    const where = { text: source, tree: parsed(source) };
    const rule = { ...ruleWhere(open.id), where };
    expect(words(pushDown([rule], { ...pushable, goal: open }).filter)).toBe(
      'ret == -2 && comm == "tl-load" && path.startsWith("/nonexistent/1")',
    );
    const [on, off] = await Promise.all(
      [true, false].map(async (pushdown) => watch(bpftraceEngine, [await bpftraceModule(open, [rule], pushdown)])),
    );
    if (on === undefined || off === undefined) throw new Error('not started');
    try {
      const load = (name: string, loops: number) =>
        `exec(open('/proc/self/comm','w').write('${name}') and ''); import os\nfor i in range(${loops}):\n  os.path.exists('/nonexistent/%d' % i)\n  try: open('/nonexistent/%d' % i)\n  except OSError: pass`;
      // A grandchild: Tapline's own children are not watched. Not spawnSync: the pipes have to be read meanwhile.
      await once(spawn('sh', ['-c', 'python3 -c "$1"; python3 -c "$2"; :', 'sh', load('tl-noise', 1000), load('tl-load', 200)]), 'exit');
      const wanted = (records: typeof on.records) =>
        records
          .filter(
            ({ fields }) => fields['ret'] === -2 && fields['comm'] === 'tl-load' && /^.nonexistent.1.*7$/.test(String(fields['path'])),
          )
          .map(({ fields }) => fields['path']);
      for (const each of [on, off]) {
        const from = each.signals.length;
        await each.until(({ signals }) => signals.slice(from).filter(({ kind }) => kind === 'time').length >= 2, 'two beats');
      }
      await Promise.all([on.stop(), off.stop()]);
      expect(wanted(on.records)).toEqual(wanted(off.records));
      expect(wanted(on.records)).toHaveLength(11);
      const [account] = [...on.ledger.runs.values()];
      if (account === undefined) throw new Error('no account');
      expect(account.filtered / (account.filtered + account.emitted)).toBeGreaterThanOrEqual(0.9);
      expect(on.ledger.imbalances()).toEqual([]);
      expect(off.ledger.imbalances()).toEqual([]);
    } finally {
      await Promise.all([on.stop(), off.stop()]);
    }
  },
);
