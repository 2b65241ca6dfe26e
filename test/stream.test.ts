import { map, of, Subject } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test } from 'vitest';
import type { Signal } from '../src/decode/signal.ts';
import { rulePipe, throughRules, type RulePipe } from '../src/stream/index.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { alert, at, batch, beat, forward, gone, pipeOf, plain, push, ready, row, rows, withoutTime } from './stream-rows.ts';

const A = { daddr: '10.0.0.1' };
const B = { daddr: '10.0.0.2' };
const keyA = '["10.0.0.1"]';
const opens = (outputs: ReturnType<typeof push>) => outputs.flatMap((each) => ('row' in each ? [each.row] : []));
const closings = (outputs: ReturnType<typeof push>) => outputs.flatMap((each) => ('closing' in each ? [each] : []));
const edges = (outputs: ReturnType<typeof push>) => outputs.flatMap((each) => ('condition' in each ? [[each.holds, each.at]] : []));

describe('semantics 5: a sampled record counts n times', () => {
  test('threshold.count sums n', () => {
    const pipe = pipeOf(alert({ threshold: { count: 3, withinMs: 60_000 } }));
    expect(edges(push(pipe, rows(row(0, A, 2))))).toEqual([]);
    expect(push(pipe, rows(row(1, A, 2)))).toMatchObject([{ holds: true, at: 1, count: 4, counted: 2 }]);
  });
  test('a closing record counts n, the ledger counts records', () => {
    const ledger = new Ledger();
    const pipe = pipeOf(forward({ dedupeMs: 10_000 }), {}, ledger);
    push(pipe, rows(row(0), row(1, A, 5), row(2, A, 7)));
    expect(closings(push(pipe, rows(row(10))))).toMatchObject([{ count: 12 }]);
    expect(ledger.rule('R')).toMatchObject({ records: 4, passed: 2, deduped: 2 });
  });
});

describe('semantics 6: time', () => {
  test("a key's time never runs backwards", () => {
    const pipe = pipeOf(forward({ dedupeMs: 10_000 }));
    expect(opens(push(pipe, rows(row(0), row(12), row(5), row(21), row(22))))).toEqual([0, 12, 22]);
    const late = pipeOf(alert({ threshold: { count: 2, withinMs: 10_000 } }));
    expect(edges(push(late, rows(row(20), row(5))))).toEqual([[true, 20]]);
  });
  test('a record that comes late by the time of other keys is still inside its window', () => {
    const pipe = pipeOf(forward({ dedupeMs: 10_000 }));
    expect(opens(push(pipe, rows(row(0, A), row(11, B), row(9, A), row(11, A))))).toEqual([0, 11, 11]);
  });
  test('only heartbeats of a run of the goal move the time of a rule', () => {
    const pipe = pipeOf(forward({ dedupeMs: 1000 }));
    push(pipe, ready(), rows(row(0), row(0.5)));
    expect(push(pipe, beat(5, 'other'))).toEqual([]);
    expect(closings(push(pipe, beat(5)))).toMatchObject([{ end: 1 }]);
  });
  test('records that where drops move it too', () => {
    const where = {
      text: 'dport == 443',
      tree: {
        op: '==',
        start: 0,
        end: 12,
        left: { op: 'field', name: 'dport', start: 0, end: 5 },
        right: { op: 'literal', type: 'int', value: 443, start: 9, end: 12 },
      },
    } as const;
    const pipe = pipeOf(forward({ dedupeMs: 1000, where }));
    push(pipe, rows(row(0), row(0.5)));
    expect(closings(push(pipe, rows(row(3, { dport: 80 }))))).toMatchObject([{ end: 1, count: 1 }]);
  });
});

