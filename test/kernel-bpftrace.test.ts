import { afterEach, expect, test, type TestContext } from 'vitest';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import type { TapRecord } from '../src/decode/batch.ts';
import { bpftraceModule, goalOf } from './lab/goals.ts';
import { addresses, makeNetLab, type NetLab } from './lab/netns.ts';
import { needs } from './needs.ts';
import { realHost, watch, type Watching } from './lab/watching.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const port = 5001;
const nothing: Readonly<Record<string, number>> = {};

async function lab(context: TestContext, ...goals: string[]) {
  needs(context, 'root', 'bpftrace', 'netns', 'nstat');
  const net = makeNetLab();
  closing.push(() => net.close());
  const watching = await watch(bpftraceEngine, await Promise.all(goals.map((goal) => bpftraceModule(goalOf(goal)))));
  closing.push(() => watching.stop());
  const server = await net.peer(net.b);
  await server.listen(port);
  return { net, watching };
}

const inNamespace = (watching: Watching, net: NetLab, goal: string) =>
  watching.records.filter((record) => record.goal === goal && net.own(record));
const field = (name: string) => (record: TapRecord) => record.fields[name];
const sum = (records: readonly TapRecord[], name: string) => records.reduce((total, record) => total + Number(record.fields[name]), 0);
const rise = (after: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>, name: string) =>
  (after[name] ?? 0) - (before[name] ?? 0);

/** Beats that come after this moment: all that was printed before is read by then. */
const twoBeats = (watching: Watching) => {
  const from = watching.signals.length;
  return watching.until(
    ({ signals }) => signals.slice(from).filter((signal) => signal.kind === 'time').length >= 4,
    'two beats of each run',
  );
};

/** Semantics 24: what the kernel counted, record by record. */
function expectSums(records: readonly TapRecord[], after: Readonly<Record<string, number>>, before = nothing) {
  const sent = records.filter((record) => record.fields['err'] === 0);
  const of = (...kinds: string[]) => sent.filter((record) => kinds.includes(String(record.fields['kind'])));
  expect(sum(sent, 'segs'), 'segs of records with err 0').toBe(
    rise(after, before, 'TcpRetransSegs') - rise(after, before, 'TcpExtTCPRetransFail'),
  );
  expect(of('SYN', 'SYNACK').length, 'SYN and SYNACK').toBe(rise(after, before, 'TcpExtTCPSynRetrans'));
  expect(sum(of('FAST'), 'segs'), 'FAST').toBe(rise(after, before, 'TcpExtTCPFastRetrans'));
  expect(sum(of('SLOW_START'), 'segs'), 'SLOW_START').toBe(rise(after, before, 'TcpExtTCPSlowStartRetrans'));
  expect(of('RTO').length, 'RTO').toBeLessThanOrEqual(rise(after, before, 'TcpExtTCPTimeouts'));
  expect(of('TLP').length, 'TLP').toBeLessThanOrEqual(rise(after, before, 'TcpExtTCPLossProbes'));
}

test.for(['v4', 'v6'] as const)(
  'an established %s connection that loses its path: the timeout doubles, and the sums of semantics 24 hold',
  { timeout: 90_000 },
  async (family, context) => {
    const { net, watching } = await lab(context, 'tcp.retransmit', 'tcp.rto_change');
    const client = await net.peer(net.a);
    const before = net.nstat();
    const sport = await client.connect(addresses.b[family], port);
    await client.send(100);
    net.cut();
    await client.send(1000);
    await watching.until((seen) => inNamespace(seen, net, 'tcp.rto_change').length >= 4, 'four timeouts');
    net.restore();
    await twoBeats(watching);

    const changes = inNamespace(watching, net, 'tcp.rto_change');
    const rto = changes.map((record) => Number(record.fields['rto_ms']));
    expect(rto[0]).toBeGreaterThanOrEqual(200);
    expect(rto[0]).toBeLessThan(400);
    expect(changes[0]?.fields).not.toHaveProperty('rto_was_ms');
    for (let i = 1; i < 4; i++) expect(changes[i]?.fields).toMatchObject({ rto_was_ms: rto[i - 1], rto_ms: 2 * (rto[i - 1] ?? 0) });
    expect(changes[0]?.fields).toMatchObject({
      saddr: addresses.a[family],
      sport,
      daddr: addresses.b[family],
      dport: port,
      state: 'ESTABLISHED',
      pid: client.pid,
      comm: 'node',
    });

    const resent = inNamespace(watching, net, 'tcp.retransmit');
    expect(resent.slice(0, 4).map(field('kind'))).toEqual(['TLP', 'RTO', 'RTO', 'RTO']);
    expect(resent.slice(1, 4).map(field('backoff'))).toEqual([0, 1, 2]);
    expectSums(resent, net.nstat(), before);
    for (const record of resent) expect(Math.abs(record.timeUs - realHost.clock.nowUs())).toBeLessThan(90_000_000);
    for (const record of resent) expect(record.timeErrorUs).toBeLessThan(50_000);
    expect(watching.ledger.imbalances()).toEqual([]);
  },
);

