import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { compiledForAnybody, procfsAsNobody } from './lab/elsewhere.ts';
import { addresses, makeNetLab } from './lab/netns.ts';
import { byConnection, listenTo, procfsModule, synTimeouts, type SampledRecord, type Told } from './lab/procfs.ts';
import { needs } from './needs.ts';

// Namespaces, a compilation and 11 s of SYNs, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()));
function lab() {
  const net = makeNetLab();
  cleanups.push(() => net.close());
  const folder = compiledForAnybody();
  cleanups.push(() => rmSync(folder, { recursive: true }));
  return { net, folder, resent: () => net.nstat()['TcpRetransSegs'] ?? NaN };
}
const sum = (records: readonly SampledRecord[]) => records.reduce((n, record) => n + record.n, 0);
/** What was told, and what the engine says that it missed, of one goal. */
const account = (told: Told, goal: string) => ({
  told: sum(told.records.filter((record) => record.goal === goal)),
  missed: told.beats.filter((beat) => beat.goal === goal).at(-1)?.missed,
});

test.for(['ss', 'proc'] as const)(
  'as nobody, by %s: SYNs sent again are told right, and what is missed adds up',
  async (source, context) => {
    needs(context, 'root', 'netns', 'nstat', 'setpriv', 'ss');
    const { net, folder, resent } = lab();
    const told = listenTo(procfsAsNobody(folder, net.a, { source }), [procfsModule('tcp.retransmit'), procfsModule('tcp.rto_change')]);
    await told.ready;
    const before = resent();
    net.cut();
    const peer = await net.peer(net.a);
    await peer.connect(addresses.b.v4, 5001, false);
    await peer.connect(addresses.b.v6, 5002, false);
    const expected = synTimeouts(7);
    const last = (dport: number) =>
      told.first(({ goal, fields }) => goal === 'tcp.retransmit' && fields['dport'] === dport && fields['rto_ms'] === expected.at(-1));
    await Promise.all([last(5001), last(5002)]);
    await told.end();
    const counted = resent() - before;

    for (const [dport, daddr] of [
      [5001, addresses.b.v4],
      [5002, addresses.b.v6],
    ] as const) {
      const [records = []] = byConnection(told.records, 'tcp.retransmit', dport);
      expect(sum(records)).toBe(7);
      expect(records.filter(({ fields }, i) => fields['rto_ms'] === expected[i]).length).toBeGreaterThanOrEqual(6);
      for (const { fields } of records)
        expect(fields).toMatchObject({ netns: net.netns, daddr, state: 'SYN_SENT', kind: 'SYN', pid: null, comm: null });
      const changes = byConnection(told.records, 'tcp.rto_change', dport)[0]?.map(({ fields }) => [fields['rto_was_ms'], fields['rto_ms']]);
      expect(changes).toEqual([...new Set(expected)].map((ms, i, all) => [all[i - 1] ?? null, ms]));
    }
    const { told: n, missed } = account(told, 'tcp.retransmit');
    expect(missed).toBe(counted - n);
    await peer.close();
  },
);

test('as nobody: connections that lose their path, IPv4 and IPv6, 204 -> 408 -> 816 ms', async (context) => {
  needs(context, 'root', 'netns', 'nstat', 'setpriv', 'ss');
  const { net, folder } = lab();
  const [a, b] = await Promise.all([net.peer(net.a), net.peer(net.b)]);
  await b.listen(5001);
  for (const daddr of [addresses.b.v4, addresses.b.v6]) await a.connect(daddr, 5001);
  await a.send(1);
  const told = listenTo(procfsAsNobody(folder, net.a), [procfsModule('tcp.rto_change')]);
  await told.ready;
  net.cut();
  await a.send(1000);
  for (const daddr of [addresses.b.v4, addresses.b.v6]) {
    const of = ({ fields }: SampledRecord) => fields['daddr'] === daddr;
    await told.first((record) => of(record) && Number(record.fields['rto_ms']) >= 1600);
    const steps = told.records.filter(of).map(({ fields }) => Number(fields['rto_ms']));
    expect(steps.length).toBeGreaterThanOrEqual(4);
    expect(steps).toEqual(steps.map((_, i) => (steps[0] ?? NaN) * 2 ** i));
  }
  await told.end();
});

/** Connects, says so, and on a line of stdin sends on each in turn, and 60 ms later makes an end of it. */
const burst = `
const { connect } = require('node:net');
const { once } = require('node:events');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  const sockets = [];
  for (let i = 0; i < 20; i++) {
    const socket = connect({ host: process.argv[1], port: 5001, noDelay: true }).on('error', () => {});
    await once(socket, 'connect');
    sockets.push(socket);
  }
  process.stdout.write('up\\n');
  await once(process.stdin, 'data');
  for (const socket of sockets) {
    socket.write('x'.repeat(1000));
    await wait(60);
    socket.resetAndDestroy();
    await wait(40);
  }
  process.stdout.write('done\\n');
  process.exit(0);
})();
`;

test('a burst that is faster than the polls shows as missed, and adds up', async (context) => {
  needs(context, 'root', 'netns', 'nstat', 'setpriv', 'ss');
  const { net, folder, resent } = lab();
  const b = await net.peer(net.b);
  await b.listen(5001);
  net.run(net.a, 'ip', ['route', 'change', 'default', 'via', '198.18.0.1', 'rto_min', '5ms']);
  const child = spawn('ip', ['netns', 'exec', net.a, process.execPath, '--eval', burst, '--', addresses.b.v4], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const told = listenTo(procfsAsNobody(folder, net.a), [procfsModule('tcp.retransmit')]);
  await told.ready;
  const before = resent();
  net.cut();
  child.stdin.write('go\n');
  await once(child, 'exit');
  await told.end();
  const counted = resent() - before;
  const { told: n, missed } = account(told, 'tcp.retransmit');
  expect(counted).toBeGreaterThan(20);
  expect(missed).toBeGreaterThan(0);
  expect(missed).toBe(counted - n);
});