describe('semantics 9: changed', () => {
  const changed = (tolerances: Record<string, number>) => forward({ changed: new Map(Object.entries(tolerances)) });
  test("a key's first record passes; later ones by at least the tolerance from the last that passed", () => {
    const pipe = pipeOf(changed({ rto_ms: 100 }));
    const out = push(pipe, rows(...[200, 204, 299, 300, 399, 201, 200].map((rto_ms, i) => row(i, { rto_ms }))));
    expect(opens(out)).toEqual([0, 3, 6]);
  });
  test('creeping changes add up', () => {
    const pipe = pipeOf(changed({ rto_ms: 100 }));
    expect(opens(push(pipe, rows(...Array.from({ length: 11 }, (_, i) => row(i, { rto_ms: 200 + 20 * i })))))).toEqual([0, 5, 10]);
  });
  test('healthy wobble of 4 to 8 ms stays silent', () => {
    const pipe = pipeOf(changed({ rto_ms: 100 }));
    expect(opens(push(pipe, rows(...Array.from({ length: 500 }, (_, i) => row(i, { rto_ms: 204 + 4 * ((i * 7) % 3) })))))).toEqual([0]);
  });
  test('names mean unequal, one of several is enough', () => {
    const pipe = pipeOf(changed({ state: 0, comm: 0, rto_ms: 0 }));
    const steps = [{}, {}, { state: 'DOWN' }, { state: 'DOWN' }, { state: 'DOWN', comm: 'x' }, { state: 'DOWN', comm: 'x', rto_ms: 201 }];
    expect(opens(push(pipe, rows(...steps.map((fields, i) => row(i, fields)))))).toEqual([0, 2, 4, 5]);
  });
  test('an unknown value neither passes nor sets the reference', () => {
    const pipe = pipeOf(changed({ rto_ms: 100 }));
    const out = push(
      pipe,
      rows(
        row(0, { rto_ms: undefined }),
        row(1, { rto_ms: 200 }),
        row(2, { rto_ms: undefined }),
        row(3, { rto_ms: 250 }),
        row(4, { rto_ms: 300 }),
      ),
    );
    expect(opens(out)).toEqual([1, 4]);
  });
  test('how many were held back rides on the next one that passes', () => {
    const pipe = pipeOf(changed({ rto_ms: 100 }));
    expect(push(pipe, rows(row(0), row(1), row(2, A, 3), row(3, { rto_ms: 400 }), row(4, { rto_ms: 800 })))).toMatchObject([
      { held: 0 },
      { held: 4 },
      { held: 0 },
    ]);
  });
  test('the reference is dropped on expiry and on eviction', () => {
    const pipe = pipeOf(changed({ rto_ms: 100 }));
    expect(opens(push(pipe, rows(row(0), row(86_399), row(172_800))))).toEqual([0, 172_800]);
    const small = pipeOf(changed({ rto_ms: 100 }), { maxKeys: 1 });
    expect(opens(push(small, rows(row(0, A), row(1, B), row(2, A))))).toEqual([0, 1, 2]);
  });
});

