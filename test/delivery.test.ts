import { VirtualTimeScheduler } from 'rxjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Item } from '../src/alerts/item.ts';
import { Delivery, type DeliveryDeps, type OpenSink } from '../src/delivery/delivery.ts';
import type { Loss } from '../src/delivery/losses.ts';
import { reject, retry, sent, type Notification, type SendResult, type Sink } from '../src/delivery/sink.ts';
import { error, type Problem } from '../src/problem/problem.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { sampleAlert, sampleLost, sampleRecord } from './contracts/items.ts';

const down = error('SINK_UNREACHABLE', 'Nobody answers.');
type Answer = (notification: Notification, signal: AbortSignal) => Promise<readonly SendResult[]> | readonly SendResult[];
const all = (notification: Notification, result: SendResult) => notification.items.map(() => result);

/** A sink that keeps what it was asked to send and answers as it is told. */
class TestSink implements Sink {
  readonly calls: { atMs: number; id: string; items: string[]; heldBack: Notification['heldBack'] }[] = [];
  closed = 0;
  answer: Answer = (notification) => all(notification, sent());
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async send(notification: Notification, signal: AbortSignal): Promise<readonly SendResult[]> {
    const { id, items, heldBack } = notification;
    this.calls.push({ atMs: this.#nowMs(), id, items: items.map((item) => item.id), heldBack });
    return this.answer(notification, signal);
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

const untilAborted: Answer = (notification, signal) =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(all(notification, retry(down))), { once: true }));

class Bench {
  readonly scheduler = new VirtualTimeScheduler();
  readonly ledger = new Ledger();
  readonly problems: Problem[] = [];
  readonly losses: Loss[] = [];
  readonly sinks = new Map<string, TestSink>();
  readonly delivery: Delivery;

  constructor(names: Record<string, Partial<OpenSink>>, deps: Partial<DeliveryDeps> = {}) {
    const open = Object.entries(names).map(([name, more]): OpenSink => {
      const sink = new TestSink(() => this.scheduler.now());
      this.sinks.set(name, sink);
      return { name, sink, definition: { grouping: 'each', maxItems: 10 }, ...more };
    });
    this.delivery = new Delivery(open, {
      ledger: this.ledger,
      taplineTo: [],
      notice: (problem) => void this.problems.push(problem),
      lost: (loss) => void this.losses.push(loss),
      scheduler: this.scheduler,
      random: () => 0,
      ...deps,
    });
  }

  sink(name: string): TestSink {
    const sink = this.sinks.get(name);
    if (sink === undefined) throw new Error(`no sink ${name}`);
    return sink;
  }

  /** Lets virtual time pass, one expiry at a time, with a real turn of the event loop after each for the promises. */
  async pass(ms: number): Promise<void> {
    const endMs = this.scheduler.frame + ms;
    await this.turn();
    for (let next = this.scheduler.actions[0]; next !== undefined && next.delay <= endMs; next = this.scheduler.actions[0]) {
      this.scheduler.maxFrames = next.delay;
      this.scheduler.flush();
      await this.turn();
    }
    this.scheduler.frame = endMs;
  }

  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    expect(this.ledger.imbalances()).toEqual([]);
  }

  codes(): string[] {
    return this.problems.map((problem) => problem.code);
  }
}

const to = (item: Item, ...sinks: string[]): Item => ({ ...item, to: sinks });
const records = (sink: string, ...ids: string[]) => ids.map((id) => to(sampleRecord(id), sink));

test('an item goes once to each sink of its rule, at once, and together with those accepted with it', async () => {
  const bench = new Bench({ a: {}, b: {} });
  bench.delivery.accept([to(sampleRecord('1'), 'a', 'b', 'a'), to(sampleRecord('2'), 'a')]);
  await bench.turn();
  expect(bench.sink('a').calls).toMatchObject([{ atMs: 0, items: ['1', '2'] }]);
  expect(bench.sink('b').calls).toMatchObject([{ atMs: 0, items: ['1'] }]);
  expect(bench.ledger.sink('a')).toMatchObject({ queued: 2, sent: 2, inFlight: 0 });
});

test('a sink that hangs delays no other, and is tried again after its time limit', async () => {
  const bench = new Bench({ hangs: {}, works: {} });
  bench.sink('hangs').answer = untilAborted;
  bench.delivery.accept([to(sampleRecord('1'), 'hangs', 'works')]);
  await bench.turn();
  bench.delivery.accept([to(sampleRecord('2'), 'hangs', 'works')]);
  await bench.turn();
  expect(bench.sink('works').calls).toHaveLength(2);
  expect(bench.ledger.sink('works').sent).toBe(2);
  expect(bench.sink('hangs').calls).toMatchObject([{ items: ['1'] }]);
  await bench.pass(30_499);
  expect(bench.sink('hangs').calls).toHaveLength(1);
  await bench.pass(1);
  expect(bench.sink('hangs').calls).toMatchObject([{ items: ['1'] }, { atMs: 30_500, items: ['1'] }]);
});

test('a retry is the very same notification, later and later, and order is kept', async () => {
  const bench = new Bench({ a: { definition: { grouping: 'each', maxItems: 2 } } });
  const sink = bench.sink('a');
  sink.answer = (notification) => all(notification, retry(down));
  bench.delivery.accept(records('a', '1', '2', '3'));
  await bench.pass(100_000);
  const tries = sink.calls;
  expect(new Set(tries.map((call) => call.id)).size).toBe(1);
  expect(tries.every((call) => call.items.join() === '1,2')).toBe(true);
  expect(tries.slice(0, 8).map((call) => call.atMs)).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500, 61_500]);
  expect(bench.ledger.sink('a')).toMatchObject({ queued: 3, sent: 0, inFlight: 3, retried: tries.length });
  sink.answer = (notification) => all(notification, sent());
  await bench.pass(60_000);
  expect(sink.calls.slice(-2).map((call) => call.items)).toEqual([['1', '2'], ['3']]);
  expect(bench.codes().at(-1)).toBe('DELIVERY_RECOVERED');
});

