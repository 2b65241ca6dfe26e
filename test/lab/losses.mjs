// Ways to lose segments of an established TCP connection, and what the kernel counted of the resends (semantics 24).
import { setTimeout as delay } from 'node:timers/promises';

const data = 'tcp dport 5001 meta length > 1000 numgen';
/** `lose`: what the router drops, in nft's words; `kinds`: which kinds must come of it, all others may. */
export const losses = [
  { name: 'one segment of a window', lose: `${data} inc mod 10000 == 5`, bytes: 60_000, kinds: ['FAST'] },
  { name: 'one in nine, without SACK', lose: `${data} inc mod 9 == 5`, bytes: 200_000, settings: ['tcp_sack=0'], kinds: ['FAST'] },
  { name: 'four in ten, resends too', lose: `${data} random mod 10 < 4`, bytes: 60_000, kinds: ['FAST'] },
  { name: 'half of all packets, by IPv6', lose: 'meta l4proto tcp numgen random mod 10 < 5', bytes: 40_000, family: 'v6', kinds: [] },
  { name: 'acknowledgements', lose: 'tcp sport 5001', bytes: 5000, kinds: ['TLP', 'RTO'] },
  { name: 'everything: slow start afterwards', lose: 'meta l4proto tcp', bytes: 30_000, kinds: ['RTO', 'SLOW_START'] },
  { name: 'everything, told by ICMP', unreachable: true, bytes: 30_000, kinds: ['RTO', 'SLOW_START'] },
];

/** Sends over a path with that loss, mends it, and waits until the kernel counts no more. Resolves with how the counters grew, and until when. */
export async function sendThrough(net, loss, addresses) {
  const { family = 'v4' } = loss;
  net.segmentByItself();
  for (const setting of loss.settings ?? []) [net.a, net.b].forEach((end) => net.run(end, 'sysctl', ['-qw', `net.ipv4.${setting}`]));
  const server = await net.peer(net.b);
  await server.listen(5001);
  const client = await net.peer(net.a);
  await client.connect(addresses.b[family], 5001);
  await client.send(100);
  await delay(300);
  const before = net.nstat();
  const route = (verb) => net.run(net.r, 'ip', ['route', verb, 'unreachable', `${addresses.b.v4}/32`]);
  if (loss.unreachable) route('add');
  else net.lose(loss.lose);
  await client.send(loss.bytes);
  await delay(3500);
  if (loss.unreachable) route('del');
  else net.lose(undefined);
  const sent = () => Number(/^ESTAB +\d+ +(\d+) /m.exec(net.run(net.a, 'ss', ['-Htn', 'dport', '5001']))?.[1] ?? 0);
  for (let tries = 0; tries < 100 && sent() > 0; tries++) await delay(200);
  if (sent() > 0) throw new Error(`${loss.name}: ${sent()} bytes are still on their way`);
  const after = net.nstat();
  return { grew: (name) => after[name] - before[name] };
}

/** What records say beside what the kernel counted, of sends that left this host: [ours, the kernel's]. */
export function beside(records, grew) {
  const sent = records.filter((record) => record.fields.err === 0);
  const segs = (...kinds) =>
    sent.filter((record) => kinds.length === 0 || kinds.includes(record.fields.kind)).reduce((sum, record) => sum + record.fields.segs, 0);
  return {
    all: [segs(), grew('TcpRetransSegs') - grew('TcpExtTCPRetransFail')],
    FAST: [segs('FAST'), grew('TcpExtTCPFastRetrans')],
    SLOW_START: [segs('SLOW_START'), grew('TcpExtTCPSlowStartRetrans')],
    SYN: [segs('SYN', 'SYNACK'), grew('TcpExtTCPSynRetrans')],
    RTO: [segs('RTO'), grew('TcpExtTCPTimeouts')],
    TLP: [segs('TLP'), grew('TcpExtTCPLossProbes')],
  };
}

/** What of it contradicts semantics 24: equal but for RTO and TLP, which the kernel also counts where nothing is sent again. */
export const wrongBeside = (numbers) =>
  Object.entries(numbers).filter(([kind, [ours, kernels]]) => (kind === 'RTO' || kind === 'TLP' ? ours > kernels : ours !== kernels));