describe('semantics 10: dedupe', () => {
  const rule = forward({ dedupeMs: 10_000 });
  test('[t0, t0 + W): the end belongs to the next window, and a held record never moves it', () => {
    expect(opens(push(pipeOf(rule), rows(row(0), row(9.999999), row(10), row(19), row(20))))).toEqual([0, 10, 20]);
  });
  test('one closing record, before any record of its key with time >= t0 + W', () => {
    const out = push(pipeOf(rule), rows(row(0), row(3), row(4), row(10)));
    expect(out).toMatchObject([{ row: 0 }, { closing: keyA, t0: 0, end: 10, count: 2, first: 3, last: 4 }, { row: 10 }]);
    expect(closings(out)[0]?.seq).toBe((out[0] as { seq: number }).seq + 2);
  });
  test('it leaves at t0 + W by a heartbeat, and not a microsecond earlier', () => {
    const pipe = pipeOf(rule);
    push(pipe, ready(), rows(row(0), row(3)));
    expect(push(pipe, beat(9.999999))).toEqual([]);
    expect(push(pipe, beat(10))).toMatchObject([{ closing: keyA, end: 10 }]);
    expect(push(pipe, beat(60))).toEqual([]);
  });
  test('none where nothing was held back', () =>
    expect(push(pipeOf(rule), ready(), rows(row(0)), beat(100))).toEqual([expect.objectContaining({ row: 0 })]));
  test('on eviction and on stop', () => {
    const ledger = new Ledger();
    const evicted: unknown[] = [];
    const pipe = pipeOf(rule, { maxKeys: 1, onEvicted: (...each) => evicted.push(each) }, ledger);
    expect(push(pipe, rows(row(0, A), row(1, A), row(2, B), row(3, B)))).toMatchObject([
      { row: 0 },
      { closing: keyA, end: 2, count: 1 },
      { row: 2 },
    ]);
    expect(ledger.rule('R').evicted).toBe(1);
    expect(evicted).toEqual([['dedupe', 1, at(3)]]);
    expect(plain(pipe.stop(at(5)))).toMatchObject([{ closing: '["10.0.0.2"]', t0: 2, end: 5, count: 1 }]);
  });
  test('a window that opens right after another closes in time', () => {
    const pipe = pipeOf(forward({ dedupeMs: 1000 }));
    push(pipe, ready(), rows(row(0), row(1), row(1.5)));
    expect(closings(push(pipe, beat(2)))).toMatchObject([{ t0: 1, end: 2, count: 1 }]);
  });
  test('a late rest of a window that was told is told too, under a t0 of its own', () => {
    const pipe = pipeOf(rule);
    const out = push(pipe, rows(row(0, A), row(1, A), row(11, B), row(9, A), row(30, A)));
    expect(closings(out)).toMatchObject([
      { t0: 0, count: 1 },
      { t0: 9, count: 1 },
    ]);
  });
});

describe('semantics 11: threshold', () => {
  test('(t - within, t]: an event that is exactly `within` old does not count', () => {
    const rule = alert({ threshold: { count: 2, withinMs: 10_000 } });
    expect(edges(push(pipeOf(rule), rows(row(0), row(10))))).toEqual([]);
    expect(edges(push(pipeOf(rule), rows(row(0), row(9.999999))))).toEqual([[true, 9.999999]]);
  });
  test('reaching it does not reset it, and it turns off when the window thins out', () => {
    const pipe = pipeOf(alert({ threshold: { count: 2, withinMs: 10_000 } }));
    expect(edges(push(pipe, ready(), rows(row(0), row(4), row(8))))).toEqual([[true, 4]]);
    expect(edges(push(pipe, beat(13.9)))).toEqual([[true, 8]]);
    expect(edges(push(pipe, beat(14)))).toEqual([[false, 14]]);
  });
  test('leaving and coming at one instant is no turn', () => {
    const pipe = pipeOf(alert({ threshold: { count: 1, withinMs: 10_000 } }));
    expect(edges(push(pipe, rows(row(0, A), row(10, B), row(10, A))))).toEqual([
      [true, 0],
      [true, 10],
    ]);
    expect(edges(push(pipe, rows(row(25, B))))).toEqual([
      [false, 20],
      [false, 20],
      [true, 25],
    ]);
  });
  test('per threshold key, over what passed dedupe', () => {
    const pipe = pipeOf(alert({ by: ['daddr', 'dport'], alertBy: ['daddr'], dedupeMs: 5000, threshold: { count: 2, withinMs: 60_000 } }));
    expect(edges(push(pipe, rows(row(0), row(1))))).toEqual([]);
    expect(push(pipe, rows(row(2, { dport: 80 })))).toMatchObject([{ condition: keyA, holds: true, count: 2 }]);
  });
  test('without threshold: any record that passed changed in the last minute, suppressed ones included', () => {
    const pipe = pipeOf(alert({ dedupeMs: 600_000 }));
    expect(edges(push(pipe, ready(), rows(row(0), row(50))))).toEqual([[true, 0]]);
    expect(edges(push(pipe, beat(60)))).toEqual([[true, 50]]);
    expect(edges(push(pipe, beat(110)))).toEqual([[false, 110]]);
  });
  test('the last five records that counted, the number of all', () => {
    const pipe = pipeOf(alert({ threshold: { count: 8, withinMs: 60_000 } }));
    const all = Array.from({ length: 8 }, (_, i) => row(i));
    expect(push(pipe, rows(...all))).toMatchObject([{ counted: 8, seqs: all.slice(3).map((each) => each.seq) }]);
  });
  test('stays exact when one key floods', () => {
    const pipe = pipeOf(alert({ threshold: { count: 3, withinMs: 1000 } }));
    push(pipe, ready(), rows(...Array.from({ length: 5000 }, (_, i) => row(i / 10_000))));
    expect(edges(push(pipe, beat(1.4996)))).toEqual([[true, 0.4999]]);
    expect(edges(push(pipe, beat(1.4997)))).toEqual([[false, 1.4997]]);
  });
});

