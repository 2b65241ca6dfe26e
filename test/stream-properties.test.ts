import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RowValues } from '../src/decode/columns.ts';
import type { Signal } from '../src/decode/signal.ts';
import type { AlertRule, ForwardRule } from '../src/rules/rule.ts';
import type { RulePipe } from '../src/stream/index.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { alert, at, beat, forward, gone, pipeOf, plain, ready, rows, type Plain } from './stream-rows.ts';

/** A record, a heartbeat or an outage, in tenths of a second, sometimes out of order. */
type Step = { readonly row: RowValues } | { readonly signal: Signal };

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      d: fc.integer({ min: 0, max: 4 }),
      dport: fc.integer({ min: 0, max: 1 }),
      rto: fc.integer({ min: 1, max: 4 }),
      n: fc.integer({ min: 1, max: 3 }),
      gap: fc.integer({ min: -30, max: 40 }),
      known: fc.integer({ min: 0, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ beat: fc.integer({ min: 0, max: 200 }) }) },
  { weight: 1, arbitrary: fc.record({ outage: fc.integer({ min: 1, max: 100 }) }) },
);

const steps = fc.array(step, { maxLength: 80 }).map((all): Step[] => {
  let now = 0;
  let seq = 0;
  const out: Step[] = [{ signal: ready() }];
  for (const each of all) {
    if ('gap' in each) {
      now += each.gap;
      const fields = {
        daddr: each.known === 0 ? undefined : `10.0.0.${each.d}`,
        dport: each.dport,
        rto_ms: each.known === 1 ? undefined : 200 * each.rto,
        state: 'UP',
        comm: `c${each.d}\udc80`,
        fresh: true,
      };
      out.push({ row: { timeUs: at(now / 10), seq: ++seq, n: each.n, fields } });
    } else if ('beat' in each) out.push({ signal: beat((now += each.beat) / 10) });
    else out.push({ signal: gone(now / 10) }, { signal: ready((now += each.outage) / 10) });
  }
  return out;
});

const rules = fc.oneof(
  fc
    .record({ changed: fc.boolean(), dedupe: fc.constantFrom(undefined, 500, 3000) })
    .map(({ changed, dedupe }): ForwardRule =>
      forward({ ...(changed && { changed: new Map([['rto_ms', 300]]) }), ...(dedupe && { dedupeMs: dedupe }) }),
    ),
  fc
    .record({
      changed: fc.boolean(),
      dedupe: fc.constantFrom(undefined, 500, 3000),
      count: fc.constantFrom(0, 1, 3),
      alertBy: fc.constantFrom(['daddr'], ['dport'], []),
    })
    .map(({ changed, dedupe, count, alertBy }): AlertRule =>
      alert({
        alertBy,
        by: ['daddr', 'dport'],
        ...(changed && { changed: new Map([['rto_ms', 300]]) }),
        ...(dedupe && { dedupeMs: dedupe }),
        ...(count > 0 && { threshold: { count, withinMs: 5000 } }),
      }),
    ),
);

/** Steps as signals; records that follow each other are cut into batches where `cuts` says so. */
function signalsOf(all: readonly Step[], cuts: readonly boolean[]): Signal[] {
  const out: Signal[] = [];
  let waiting: RowValues[] = [];
  const flush = () => {
    if (waiting.length > 0) out.push(rows(...waiting));
    waiting = [];
  };
  all.forEach((each, i) => {
    if ('row' in each) waiting.push(each.row);
    if ('signal' in each || cuts[i % Math.max(1, cuts.length)] === true) flush();
    if ('signal' in each) out.push(each.signal);
  });
  flush();
  return out;
}

const end = at(1000);
const through = (pipe: RulePipe, signals: readonly Signal[]): Plain[] => [
  ...signals.flatMap((signal) => plain(pipe.push(signal))),
  ...plain(pipe.stop(end)),
];

test('how records are cut into batches does not change what a rule tells', () => {
  fc.assert(
    fc.property(rules, steps, fc.array(fc.boolean()), (rule, all, cuts) => {
      expect(through(pipeOf(rule), signalsOf(all, cuts))).toEqual(through(pipeOf(rule), signalsOf(all, [true])));
    }),
    { numRuns: 300 },
  );
});

test('a snapshot taken anywhere, through JSON, goes on as if nothing had been', () => {
  fc.assert(
    fc.property(rules, steps, fc.array(fc.boolean()), fc.nat(), fc.constantFrom(2, 1000), (rule, all, cuts, where, maxKeys) => {
      const signals = signalsOf(all, cuts);
      const half = where % (signals.length + 1);
      const first = pipeOf(rule, { maxKeys });
      const told = signals.slice(0, half).flatMap((signal) => plain(first.push(signal)));
      const second = pipeOf(rule, { maxKeys, secret: [77, 88] });
      second.restore(JSON.parse(JSON.stringify(first.snapshot())) as ReturnType<RulePipe['snapshot']>);
      expect([...told, ...through(second, signals.slice(half))]).toEqual(through(pipeOf(rule, { maxKeys }), signals));
    }),
    { numRuns: 300 },
  );
});

