import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { expect, test, vi } from 'vitest';
import type { Item } from '../src/alerts/item.ts';
import { sent, type Sink } from '../src/delivery/sink.ts';
import { planWatch } from '../src/engine/watch.ts';
import { watch } from '../src/engine/watching.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import { runPipeline } from '../src/pipeline.ts';
import { error, type Problem } from '../src/problem/problem.ts';
import type { Rule } from '../src/rules/rule.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { clock, FakeEngine, fakeHost } from './lab/fake-engine.ts';

const loaded = loadGoals(join(import.meta.dirname, '../scripts-stp'));
const goals = loaded.ok ? loaded.value : new Map<never, never>();
const retransmit = 'tcp.retransmit';
const rtoChange = 'tcp.rto_change';
const ms = 1000;

const base = (name: string, goal: string) => ({
  name,
  group: 'test',
  goal,
  by: [],
  labels: {},
  to: ['out'],
  place: { file: 'test.yaml', line: 1, column: 1 },
});
const forward = (goal: string): Rule => ({ ...base(`All ${goal}`, goal), kind: 'forward' });
const storm: Rule = {
  ...base('Storm', retransmit),
  kind: 'alert',
  by: ['dport'],
  alertBy: ['dport'],
  threshold: { count: 3, withinMs: 10_000 },
  forMs: 0,
  keepFiringForMs: 20_000,
  maxAlerts: 10,
  severity: 'warning',
  annotations: {},
};

/** A whole run over engines that the test plays. `systemtap` has to compile first; bpftrace is not there. */
async function begin(
  rules: readonly Rule[],
  wanted: 'auto' | 'systemtap' = 'auto',
  prepare: (systemtap: FakeEngine) => void = () => undefined,
) {
  const systemtap = new FakeEngine('systemtap');
  const procfs = new FakeEngine('procfs');
  prepare(systemtap);
  const options = { rules, goals, wanted, engines: [systemtap, procfs], host: fakeHost, pushdown: true };
  const stop = new AbortController();
  const ready = new Subject<string>();
  const items: Item[] = [];
  const problems: Problem[] = [];
  const ledger = new Ledger();
  const sink: Sink = {
    send: async (notification) => (items.push(...notification.items), notification.items.map(() => sent())),
    close: async () => undefined,
  };
  let over = false;
  const pipeline = runPipeline({
    frames: watch(await planWatch(options), options, stop.signal, { ready, retry: { firstMs: 40, maxMs: 160 } }),
    rules,
    goals,
    sinks: [{ name: 'out', sink, definition: { grouping: 'each', maxItems: 100 } }],
    taplineTo: ['out'],
    ledger,
    host: 'h',
    boot: 'b',
    secret: [1, 2],
    maxKeys: 1000,
    watch: { signal: (signal) => signal.kind === 'ready' && ready.next(signal.run.id) },
    notice: (problem) => problems.push(problem),
  });
  const ended = pipeline.ended.then((unsent) => ((over = true), unsent));
  const of = (goal: string) =>
    items.filter((item) => item.goal === goal).map((item) => ('record' in item.body ? item.body.record.fields : {}));
  return {
    systemtap,
    procfs,
    items,
    ledger,
    stop,
    ended,
    isOver: () => over,
    codes: () => problems.map(({ code }) => code),
    /** Fields of the records of a goal that reached the sink. */
    of,
    sports: () => of(retransmit).map((fields) => fields['sport']),
    degraded: () => of('tapline.degraded').map(({ by_engine, state }) => `${by_engine} ${state}`),
    /** Whatever was told is through. */
    settled: () => delay(5),
    async finish() {
      await ended;
      expect(ledger.imbalances()).toEqual([]);
    },
  };
}