test('items that were sent or refused leave, the others stay in order before what came later', async () => {
  const bench = new Bench({ a: {} });
  const sink = bench.sink('a');
  sink.answer = () => [sent(), retry(down), reject(down), retry(down)];
  bench.delivery.accept(records('a', '1', '2', '3', '4'));
  await bench.turn();
  sink.answer = (notification) => all(notification, sent());
  bench.delivery.accept(records('a', '5'));
  await bench.pass(1000);
  expect(sink.calls.map((call) => call.items)).toEqual([['1', '2', '3', '4'], ['2', '4'], ['5']]);
  expect(bench.ledger.sink('a')).toEqual({ queued: 5, sent: 4, deadLettered: 1, dropped: 0, inFlight: 0, retried: 1 });
  expect(bench.delivery.deadLetters('a').map((letter) => [letter.item.id, letter.problem])).toEqual([['3', down]]);
  expect(bench.codes()).toContain('DELIVERY_REJECTED');
  expect(bench.losses).toEqual([expect.objectContaining({ sink: 'a', cause: 'rejected', goal: 'tcp.rto_change', count: 1 })]);
});

test('what could not be sent for an hour is given up, counted and told', async () => {
  const bench = new Bench({ a: {} });
  bench.sink('a').answer = (notification) => all(notification, retry(down));
  bench.delivery.accept(records('a', '1', '2'));
  await bench.pass(3_599_000);
  expect(bench.ledger.sink('a')).toMatchObject({ inFlight: 2, deadLettered: 0 });
  await bench.pass(62_000);
  expect(bench.ledger.sink('a')).toMatchObject({ inFlight: 0, deadLettered: 2 });
  expect(bench.codes()).toContain('DELIVERY_GAVE_UP');
  expect(bench.losses).toEqual([expect.objectContaining({ cause: 'gave_up', count: 2 })]);
  bench.sink('a').answer = (notification) => all(notification, sent());
  bench.delivery.accept(records('a', '3'));
  await bench.pass(60_000);
  expect(bench.ledger.sink('a').sent).toBe(1);
});

test('a full queue drops the oldest, counted and told once a second', async () => {
  const bench = new Bench({ a: {} }, { settings: { queueItems: 3 } });
  bench.sink('a').answer = untilAborted;
  bench.delivery.accept(records('a', 'head'));
  await bench.turn();
  for (let number = 0; number < 100; number++) bench.delivery.accept(records('a', String(number)));
  await bench.pass(1000);
  expect(bench.ledger.sink('a')).toMatchObject({ queued: 101, dropped: 97, inFlight: 4 });
  expect(bench.codes()).toEqual(['DELIVERY_FULL']);
  expect(bench.losses).toEqual([expect.objectContaining({ cause: 'full', count: 97 })]);
  expect((await closing(bench)).map((unsent) => unsent.items.map((item) => item.id))).toEqual([['head', '97', '98', '99']]);
});