describe('semantics 12: time stands still while no engine of the goal is ready', () => {
  const steps = (pipe: RulePipe) => [ready(), rows(row(0)), gone(1), beat(70)].map((signal) => plain(pipe.push(signal)));
  test('nothing turns meanwhile; what is over turns on return', () => {
    const pipe = pipeOf(alert());
    expect(steps(pipe).at(2)).toEqual([{ time: 0, standing: true }]);
    expect(edges(push(pipe, beat(100)))).toEqual([]);
    expect(plain(pipe.push(ready(200, 'b')))).toEqual([{ time: 200, standing: false }, expect.objectContaining({ holds: false, at: 200 })]);
  });
  test('a second engine keeps it going', () => {
    const pipe = pipeOf(alert());
    push(pipe, ready(), ready(0, 'b'), rows(row(0)), gone(1));
    expect(edges(push(pipe, beat(60, 'b')))).toEqual([[false, 60]]);
  });
  test('a stop resolves nothing', () => {
    const pipe = pipeOf(alert());
    push(pipe, rows(row(0)));
    expect(plain(pipe.stop(at(1000)))).toEqual([]);
  });
});

describe('semantics 14 and 17: keys', () => {
  const keyOf = (by: string[], fields: Parameters<typeof row>[1]) => {
    const [output] = pipeOf(alert({ by })).push(rows(row(0, fields)));
    return output?.kind === 'condition' ? output.condition.key : undefined;
  };
  test('a JSON array in the order of by, unknown is null and has no label', () => {
    expect(
      keyOf(['dport', 'host', 'daddr', 'state', 'comm', 'fresh'], { daddr: '2001:db8:0::1', comm: 'a"\n\udc80', state: undefined }),
    ).toEqual({
      text: '[443,"h1","2001:db8::1",null,"a\\"\\n\\udc80",true]',
      labels: { dport: '443', host: 'h1', daddr: '2001:db8::1', comm: 'a"\n\udc80', fresh: 'true' },
    });
  });
  test('by: [] is one key for the rule', () => expect(keyOf([], {})).toEqual({ text: '[]', labels: {} }));
  test('an unknown address and :: are two keys', () => {
    const pipe = pipeOf(forward({ dedupeMs: 1000 }));
    expect(opens(push(pipe, rows(row(0, { daddr: undefined }), row(0, { daddr: '::' }), row(0, { daddr: '::' }))))).toEqual([0, 0]);
  });
});