test('a burst is resent in slow start, and its segments are counted as the kernel counts them', { timeout: 90_000 }, async (context) => {
  const { net, watching } = await lab(context, 'tcp.retransmit');
  const client = await net.peer(net.a);
  const before = net.nstat();
  await client.connect(addresses.b.v4, port);
  await client.send(100);
  net.cut();
  await client.send(20_000);
  await watching.until(
    (seen) => inNamespace(seen, net, 'tcp.retransmit').filter((record) => record.fields['kind'] === 'RTO').length >= 3,
    'three timeouts',
  );
  net.restore();
  await watching.until(
    (seen) => inNamespace(seen, net, 'tcp.retransmit').some((record) => record.fields['kind'] === 'SLOW_START'),
    'slow start',
  );
  await twoBeats(watching);
  expectSums(inNamespace(watching, net, 'tcp.retransmit'), net.nstat(), before);
});

test('no carrier: resends that failed on this host are told apart and are no retransmissions', { timeout: 90_000 }, async (context) => {
  const { net, watching } = await lab(context, 'tcp.retransmit', 'tcp.rto_change');
  const client = await net.peer(net.a);
  const before = net.nstat();
  await client.connect(addresses.b.v4, port);
  await client.send(100);
  net.carrier(false);
  await client.send(1000);
  await watching.until(
    (seen) => inNamespace(seen, net, 'tcp.retransmit').filter((record) => Number(record.fields['err']) < 0).length >= 3,
    'three failed resends',
  );
  await twoBeats(watching);
  const resent = inNamespace(watching, net, 'tcp.retransmit');
  expectSums(resent, net.nstat(), before);
  expect(rise(net.nstat(), before, 'TcpExtTCPTimeouts')).toBeGreaterThanOrEqual(3);
  expect(inNamespace(watching, net, 'tcp.rto_change').length).toBeGreaterThanOrEqual(2);
});

test('nobody answers a SYN, and nobody a SYN-ACK: kinds, owner, the linear timeouts', { timeout: 90_000 }, async (context) => {
  const { net, watching } = await lab(context, 'tcp.retransmit');
  const client = await net.peer(net.a);
  const before = { a: net.nstat(net.a), b: net.nstat(net.b) };
  // b does not know the way back: its SYN-ACKs get lost, so a's SYNs stay without an answer.
  net.run(net.b, 'ip', ['route', 'add', '198.18.0.0/30', 'via', '198.18.0.99', 'dev', 'eth0', 'onlink']);
  void client.connect(addresses.b.v4, port, false).catch(() => undefined);
  // Other tests may have namespaces with the same addresses: those of this one only.
  const own = [net.netns, net.inode(net.b)];
  const ofKind = (kind: string) => (seen: Watching) =>
    seen.records.filter((record) => record.fields['kind'] === kind && own.includes(Number(record.fields['netns'])));
  await watching.until((seen) => ofKind('SYN')(seen).length >= 3 && ofKind('SYNACK')(seen).length >= 2, 'SYNs and SYN-ACKs resent');
  net.run(net.b, 'ip', ['route', 'del', '198.18.0.0/30']);
  await twoBeats(watching);
  const syns = ofKind('SYN')(watching);
  expect(syns.slice(0, 3).map(field('rto_ms'))).toEqual([1000, 1000, 1000]);
  for (const record of syns)
    expect(record.fields).toMatchObject({ state: 'SYN_SENT', dport: port, pid: client.pid, comm: 'node', segs: 1, err: 0 });
  const synacks = ofKind('SYNACK')(watching);
  for (const record of synacks)
    expect(record.fields).toMatchObject({ state: 'NEW_SYN_RECV', sport: port, saddr: addresses.b.v4, daddr: addresses.a.v4 });
  for (const record of synacks) expect(record.fields).not.toHaveProperty('pid');
  expectSums(inNamespace(watching, net, 'tcp.retransmit'), net.nstat(net.a), before.a);
  expectSums(synacks, net.nstat(net.b), before.b);
});

test('the server that accepted a connection owns what it resends', { timeout: 90_000 }, async (context) => {
  const { net, watching } = await lab(context, 'tcp.retransmit');
  const server = await net.peer(net.b);
  await server.listen(port + 1);
  const client = await net.peer(net.a);
  await client.connect(addresses.b.v4, port + 1);
  await client.send(10);
  await server.answer(10);
  net.cut();
  await server.answer(1000);
  await watching.until((seen) => seen.records.some((record) => record.fields['netns'] === net.inode(net.b)), 'a resend of the server');
  const own = watching.records.find((record) => record.fields['netns'] === net.inode(net.b));
  expect(own?.fields).toMatchObject({ pid: server.pid, comm: 'node', saddr: addresses.b.v4 });
});

test('stopping says goodbye: everything that was numbered is read, and nothing is left behind', { timeout: 90_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const watching = await watch(bpftraceEngine, [await bpftraceModule(goalOf('syscall.open'))]);
  await watching.until((seen) => seen.signals.some((signal) => signal.kind === 'time'), 'a beat');
  await watching.stop();
  const [account] = [...watching.ledger.runs.values()];
  expect(watching.ledger.imbalances()).toEqual([]);
  expect(account?.inPipe).toBe(0);
  const gone = watching.signals.at(-1);
  expect(gone?.kind).toBe('gone');
  expect(gone).not.toHaveProperty('problem');
  expect(watching.frames.at(-1)?.kind).toBe('end');
});