async function closing(bench: Bench, graceMs = 1000) {
  const closed = bench.delivery.close(graceMs);
  await bench.pass(graceMs + 500);
  return closed;
}

test('a sink that throws, answers too little or ignores the abort is a bug that is told, and the items are tried again', async () => {
  const bench = new Bench({ throws: {}, short: {}, deaf: {} });
  bench.sink('throws').answer = () => Promise.reject(new Error('oh'));
  bench.sink('short').answer = () => [];
  bench.sink('deaf').answer = () => new Promise(() => undefined);
  bench.delivery.accept([to(sampleRecord('1'), 'throws', 'short', 'deaf')]);
  await bench.turn();
  expect(bench.codes()).toEqual(['DELIVERY_SINK_FAULT', 'DELIVERY_SINK_FAULT']);
  await bench.pass(35_000);
  expect(bench.codes()).toContain('DELIVERY_TIMEOUT');
  for (const sink of bench.sinks.values()) sink.answer = (notification) => all(notification, sent());
  await bench.pass(60_000);
  for (const name of bench.sinks.keys()) expect(bench.ledger.sink(name)).toMatchObject({ sent: 1, inFlight: 0 });
});

test('what was sent but not to everybody is told', async () => {
  const bench = new Bench({ mail: {} });
  const warning = error('SINK_PARTLY_REFUSED', 'One of two recipients was refused.');
  bench.sink('mail').answer = (notification) => all(notification, { outcome: 'sent', warning });
  bench.delivery.accept(records('mail', '1'));
  await bench.turn();
  expect(bench.codes()).toEqual(['SINK_PARTLY_REFUSED']);
  expect(bench.ledger.sink('mail').sent).toBe(1);
});

test('trouble is told at once, then counted and told once a minute', async () => {
  const bench = new Bench({ a: {} }, { settings: { backoff: { firstMs: 2000, capMs: 2000 } } });
  bench.sink('a').answer = (notification) => all(notification, retry(down));
  bench.delivery.accept(records('a', '1'));
  await bench.turn();
  expect(bench.problems.map((problem) => problem.message)).toEqual(['Sink a: Nobody answers. Kept to be tried again: 1 item.']);
  await bench.pass(60_500);
  expect(bench.problems).toHaveLength(2);
  expect(bench.problems[1]?.message).toMatch(/\((59|60) times more\)$/);
});

test('digest: first after group_wait, then one per digest; other sinks get each alert at once', async () => {
  const digest = { groupWaitMs: 10_000, digestMs: 300_000 };
  const bench = new Bench({ mail: { definition: { grouping: 'digest', maxItems: 100 }, digest }, file: {} });
  const alert = (id: string, state: 'firing' | 'resolved' = 'firing') => [to(sampleAlert(id, state), 'mail', 'file')];
  bench.delivery.accept(alert('1'));
  await bench.pass(5000);
  bench.delivery.accept(alert('2'));
  await bench.pass(15_000);
  bench.delivery.accept(alert('3'));
  await bench.pass(10_000);
  bench.delivery.accept(alert('1-over', 'resolved'));
  await bench.pass(600_000);
  expect(bench.sink('mail').calls.map(({ atMs, items }) => ({ atMs, items }))).toEqual([
    { atMs: 10_000, items: ['1', '2'] },
    { atMs: 310_000, items: ['3', '1-over'] },
  ]);
  expect(bench.sink('mail').calls[0]?.heldBack).toEqual({ digestOf: 2, windowFromUs: 0, windowToUs: 10_000_000 });
  expect(bench.sink('file').calls.map((call) => call.atMs)).toEqual([0, 5000, 20_000, 30_000]);
});

test('stopping sends what was collected, at once', async () => {
  const bench = new Bench({ mail: { definition: { grouping: 'digest', maxItems: 100 } } });
  bench.delivery.accept([to(sampleAlert('1'), 'mail'), to(sampleAlert('2'), 'mail')]);
  const closed = bench.delivery.close();
  await bench.pass(0);
  expect(await closed).toEqual([]);
  expect(bench.sink('mail').calls).toMatchObject([{ atMs: 0, items: ['1', '2'] }]);
  expect(bench.sink('mail').closed).toBe(1);
  expect(bench.scheduler.actions).toEqual([]);
});

