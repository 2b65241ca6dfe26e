import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRetransSegs } from './counter.ts';
import { parseProcNetTcp } from './proc-net-tcp.ts';
import { parseSs } from './ss-output.ts';

const capture = (name: string) => readFileSync(join(import.meta.dirname, '../../../test/captures', name), 'latin1');

const lostItsPath = {
  saddr: '198.18.0.2',
  sport: 47086,
  daddr: '198.18.0.6',
  dport: 5001,
  state: 'ESTABLISHED',
  request: false,
  inode: 63756,
  resent: 4,
  timeouts: 3,
  rtoMs: 1632,
  timerMs: 676,
};

test('ss: sockets that resent something, and half-open ones', () => {
  const { sockets, informed } = parseSs(capture('ss-6.1.txt'));
  expect(informed).toBe(true);
  expect(sockets).toEqual([
    { ...lostItsPath, backoff: 3, id: '12 198.18.0.2:47086 198.18.0.6:5001' },
    {
      id: '13 [2001:db8:a::2]:38238 [2001:db8:b::2]:5001',
      saddr: '2001:db8:a::2',
      sport: 38238,
      daddr: '2001:db8:b::2',
      dport: 5001,
      state: 'SYN_SENT',
      request: false,
      inode: 63758,
      // One of the three timeouts could not be sent: there was no route.
      resent: 2,
      timeouts: 3,
      backoff: 0,
      rtoMs: 1000,
      timerMs: 620,
    },
    {
      id: '1002 [::ffff:198.18.0.6]:5001 [::ffff:198.18.0.2]:59082',
      saddr: '::ffff:198.18.0.6',
      sport: 5001,
      daddr: '::ffff:198.18.0.2',
      dport: 59082,
      state: 'SYN_RECV',
      request: true,
      inode: 0,
      resent: 2,
      timeouts: 2,
      timerMs: 1908,
    },
  ]);
});

test('ss: as iproute2 4 prints it', () =>
  expect(parseSs(capture('ss-4.x.txt')).sockets).toEqual([
    { ...lostItsPath, backoff: 3, id: 'ffff880036a1b800 198.18.0.2:47086 198.18.0.6:5001' },
  ]));

const line = (more: string, info = ' cubic rto:204 mss:1448 retrans:0/1', local = '127.0.0.1:1') =>
  parseSs(`ESTAB 0 0 ${local} 127.0.0.1:2 ${more} ino:1 sk:1 <->\n\t${info}\n`).sockets[0];

test.each([
  ['552ms', 552],
  ['1.664ms', 1664],
  ['26sec', 26_000],
  ['1min5sec', 65_000],
  ['12min', 720_000],
  ['', 0],
])('ss: a timer of "%s"', (text, ms) => expect(line(`timer:(on,${text},1)`)?.timerMs).toBe(ms));

test('ss: other timers are none of resending', () => expect(line('timer:(keepalive,26sec,3)')).toMatchObject({ timeouts: 0, resent: 1 }));
test('ss: a timeout of 3 s is the one it leaves out', () => expect(line('', ' cubic mss:1448 retrans:0/1')?.rtoMs).toBe(3000));
test('ss: an address with an interface', () => {
  expect(line('', undefined, '[fe80::1]%eth0:22')).toMatchObject({ saddr: 'fe80::1', sport: 22 });
  expect(line('', undefined, '127.0.0.1%lo:22')).toMatchObject({ saddr: '127.0.0.1', sport: 22 });
});
test('ss: what stands in the name of a cgroup is not believed', () =>
  expect(line('ino:7 sk:b cgroup:/ timer:(on,1ms,9) retrans:9/9 sk:c')).toMatchObject({
    id: 'b 127.0.0.1:1 127.0.0.1:2',
    inode: 7,
    timeouts: 0,
    resent: 1,
  }));
test('ss: without tcp_info it knows nothing', () => {
  expect(parseSs('ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 ino:1 sk:1\n\t cubic\n').informed).toBe(false);
  expect(parseSs('State Recv-Q\n').informed).toBe(true);
});

test('/proc/net/tcp: sockets that resent something since the last acknowledgement, IPv4 and IPv6', () => {
  expect(parseProcNetTcp(capture('proc-net-tcp.txt'), () => false)).toEqual([
    { ...lostItsPath, id: '020012C6:B7EE 060012C6:1389', resent: 3, rtoMs: 1630, timerMs: 680 },
  ]);
  expect(parseProcNetTcp(capture('proc-net-tcp6.txt'), () => false)).toMatchObject([
    { saddr: '2001:db8:a::2', sport: 38238, daddr: '2001:db8:b::2', dport: 5001, state: 'SYN_SENT', inode: 63758, resent: 3, rtoMs: 1000 },
    { saddr: '198.18.0.6', sport: 5001, daddr: '198.18.0.2', dport: 59082, state: 'SYN_RECV', request: true, inode: 0, resent: 1 },
  ]);
});

test('/proc/net/tcp: a socket that is known is read although it resent nothing', () => {
  const quiet = capture('proc-net-tcp.txt').replace(' 00000003 ', ' 00000000 ');
  expect(parseProcNetTcp(quiet, () => false)).toEqual([]);
  expect(parseProcNetTcp(quiet, (id) => id === '020012C6:B7EE 060012C6:1389')).toMatchObject([{ resent: 0 }]);
});

test('any text is read without an error', () =>
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.constantFrom(capture('ss-6.1.txt'), capture('proc-net-tcp.txt'))),
      fc.nat(),
      fc.string({ maxLength: 3 }),
      (text, at, put) => {
        const cut = at % (text.length + 1);
        const garbled = text.slice(0, cut) + put + text.slice(cut + 2);
        for (const socket of [...parseSs(garbled).sockets, ...parseProcNetTcp(garbled, () => true)]) {
          expect(Number.isSafeInteger(socket.resent)).toBe(true);
          expect(socket.rtoMs === undefined || Number.isSafeInteger(socket.rtoMs)).toBe(true);
        }
      },
    ),
  ));

test('the counter is found by its name', () => {
  expect(parseRetransSegs(readFileSync('/proc/self/net/snmp', 'latin1'))).toBeGreaterThanOrEqual(0);
  expect(parseRetransSegs('Tcp: A RetransSegs B\nTcp: 1 42 3\n')).toBe(42);
  expect(parseRetransSegs('Ip: Forwarding\nIp: 1\n')).toBeUndefined();
});
