import { afterEach, expect, test } from 'vitest';
import { Decoder } from '../src/decode/decoder.ts';
import { batchOf } from '../src/decode/columns.ts';
import { recordAt } from '../src/decode/record.ts';
import type { Signal } from '../src/decode/signal.ts';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import type { Frame, Run } from '../src/engine/frame.ts';
import { frameLine, parseFrame } from '../src/engine/recording.ts';
import type { ForwardRule } from '../src/rules/rule.ts';
import { createRulePipe } from '../src/stream/index.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { bpftraceModule, goalOf } from './lab/goals.ts';
import { addresses, makeNetLab } from './lab/netns.ts';
import { watch } from './lab/watching.ts';
import { needs } from './needs.ts';
import { at, forward, run as anyRun } from './stream-rows.ts';

// Semantics 9: the reference of a key goes when its connection has closed, for keys that contain the whole connection.
const goal = goalOf('tcp.rto_change');
const run = (more: Partial<Run> = {}) => anyRun('r', { goal: goal.id, ...more });
const ends = (sport: number) => ({ netns: 1, saddr: '10.0.0.1', sport, daddr: '10.0.0.2', dport: 443 });
const record = (seconds: number, sport: number, rto: number, state = 'ESTABLISHED') => ({
  timeUs: at(seconds),
  seq: seconds,
  fields: { ...ends(sport), state, rto_ms: rto },
});
const told = (...rows: ReturnType<typeof record>[]): Signal => ({ kind: 'batch', batch: batchOf(goal, run(), rows) });
const ended = (seconds: number, sport: number, more: Partial<Run> = {}): Signal => ({
  kind: 'forget',
  batch: batchOf(goal, run(more), [{ timeUs: at(seconds), seq: seconds, fields: { ...ends(sport), state: 'CLOSE', rto_ms: 0 } }]),
});

function pipeOf(by: readonly string[], maxKeys = 1000) {
  const rule: ForwardRule = forward({ goal: goal.id, by, changed: new Map([['rto_ms', 100]]) });
  const made = () => createRulePipe(rule, goal, { account: new Ledger().rule('R'), secret: [1, 2], maxKeys });
  let pipe = made();
  const passes = (signal: Signal) => pipe.push(signal).some((output) => output.kind === 'rows' && output.selection.count > 0);
  return {
    passes,
    restart: () => {
      const kept = JSON.parse(JSON.stringify(pipe.snapshot())) as ReturnType<typeof pipe.snapshot>;
      pipe = made();
      pipe.restore(kept);
    },
  };
}
const connection = ['netns', 'saddr', 'sport', 'daddr', 'dport'];

test.each([
  ['the connection', connection],
  ['the connection and its host, in another order', ['dport', 'host', 'daddr', 'netns', 'sport', 'saddr']],
  ['more than the connection', ['state', ...connection]],
])('a closed connection is forgotten by keys that are %s, and no other is', (_, by) => {
  const { passes } = pipeOf(by);
  expect([passes(told(record(1, 1000, 200))), passes(told(record(1, 2000, 200)))]).toEqual([true, true]);
  expect(passes(told(record(2, 1000, 210)))).toBe(false);
  expect(passes(ended(3, 1000))).toBe(false);
  expect(passes(told(record(4, 1000, 210)))).toBe(true);
  expect(passes(told(record(4, 2000, 210)))).toBe(false);
});

test('every key of the connection goes, whatever else is in them, and can come again', () => {
  const { passes } = pipeOf(['state', ...connection]);
  for (const state of ['SYN_SENT', 'ESTABLISHED', 'FIN_WAIT1']) expect(passes(told(record(1, 1000, 200, state)))).toBe(true);
  passes(ended(2, 1000));
  for (const state of ['SYN_SENT', 'ESTABLISHED', 'FIN_WAIT1']) {
    expect(passes(told(record(3, 1000, 200, state)))).toBe(true);
    expect(passes(told(record(4, 1000, 200, state)))).toBe(false);
  }
});

test('keys that stand for more than one connection keep their reference', () => {
  const { passes } = pipeOf(['daddr', 'dport']);
  passes(told(record(1, 1000, 200)));
  passes(ended(2, 1000));
  expect(passes(told(record(3, 3000, 200)))).toBe(false);
});

test('an end that is older than the last record is that of the connection before; one of another host is not meant', () => {
  const { passes } = pipeOf(['host', ...connection]);
  passes(told(record(5, 1000, 200)));
  passes(ended(4, 1000));
  passes(ended(9, 1000, { host: 'elsewhere' }));
  expect(passes(told(record(6, 1000, 200)))).toBe(false);
});