describe('semantics 23 and 30: own connections, bounds', () => {
  test('self is counted apart and decides nothing', () => {
    const ledger = new Ledger();
    const pipe = pipeOf(forward(), { self: (each, index) => each.n[index] === 2 }, ledger);
    expect(opens(push(pipe, rows(row(0), row(1, A, 2), row(2))))).toEqual([0, 2]);
    expect(ledger.rule('R')).toMatchObject({ records: 3, self: 1, passed: 2 });
  });
  test('a hundred thousand keys: no more state than the cap, the rest is evicted and counted', () => {
    const ledger = new Ledger();
    const pipe = pipeOf(
      alert({ by: ['dport'], changed: new Map([['rto_ms', 1]]), dedupeMs: 600_000, threshold: { count: 2, withinMs: 600_000 } }),
      { maxKeys: 10_000 },
      ledger,
    );
    for (let i = 0; i < 100_000; i += 1000)
      push(pipe, rows(...Array.from({ length: 1000 }, (_, k) => row((i + k) / 1000, { dport: i + k }))));
    const { changed, dedupe, threshold } = pipe.snapshot();
    expect([changed, dedupe, threshold].map((each) => each?.keys.length)).toEqual([10_000, 10_000, 10_000]);
    expect(ledger.rule('R').evicted).toBe(3 * 90_000);
    expect(ledger.imbalances()).toEqual([]);
  });
  test('a rule on a goal of Tapline makes no record about itself', () => {
    const evicted: unknown[] = [];
    const own = { ...batch(row(0, A), row(1, B)) };
    const goal = { ...own.goal, id: 'tapline.lost' };
    const pipe = pipeOf(forward({ goal: 'tapline.lost', dedupeMs: 1000 }), { maxKeys: 1, onEvicted: (...each) => evicted.push(each) });
    pipe.push({ kind: 'batch', batch: { ...own, goal } });
    expect(evicted).toEqual([]);
  });
});

describe('semantics 34: operators of RxJS', () => {
  const noFault = (_: unknown, fault: unknown): never => {
    throw fault;
  };
  test('in virtual time, and windows close on completion', () => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
      const signals = cold<Signal>('ab 7998ms c 1999ms (d|)', {
        a: ready(),
        b: rows(row(0), row(1)),
        c: rows(row(8)),
        d: rows(row(10), row(11)),
      });
      const seen = signals.pipe(
        rulePipe(pipeOf(forward({ dedupeMs: 10_000 })), noFault),
        map((output) => output.kind),
      );
      expectObservable(seen).toBe('ab 9998ms (cbc|)', { a: 'time', b: 'rows', c: 'closing' });
    });
  });
  test('a rule that throws ends no other', () => {
    const faults: unknown[] = [];
    const bad: RulePipe = {
      ...pipeOf(forward({ name: 'bad' })),
      rule: forward({ name: 'bad' }),
      push: () => {
        throw new Error('defect');
      },
      stop: () => [],
    };
    const told: string[] = [];
    of(rows(row(0)), rows(row(1)))
      .pipe(throughRules(of([bad, pipeOf(forward())]), (rule, fault) => faults.push([rule.name, String(fault)])))
      .subscribe(({ rule }) => told.push(rule.name));
    expect(told).toEqual(['R', 'R']);
    expect(faults).toEqual([
      ['bad', 'Error: defect'],
      ['bad', 'Error: defect'],
    ]);
  });
  test('a swapped set: kept rules keep state, new ones know what is ready, gone ones close', () => {
    const sets = new Subject<readonly RulePipe[]>();
    const signals = new Subject<Signal>();
    const out: string[] = [];
    signals
      .pipe(throughRules(sets, noFault))
      .subscribe(({ rule, output }) => out.push(...withoutTime(plain([output])).map((each) => `${rule.name} ${Object.keys(each)[0]}`)));
    const kept = () => forward({ name: 'kept', dedupeMs: 10_000 });
    sets.next([pipeOf(kept()), pipeOf(forward({ name: 'old', dedupeMs: 10_000 }))]);
    for (const signal of [ready(), rows(row(0), row(1))]) signals.next(signal);
    expect(out.splice(0)).toEqual(['kept row', 'old row']);
    sets.next([pipeOf(kept()), pipeOf(forward({ name: 'new', dedupeMs: 1000 }))]);
    expect(out.splice(0)).toEqual(['old closing']);
    signals.next(rows(row(2), row(2.5)));
    signals.next(beat(3));
    expect(out.splice(0)).toEqual(['new row', 'new closing']);
    signals.next(beat(10));
    expect(out).toEqual(['kept closing']);
  });
});