test('stopping gives a sink that is down its grace, then names what was in flight', async () => {
  const bench = new Bench({ down: {}, hangs: {}, deaf: {}, works: {} });
  bench.sink('down').answer = (notification) => all(notification, retry(down));
  bench.sink('hangs').answer = untilAborted;
  bench.sink('deaf').answer = () => new Promise(() => undefined);
  bench.delivery.accept([to(sampleRecord('1'), 'down', 'hangs', 'deaf', 'works')]);
  await bench.pass(10_000);
  const attempts = bench.sink('down').calls.length;
  const before = bench.scheduler.now();
  let ended = NaN;
  const closed = bench.delivery.close().then((unsent) => {
    ended = bench.scheduler.now();
    return unsent;
  });
  await bench.pass(5000);
  expect((await closed).map((unsent) => [unsent.sink, unsent.items.map((item) => item.id)])).toEqual([
    ['down', ['1']],
    ['hangs', ['1']],
    ['deaf', ['1']],
  ]);
  expect(ended - before).toBeLessThanOrEqual(1150);
  expect(bench.sink('down').calls.length - attempts).toBeGreaterThan(2);
  expect(bench.ledger.sink('down').inFlight).toBe(1);
  expect([...bench.sinks.values()].map((sink) => sink.closed)).toEqual([1, 1, 1, 1]);
});

test('a second close ends at once', async () => {
  const bench = new Bench({ hangs: {} });
  bench.sink('hangs').answer = untilAborted;
  bench.delivery.accept(records('hangs', '1', '2'));
  await bench.turn();
  const first = bench.delivery.close();
  await bench.turn();
  const second = bench.delivery.close();
  await bench.pass(0);
  expect(await second).toBe(await first);
  expect((await second).map((unsent) => unsent.items.length)).toEqual([2]);
});

test('what Tapline says of itself has a default route, and its loss breeds no loss', async () => {
  const bench = new Bench({ a: {} }, { taplineTo: ['a'] });
  bench.sink('a').answer = (notification) => all(notification, reject(down));
  bench.delivery.accept([to(sampleLost('1'))]);
  await bench.pass(2000);
  expect(bench.sink('a').calls).toMatchObject([{ items: ['1'] }]);
  expect(bench.ledger.sink('a').deadLettered).toBe(1);
  expect(bench.losses).toEqual([]);
});

test('an item for a sink that is not there is counted and told', async () => {
  const bench = new Bench({ a: {} });
  bench.delivery.accept(records('b', '1', '2'));
  await bench.turn();
  expect(bench.ledger.sink('b')).toMatchObject({ queued: 2, dropped: 2 });
  expect(bench.codes()).toEqual(['DELIVERY_NO_SINK']);
});

test('whatever sinks answer, order holds, each item ends once, and the sums close at every turn', async () => {
  const outcome = fc.constantFrom<'sent' | 'retry' | 'reject' | 'hang' | 'throw'>('sent', 'sent', 'retry', 'reject', 'hang', 'throw');
  const step = fc.record({ count: fc.integer({ min: 0, max: 6 }), passMs: fc.integer({ min: 0, max: 20_000 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 15 }),
      fc.array(outcome, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 6 }),
      async (steps, plan, queueItems) => {
        const bench = new Bench({ a: { definition: { grouping: 'each', maxItems: 3 } } }, { settings: { queueItems } });
        const done: string[] = [];
        let next = 0;
        bench.sink('a').answer = (notification, signal) => {
          if (plan[next % plan.length] === 'hang') return (next++, untilAborted(notification, signal));
          return notification.items.map((item) => {
            const what = plan[next++ % plan.length];
            if (what === 'throw') throw new Error('planned');
            if (what === 'sent') done.push(item.id);
            return what === 'sent' ? sent() : what === 'reject' ? reject(down) : retry(down);
          });
        };
        let number = 0;
        for (const { count, passMs } of steps) {
          const ids = Array.from({ length: count }, () => String(number++).padStart(4, '0'));
          bench.delivery.accept(records('a', ...ids));
          await bench.pass(passMs);
        }
        const unsent = await closing(bench);
        const account = bench.ledger.sink('a');
        expect(account.queued).toBe(number);
        expect(unsent.flatMap((one) => one.items)).toHaveLength(account.inFlight);
        expect(new Set(done).size).toBeGreaterThanOrEqual(account.sent);
        const calls = bench.sink('a').calls.map((call) => call.items);
        for (const [at, items] of calls.entries()) {
          expect(items).toEqual([...items].sort());
          const before = calls[at - 1] ?? [];
          const again = items.every((id) => before.includes(id));
          expect(again || (items[0] ?? '') > (before.at(-1) ?? '')).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});