test('it holds after a restart, and where keys were evicted meanwhile', () => {
  const { passes, restart } = pipeOf(connection, 2);
  for (const sport of [1, 2, 3]) passes(told(record(sport, sport, 200)));
  restart();
  passes(ended(4, 1));
  passes(ended(4, 3));
  expect(passes(told(record(5, 3, 200)))).toBe(true);
  expect(passes(told(record(5, 2, 200)))).toBe(false);
});

const text = (lines: readonly unknown[]) => new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const columns = (sport: number, rto: number) => {
  const row: Record<string, unknown> = { ...ends(sport), state: 'ESTABLISHED', rto_ms: rto };
  return goal.fields.map(({ name }) => row[name] ?? null);
};

test('an end is numbered: read in its place among the records, and missed where it got lost', () => {
  const ledger = new Ledger();
  const decoder = new Decoder({ goal: () => goal, ledger });
  const lines = (...all: unknown[]): Frame => ({ kind: 'lines', run: 'r', lines: text(all), atUs: at(1) });
  const beat = (seconds: number, last: number) => ['b', at(seconds), { emitted: [[0, last]] }];
  const signals = decoder.push([
    { kind: 'run', run: run(), atUs: at(0) },
    lines(
      ['r', 0, 1, at(1), null, 1, columns(1, 200)],
      ['f', 0, 2, at(1), Object.values(ends(1))],
      ['r', 0, 3, at(1), null, 1, columns(1, 210)],
      ['f', 0, 4, at(1), ['no address']],
      beat(1, 5),
      beat(3, 5),
    ),
  ]);
  expect(signals.map((signal) => signal.kind)).toEqual(['batch', 'forget', 'batch', 'time', 'lost', 'time']);
  const [, second] = signals;
  expect(second?.kind === 'forget' && recordAt(second.batch, 0).fields).toMatchObject(ends(1));
  expect([...ledger.runs.values()]).toMatchObject([{ emitted: 5, decoded: 3, broken: 1, lost: 1, inPipe: 0 }]);
  expect(ledger.imbalances()).toEqual([]);
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test(
  'a real connection that closes is told to be over, once, and a recording of it decides the same',
  { timeout: 90_000 },
  async (context) => {
    needs(context, 'root', 'bpftrace', 'netns');
    const net = makeNetLab();
    closing.push(() => net.close());
    const watching = await watch(bpftraceEngine, [await bpftraceModule(goal), await bpftraceModule(goalOf('tcp.retransmit'))]);
    closing.push(() => watching.stop());
    const server = await net.peer(net.b);
    await server.listen(5001);
    const client = await net.peer(net.a);
    const sport = await client.connect(addresses.b.v4, 5001);
    await client.send(100);
    net.cut();
    await client.send(1000);
    const own = (signals: readonly Signal[], kind: 'batch' | 'forget') =>
      signals.flatMap((signal) =>
        signal.kind === kind
          ? Array.from({ length: signal.batch.length }, (_, row) => recordAt(signal.batch, row)).filter(
              ({ fields }) => fields['netns'] === net.netns && fields['sport'] === sport,
            )
          : [],
      );
    await watching.until(({ signals }) => own(signals, 'batch').filter((each) => each.goal === goal.id).length >= 2, 'two timeouts');
    expect(own(watching.signals, 'forget')).toEqual([]);
    net.restore();
    await client.close();
    await watching.until(({ signals }) => own(signals, 'forget').length >= 2, 'the end, told by both goals');
    const over = own(watching.signals, 'forget');
    expect(over.map((each) => each.goal).sort()).toEqual(['tcp.retransmit', 'tcp.rto_change']);
    for (const { fields } of over)
      expect(fields).toMatchObject({ netns: net.netns, saddr: addresses.a.v4, sport, daddr: addresses.b.v4, dport: 5001 });
    const last = Math.max(...own(watching.signals, 'batch').map((each) => each.timeUs));
    for (const each of over) expect(each.timeUs).toBeGreaterThanOrEqual(last);
    expect(watching.ledger.imbalances()).toEqual([]);

    const frames = watching.frames.map(frameLine).flatMap((line) => parseFrame(line.trim()) ?? []);
    const decoder = new Decoder({ goal: (id) => goalOf(id), ledger: new Ledger() });
    const again = frames.flatMap((frame) => decoder.push([frame]));
    for (const kind of ['batch', 'forget'] as const) {
      const identities = (signals: readonly Signal[]) => own(signals, kind).map((each) => [each.goal, each.lane, each.seq, each.fields]);
      expect(identities(again).sort()).toEqual(identities(watching.signals).sort());
    }
  },
);