test('procfs watches at once; systemtap takes over when ready: each record once, cut at the last look', async () => {
  const on = await begin([forward(retransmit)]);
  const t = clock.us;
  const [proc, stap] = [on.procfs.last, on.systemtap.last];
  proc.begin().ready(retransmit, t);
  proc.record(retransmit, t + 200 * ms, { sport: 1 }, t, 1);
  stap.begin();
  // Attached, not proved yet: the first two are in procfs' last look as well.
  stap.record(retransmit, t + 290 * ms, { sport: 2 });
  stap.ready(retransmit, t + 300 * ms);
  stap.record(retransmit, t + 310 * ms, { sport: 3 });
  stap.beat(retransmit, t + 315 * ms);
  await on.settled();
  expect(proc.leaving(retransmit)).toBe(true);
  expect(on.sports(), 'systemtap waits for the goodbye').toEqual([1]);
  stap.record(retransmit, t + 330 * ms, { sport: 5 });
  proc.record(retransmit, t + 322 * ms, { sport: 2 }, t + 200 * ms, 1);
  proc.record(retransmit, t + 322 * ms, { sport: 3 }, t + 200 * ms, 1);
  proc.bye(retransmit, t + 320 * ms).complete();
  stap.record(retransmit, t + 340 * ms, { sport: 6 });
  await on.settled();
  expect(on.sports()).toEqual([1, 2, 3, 5, 6]);
  expect(on.codes()).toEqual(['ENGINE_TOOK_OVER']);
  expect(
    on.items.filter(({ goal }) => goal !== retransmit),
    'nothing was lost, nothing is worse',
  ).toEqual([]);
  on.stop.abort();
  stap.bye(retransmit, t + 400 * ms).complete();
  await on.finish();
  const [of, by] = [...on.ledger.runs.values()];
  expect(of).toMatchObject({ engine: 'procfs', decoded: 3, overlapping: 0 });
  expect(by).toMatchObject({ engine: 'systemtap', emitted: 4, decoded: 4, overlapping: 2 });
});

test('a goal that leaves procfs does not disturb the others', async () => {
  const on = await begin([forward(retransmit), forward(rtoChange)]);
  const t = clock.us;
  const [proc, stap] = [on.procfs.last, on.systemtap.last];
  expect([on.procfs.runs.length, proc.goals]).toEqual([1, [retransmit, rtoChange]]);
  proc.begin().ready(retransmit, t).ready(rtoChange, t);
  stap.begin(retransmit).ready(retransmit, t + 10 * ms);
  await on.settled();
  expect([proc.leaving(retransmit), proc.leaving(rtoChange)]).toEqual([true, false]);
  proc.bye(retransmit, t + 20 * ms);
  proc.record(rtoChange, t + 30 * ms, { sport: 7 }, t, 1);
  stap.record(retransmit, t + 40 * ms, { sport: 8 });
  await on.settled();
  expect(on.of(rtoChange).length + on.of(retransmit).length).toBe(2);
  on.stop.abort();
  proc.bye(rtoChange, t + 50 * ms).complete();
  stap.bye(retransmit, t + 50 * ms).complete();
  await on.finish();
});

test('however frames and looks fall: every event is told once, and the sums close', async () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 40; round++) {
    const on = await begin([forward(retransmit)]);
    const t = clock.us;
    const [proc, stap] = [on.procfs.last.begin().ready(retransmit, t), on.systemtap.last.begin()];
    const events = Array.from({ length: 60 }, () => random(2_000_000)).sort((a, b) => a - b);
    const [attachedUs, lookUs] = [800_000 + random(200_000), 1_000_000 + random(60_000)];
    const readyUs = Math.min(attachedUs + 1 + random(100_000), lookUs);
    const byProc = events.filter((us) => us <= lookUs);
    const byStap = events.filter((us) => us >= attachedUs);
    const sayProc = (untilUs: number) => {
      for (; byProc.length > 0 && (byProc[0] ?? 0) <= untilUs; byProc.shift()) proc.record(retransmit, t + untilUs, { sport: 1 }, t, 1);
    };
    const sayStap = (untilUs: number) => {
      for (; byStap.length > 0 && (byStap[0] ?? 0) <= untilUs; byStap.shift()) stap.record(retransmit, t + (byStap[0] ?? 0), { sport: 2 });
    };
    for (let us = 200_000; us < readyUs; us += 200_000) sayProc(us);
    // What a probe printed may be read before its mark or after it, and before the other's goodbye or after it.
    if (random(2) === 0) sayStap(readyUs);
    stap.ready(retransmit, t + readyUs);
    if (random(2) === 0) sayStap(lookUs + random(500_000));
    if (random(2) === 0) await on.settled();
    sayProc(lookUs);
    proc.bye(retransmit, t + lookUs + 1).complete();
    sayStap(2_000_000);
    await on.settled();
    const told = on.items.filter(({ goal }) => goal === retransmit);
    expect(told.length, `round ${round}`).toBe(events.length);
    expect(on.items.length).toBe(events.length);
    on.stop.abort();
    stap.bye(retransmit, t + 2_000_000).complete();
    await on.finish();
  }
});