test("a rule's sum closes after every signal, with keys evicted beside it", () => {
  fc.assert(
    fc.property(rules, steps, fc.array(fc.boolean()), fc.constantFrom(1, 3, 1000), (rule, all, cuts, maxKeys) => {
      const ledger = new Ledger();
      let evicted = 0;
      const pipe = pipeOf(rule, { maxKeys, self: (batch, row) => batch.n[row] === 3, onEvicted: (_, count) => (evicted += count) }, ledger);
      let records = 0;
      for (const signal of signalsOf(all, cuts)) {
        if (signal.kind === 'batch') records += signal.batch.length;
        pipe.push(signal);
        expect(ledger.imbalances()).toEqual([]);
        expect(ledger.rule('R').records).toBe(records);
        expect(ledger.rule('R').evicted).toBe(evicted);
      }
    }),
  );
});

/** What semantics 9 to 11 say of one rule, done record by record with plain maps and no thought for speed. */
function oracle(rule: AlertRule | ForwardRule, all: readonly RowValues[]): { passed: number[]; turns: [string, boolean, number][] } {
  const reference = new Map<string, number>();
  const windows = new Map<string, { t0: number; last: number }>();
  const events = new Map<string, { time: number; n: number }[]>();
  const holds = new Map<string, boolean>();
  const passed: number[] = [];
  const turns: [string, boolean, number][] = [];
  const keyOf = (by: readonly string[], each: RowValues) => JSON.stringify(by.map((name) => each.fields[name] ?? null));
  const { count, withinMs } = (rule.kind === 'alert' && rule.threshold) || { count: 1, withinMs: 60_000 };
  const sum = (key: string, time: number) =>
    (events.get(key) ?? [])
      .filter((each) => each.time > time - withinMs * 1000 && each.time <= time)
      .reduce((total, each) => total + each.n, 0);
  const turn = (key: string, time: number) => {
    const now = sum(key, time) >= count;
    if (now !== (holds.get(key) ?? false)) turns.push([key, now, time]);
    holds.set(key, now);
  };
  let nowUs = -Infinity;
  for (const each of all) {
    const later = Math.max(nowUs, each.timeUs);
    for (const [key, list] of events)
      for (const event of list)
        if (event.time + withinMs * 1000 < later && event.time + withinMs * 1000 >= nowUs) turn(key, event.time + withinMs * 1000);
    nowUs = later;
    const key = keyOf(rule.by, each);
    if (rule.changed) {
      const value = each.fields['rto_ms'] as number | undefined;
      const before = reference.get(key);
      if (value === undefined || (before !== undefined && Math.abs(value - before) < 300)) continue;
      reference.set(key, value);
    }
    let passes = true;
    if (rule.dedupeMs !== undefined) {
      const window = windows.get(key);
      const time = Math.max(window?.last ?? -Infinity, each.timeUs);
      passes = window === undefined || time >= window.t0 + rule.dedupeMs * 1000;
      windows.set(key, { t0: passes ? time : (window?.t0 ?? time), last: time });
    }
    if (passes) passed.push(each.seq);
    if (rule.kind === 'forward' || !(passes || rule.threshold === undefined)) continue;
    const about = keyOf(rule.alertBy, each);
    const list = events.get(about) ?? [];
    const time = Math.max(list.at(-1)?.time ?? -Infinity, each.timeUs);
    events.set(about, [...list, { time, n: each.n ?? 1 }]);
    turn(about, time);
  }
  return { passed, turns };
}

test('what passes and what turns is what a plain reading of semantics 9 to 11 says', () => {
  fc.assert(
    fc.property(rules, steps, (rule, all) => {
      // In the order of time: what a late record of one key means for another's window is told in stream.test.ts.
      const records = all.flatMap((each) => ('row' in each ? [each.row] : [])).sort((a, b) => a.timeUs - b.timeUs);
      const told = records.length === 0 ? [] : plain(pipeOf(rule).push(rows(...records)));
      const { passed, turns } = oracle(rule, records);
      if (rule.kind === 'forward') expect(told.flatMap((each) => ('row' in each ? [each.seq] : []))).toEqual(passed);
      else {
        const sorted = (list: [string, boolean, number][]) =>
          list.sort((a, b) => a[2] - b[2] || a[0].localeCompare(b[0]) || Number(a[1]) - Number(b[1]));
        const mine = told.flatMap((each): [string, boolean, number][] =>
          'condition' in each ? [[each.condition, each.holds, at(each.at)]] : [],
        );
        expect(sorted(mine)).toEqual(sorted(turns));
      }
    }),
    { numRuns: 300 },
  );
});

test('nothing held back is lost: closings and what is still open tell all of it', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(1, 2, 1000), (all, maxKeys) => {
      const ledger = new Ledger();
      const told = through(pipeOf(forward({ dedupeMs: 3000 }), { maxKeys }, ledger), signalsOf(all, [true]));
      const total = all.reduce((sum, each) => sum + ('row' in each ? (each.row.n ?? 1) : 0), 0);
      const passed = told.flatMap((each) => ('row' in each ? [each.seq] : []));
      const n = new Map(all.flatMap((each) => ('row' in each ? [[each.row.seq, each.row.n ?? 1] as const] : [])));
      const out =
        passed.reduce((sum, seq) => sum + (n.get(seq) ?? 0), 0) + told.reduce((sum, each) => sum + ('closing' in each ? each.count : 0), 0);
      expect(out).toBe(total);
    }),
  );
});
