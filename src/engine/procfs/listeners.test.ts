import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ListenerWatch, parseListenDrops, parseListeners, type ListenerReading } from './listeners.ts';

/** Of iproute2 6.1; the first has a cgroup whose owner named it like a count of drops. */
const ss = `State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
LISTEN 2      1            127.0.0.1:40161      0.0.0.0:*     ino:63756 sk:1001 cgroup:/a ino:9 d99) <->
\t skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d42)
LISTEN 0      511             [::1]:8080          [::]:*    ino:63757 sk:2 cgroup:/ v6only:1 <->
\t skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0)
LISTEN 0      128                *:22               *:*    ino:5 sk:3 cgroup:/ v6only:0 <->
\t skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0)
LISTEN 0      128    0.0.0.0%eth0:53          0.0.0.0:*    ino:6 sk:4 <->
\t skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d7)
`;

test('ss: each listener with its queue, its limit and what it dropped', () => {
  expect(parseListeners(ss)).toEqual([
    { id: '1001 127.0.0.1:40161', saddr: '127.0.0.1', sport: 40161, inode: 63756, queued: 2, queueMax: 1, drops: 42 },
    { id: '2 [::1]:8080', saddr: '::1', sport: 8080, inode: 63757, queued: 0, queueMax: 511, drops: 0 },
    { id: '3 *:22', saddr: '::', sport: 22, inode: 5, queued: 0, queueMax: 128, drops: 0 },
    { id: '4 0.0.0.0%eth0:53', saddr: '0.0.0.0', sport: 53, inode: 6, queued: 0, queueMax: 128, drops: 7 },
  ]);
  expect(parseListeners('')).toEqual([]);
});

test('without memory nothing is known of drops, and that is said', () => {
  const without = ss
    .split('\n')
    .filter((line) => !line.startsWith('\t'))
    .join('\n');
  expect(() => parseListeners(without)).toThrow('no skmem');
});

test('whatever ss prints, it is read or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ss.split('\n'), 'LISTEN', '\t', '\t skmem:(d', 'LISTEN 0 0 x:y z')), (lines) => {
      try {
        for (const each of parseListeners(lines.join('\n'))) expect(Number.isSafeInteger(each.sport)).toBe(true);
      } catch (cause) {
        expect(String(cause)).toContain('no skmem');
      }
    }),
  );
});

const listener = (id: string, drops: number, queued = 0): ListenerReading => ({
  id,
  saddr: '::1',
  sport: 1,
  inode: 1,
  queued,
  queueMax: 5,
  drops,
});
const told = (watch: ListenerWatch, ...now: ListenerReading[]) =>
  watch.look(now).map(({ listener: { id }, drops, full }) => [id, drops, full]);

test('what was dropped before the first look is not told, what a new listener dropped is, a full queue is told each time', () => {
  const watch = new ListenerWatch([listener('old', 40)]);
  expect(told(watch, listener('old', 40))).toEqual([]);
  expect(told(watch, listener('old', 42), listener('new', 3))).toEqual([
    ['old', 2, false],
    ['new', 3, false],
  ]);
  expect(told(watch, listener('old', 42, 6), listener('new', 3, 5))).toEqual([['old', 0, true]]);
  expect(told(watch, listener('old', 43, 6))).toEqual([['old', 1, true]]);
});

test('the count may pass 2^32', () => {
  const watch = new ListenerWatch([listener('busy', 2 ** 32 - 2)]);
  expect(told(watch, listener('busy', 3))).toEqual([['busy', 5, false]]);
});

test('ListenDrops of the namespace', () => {
  const netstat = 'TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 15 17\nIpExt: InNoRoutes\nIpExt: 0\n';
  expect(parseListenDrops(netstat)).toBe(17);
  expect(parseListenDrops('TcpExt: SyncookiesSent\nTcpExt: 0\n')).toBeUndefined();
  expect(parseListenDrops('')).toBeUndefined();
});