test('the better engine cannot be compiled: procfs goes on, one line, no record of a failure', async () => {
  const on = await begin([forward(retransmit)]);
  const t = clock.us;
  const proc = on.procfs.last.begin().ready(retransmit, t);
  on.systemtap.last.begin().end(retransmit, error('ENGINE_COMPILE_FAILED', 'no headers')).gaveUp(retransmit);
  on.systemtap.last.complete();
  proc.record(retransmit, t + 200 * ms, { sport: 1 }, t, 1);
  await delay(100);
  expect(on.codes()).toEqual(['ENGINE_STAYS']);
  expect(on.systemtap.runs.length, 'what cannot be compiled is not tried again').toBe(1);
  expect(proc.leaving(retransmit)).toBe(false);
  expect(on.items.map(({ goal }) => goal)).toEqual([retransmit]);
  on.stop.abort();
  proc.bye(retransmit).complete();
  await on.finish();
});

test('an engine that gives up: the next one takes over, the gap is told as one loss; later it is tried again and takes over again', async () => {
  const on = await begin([forward(retransmit)], 'auto', (systemtap) => (systemtap.isCompiled = true));
  const t = clock.us;
  expect(on.procfs.runs.length).toBe(0);
  const stap = on.systemtap.last
    .begin()
    .ready(retransmit, t)
    .record(retransmit, t + 100 * ms, { sport: 1 })
    .beat(retransmit, t + 1000 * ms);
  for (let i = 0; i < 6; i++) {
    if (i > 0) stap.begin();
    stap.end(retransmit, error('ENGINE_FAILED', 'killed'));
  }
  stap.gaveUp(retransmit);
  stap.complete();
  await vi.waitFor(() => expect(on.procfs.runs.length).toBe(1));
  const proc = on.procfs.last.begin().ready(retransmit, t + 3000 * ms);
  await on.settled();
  expect(on.codes()).toEqual(['ENGINE_REPLACED']);
  expect(on.of('tapline.lost')).toEqual([
    { of: retransmit, by_engine: 'procfs', reason: 'unwatched', from_us: t + 1000 * ms, to_us: t + 3000 * ms },
  ]);
  expect(on.degraded(), 'six failures are one').toEqual(['systemtap failed', 'procfs replaced']);
  await vi.waitFor(() => expect(on.systemtap.runs.length).toBe(2));
  const again = on.systemtap.last.begin();
  again.end(retransmit, error('ENGINE_FAILED', 'killed'));
  await on.settled();
  expect(on.degraded().length, 'procfs watches: nothing is worse').toBe(2);
  again.begin().ready(retransmit, t + 4000 * ms);
  await on.settled();
  expect(proc.leaving(retransmit)).toBe(true);
  proc.bye(retransmit, t + 4010 * ms).complete();
  again.record(retransmit, t + 4020 * ms, { sport: 2 });
  await on.settled();
  expect(on.codes()).toEqual(['ENGINE_REPLACED', 'ENGINE_TOOK_OVER']);
  expect(on.degraded()).toEqual(['systemtap failed', 'procfs replaced', 'systemtap recovered']);
  expect(on.of('tapline.lost').length).toBe(1);
  expect(on.sports()).toEqual([1, 2]);
  on.stop.abort();
  again.bye(retransmit, t + 4100 * ms).complete();
  await on.finish();
});

test('an engine is restarted: the gap between is one loss of unknown size', async () => {
  const on = await begin([forward(retransmit)], 'systemtap');
  const t = clock.us;
  const stap = on.systemtap.last
    .begin()
    .ready(retransmit, t)
    .beat(retransmit, t + 1000 * ms);
  stap
    .end(retransmit, error('ENGINE_FAILED', 'killed'))
    .begin()
    .ready(retransmit, t + 1500 * ms);
  await on.settled();
  expect(on.of('tapline.lost')).toEqual([
    { of: retransmit, by_engine: 'systemtap', reason: 'unwatched', from_us: t + 1000 * ms, to_us: t + 1500 * ms },
  ]);
  const lost = on.items.find(({ goal }) => goal === 'tapline.lost');
  expect(lost?.body).not.toHaveProperty('count');
  expect(on.degraded()).toEqual(['systemtap failed', 'systemtap restarted']);
  on.stop.abort();
  stap.bye(retransmit, t + 1600 * ms).complete();
  await on.finish();
});

test('both end: nothing watches any more, so the run is over', async () => {
  const on = await begin([forward(retransmit)]);
  const proc = on.procfs.last.begin().ready(retransmit).end(retransmit, error('ENGINE_PROCFS_UNREADABLE', 'no /proc'));
  proc.complete();
  expect(on.isOver()).toBe(false);
  on.systemtap.last.begin().end(retransmit, error('ENGINE_COMPILE_FAILED', 'no headers')).gaveUp(retransmit);
  on.systemtap.last.complete();
  await on.finish();
  expect(on.codes()).toEqual(['ENGINE_NONE_LEFT', 'ENGINE_NONE_LEFT']);
  expect(on.degraded()).toEqual(['procfs failed']);
});

test('stopped in the middle of a take-over: what the incoming one held back comes out', async () => {
  const on = await begin([forward(retransmit)]);
  const t = clock.us;
  const [proc, stap] = [on.procfs.last.begin().ready(retransmit, t), on.systemtap.last.begin()];
  stap.ready(retransmit, t + 300 * ms).record(retransmit, t + 340 * ms, { sport: 2 });
  on.stop.abort();
  stap.bye(retransmit, t + 350 * ms).complete();
  proc
    .record(retransmit, t + 330 * ms, { sport: 1 }, t, 1)
    .bye(retransmit, t + 330 * ms)
    .complete();
  await on.finish();
  expect(on.sports()).toEqual([1, 2]);
});

test('an outgoing engine that is dead says no goodbye: what is not known to be told is told as lost', async () => {
  const on = await begin([forward(retransmit)]);
  const t = clock.us;
  const [proc, stap] = [on.procfs.last.begin().ready(retransmit, t), on.systemtap.last.begin()];
  proc.beat(retransmit, t + 100 * ms);
  stap.record(retransmit, t + 290 * ms, { sport: 2 }).ready(retransmit, t + 300 * ms);
  proc.end(retransmit, error('ENGINE_PROCFS_UNREADABLE', 'no /proc')).complete();
  await on.settled();
  expect(on.sports()).toEqual([2]);
  expect(on.of('tapline.lost')).toMatchObject([{ reason: 'unwatched', from_us: t + 100 * ms, to_us: t + 300 * ms }]);
  expect(on.degraded()).toEqual([]);
  on.stop.abort();
  stap.bye(retransmit, t + 350 * ms).complete();
  await on.finish();
});

test('unsubscribing ends everything, and nothing is tried again', async () => {
  const [systemtap, procfs] = [new FakeEngine('systemtap'), new FakeEngine('procfs')];
  const options = {
    rules: [forward(retransmit)],
    goals,
    wanted: 'auto' as const,
    engines: [systemtap, procfs],
    host: fakeHost,
    pushdown: true,
  };
  const plan = await planWatch(options);
  const subscription = watch(plan, options, new AbortController().signal, { retry: { firstMs: 1, maxMs: 1 } }).subscribe();
  systemtap.last.begin().end(retransmit, error('ENGINE_FAILED', 'killed')).gaveUp(retransmit);
  subscription.unsubscribe();
  expect([systemtap.last.closed, procfs.last.closed]).toEqual([true, true]);
  await delay(30);
  expect(systemtap.runs.length).toBe(1);
});

test('alerts, windows and dedupe are the same with a take-over as without, and no engine change fires or resolves anything', async () => {
  const rules = [storm, { ...forward(retransmit), dedupeMs: 5000, by: ['dport'] }];
  const eventsMs = [100, 1300, 2600, 2700, 4100, 5200, 7000, 9000, 9100, 12_000];
  const told = async (takeOver: boolean) => {
    const on = await begin(rules, 'auto', (systemtap) => (systemtap.isCompiled = !takeOver));
    const t = (clock.us = 1_800_000_000_000_000);
    const values = { sport: 1, dport: 443 };
    const stap = on.systemtap.last.begin();
    const proc = takeOver ? on.procfs.last.begin().ready(retransmit, t) : undefined;
    if (!proc) stap.ready(retransmit, t);
    for (let at = 0; at <= 60_000; at += 100) {
      clock.us = t + at * ms;
      const happened = eventsMs.includes(at);
      if (happened && proc && at <= 2600) proc.record(retransmit, t + at * ms, values, t, 1);
      if (happened && (!proc || at >= 2600)) stap.record(retransmit, t + at * ms, values);
      if (proc && at === 2500) stap.ready(retransmit, t + at * ms);
      if (at === 2600) {
        await on.settled();
        proc?.bye(retransmit, t + at * ms + 1).complete();
      }
      if (at % 1000 === 0) {
        if (proc && at < 2600) proc.beat(retransmit, t + at * ms);
        else stap.beat(retransmit, t + at * ms);
      }
    }
    on.stop.abort();
    stap.bye(retransmit, t + 60_000 * ms).complete();
    await on.finish();
    return on.items.map(({ kind, rule, key, timeUs, body }) => ({
      kind,
      rule,
      key,
      timeMs: (timeUs - t) / 1000,
      ...('state' in body && { state: body.state }),
      ...('count' in body && { count: body.count }),
    }));
  };
  const without = await told(false);
  expect(without.filter(({ state }) => state === 'resolved').length).toBe(1);
  expect(without.filter(({ kind }) => kind === 'suppressed').length).toBeGreaterThan(0);
  expect(await told(true)).toEqual(without);
});

test('while nothing of a goal is ready its time stands still: a gap between two engines resolves nothing', async () => {
  const on = await begin([storm], 'auto', (systemtap) => (systemtap.isCompiled = true));
  const t = clock.us;
  const stap = on.systemtap.last.begin().ready(retransmit, t);
  for (let i = 0; i < 3; i++) stap.record(retransmit, t + i * ms, { sport: 1, dport: 443 });
  stap
    .beat(retransmit, t + 1000 * ms)
    .end(retransmit, error('ENGINE_FAILED', 'killed'))
    .gaveUp(retransmit);
  stap.complete();
  await vi.waitFor(() => expect(on.procfs.runs.length).toBe(1));
  const states = () => on.items.flatMap(({ body }) => ('state' in body ? [body.state] : []));
  const hour = 3_600_000 * ms;
  const proc = on.procfs.last.begin().ready(retransmit, t + hour);
  proc.beat(retransmit, t + hour + 1000 * ms);
  await on.settled();
  expect(states()).toEqual(['firing']);
  for (let s = 2; s < 40; s++) proc.beat(retransmit, t + hour + s * 1000 * ms);
  await on.settled();
  expect(states()).toEqual(['firing', 'resolved']);
  on.stop.abort();
  proc.bye(retransmit).complete();
  await on.finish();
});
