import { expect, test } from 'vitest';
import { MissedCount } from './counter.ts';
import type { SocketReading, Source } from './socket.ts';
import { SocketWatch } from './watch.ts';

const bySs = (changes: Partial<SocketReading>): SocketReading => ({ ...byProc({ backoff: 0, ...changes }) });
const byProc = (changes: Partial<SocketReading>): SocketReading => ({
  id: 'a',
  saddr: '192.0.2.1',
  sport: 1,
  daddr: '192.0.2.2',
  dport: 2,
  state: 'ESTABLISHED',
  request: false,
  inode: 1,
  resent: 0,
  timeouts: 0,
  rtoMs: 204,
  ...changes,
});
/** What a watch, whose first look saw nothing, makes of these looks, one a second. */
const told = (looks: readonly SocketReading[][], counts: Source['counts'] = 'total', linear = 4) => {
  const watch = new SocketWatch(counts, linear);
  watch.observe([], 0);
  return looks
    .flatMap((look, i) => watch.observe(look, (i + 1) * 1e6))
    .map(({ n, kind, rtoWasMs, rtoMs, backoff }) => [n, kind, rtoWasMs, rtoMs, backoff]);
};

test('204 -> 408 -> 816: the timeout that expired, not the doubled one', () =>
  expect(
    told([
      [bySs({ resent: 1 })],
      [bySs({ resent: 2, timeouts: 1, backoff: 1, rtoMs: 408 })],
      [bySs({ resent: 3, timeouts: 2, backoff: 2, rtoMs: 816 })],
      [bySs({ resent: 4, timeouts: 3, backoff: 3, rtoMs: 1632 })],
    ]),
  ).toEqual([
    [1, undefined, undefined, 204, 0],
    [1, 'RTO', 204, 204, 0],
    [1, 'RTO', 204, 408, 1],
    [1, 'RTO', 408, 816, 2],
  ]));

test('by /proc, the same in steps of 10 ms and without the tail-loss probe', () =>
  expect(
    told(
      [400, 810, 1630].map((rtoMs, i) => [byProc({ resent: i + 1, timeouts: i + 1, rtoMs })]),
      'since_ack',
    ),
  ).toEqual([
    [1, 'RTO', undefined, 200, undefined],
    [1, 'RTO', 200, 405, undefined],
    [1, 'RTO', 405, 815, undefined],
  ]));

test('at the longest timeout it does not double', () =>
  expect(
    told([
      [bySs({ resent: 1, timeouts: 9, backoff: 9, rtoMs: 104_448 })],
      [bySs({ resent: 2, timeouts: 10, backoff: 10, rtoMs: 120_000 })],
      [bySs({ resent: 3, timeouts: 11, backoff: 11, rtoMs: 120_000 })],
    ]).map(([, , , rto]) => rto),
  ).toEqual([52_224, 104_448, 120_000]));

test('what was resent at the first look is the baseline, and the timeout then seen is the one before the next', () => {
  const watch = new SocketWatch('total', 4);
  expect(watch.observe([bySs({ resent: 7, timeouts: 1, backoff: 1, rtoMs: 408 })], 0)).toEqual([]);
  expect(watch.observe([bySs({ resent: 9, timeouts: 3, backoff: 3, rtoMs: 1632 })], 1e6)).toMatchObject([
    { n: 2, rtoWasMs: 204, rtoMs: 816 },
  ]);
});

test('a port that is used again is another socket', () =>
  expect(told([[bySs({ resent: 3 })], [bySs({ resent: 3, inode: 2 })]]).map(([n]) => n)).toEqual([3, 3]));

test('not accepted yet, then accepted, then closed and still sending: the same socket', () =>
  expect(told([[bySs({ resent: 3, inode: 0 })], [bySs({ resent: 4 })], [bySs({ resent: 5, inode: 0 })]]).map(([n]) => n)).toEqual([
    3, 1, 1,
  ]));

test('a half-open connection that becomes a socket goes on counting', () =>
  expect(
    told([
      [byProc({ state: 'SYN_RECV', request: true, inode: 0, resent: 2, timeouts: 2 })],
      [bySs({ resent: 2 })],
      [bySs({ resent: 3 })],
    ]).map(([n, kind]) => [n, kind]),
  ).toEqual([
    [2, 'SYNACK'],
    [1, undefined],
  ]));

test('a timeout after an acknowledgement that was not seen is told as one', () =>
  expect(
    told([
      [bySs({ resent: 1, timeouts: 1, backoff: 1, rtoMs: 408, timerMs: 100 })],
      // Had nothing been acknowledged, its timer would have run out twice: another row of timeouts.
      [],
      [bySs({ resent: 1, timeouts: 1, backoff: 1, rtoMs: 408, timerMs: 100 })],
      [bySs({ resent: 2, timeouts: 1, backoff: 1, rtoMs: 412, timerMs: 10_000 })],
      // The same row, the same timeout, the timer still running: something else resent.
      [bySs({ resent: 3, timeouts: 1, backoff: 1, rtoMs: 412 })],
    ]).map(([n, kind]) => [n, kind]),
  ).toEqual([
    [1, 'RTO'],
    [1, 'RTO'],
    [1, 'RTO'],
    [1, undefined],
  ]));

test('by /proc, a counter that fell begins again, and one that stands is looked at until it falls', () => {
  const watch = new SocketWatch('since_ack', 4);
  watch.observe([], 0);
  expect(watch.observe([byProc({ resent: 3, timeouts: 3 })], 1)).toMatchObject([{ n: 3 }]);
  expect(watch.unsettled).toBe(true);
  expect(watch.observe([byProc({ resent: 1, timeouts: 1 })], 2)).toMatchObject([{ n: 1 }]);
  expect(watch.observe([byProc({ resent: 0, timeouts: 0 })], 3)).toEqual([]);
  expect(watch.unsettled).toBe(false);
  expect(watch.known('a')).toBe(true);
});

test('before 6.5 a SYN doubles from the start', () =>
  expect(
    told(
      [2000, 4000].map((rtoMs, i) => [byProc({ state: 'SYN_SENT', resent: i + 1, timeouts: i + 1, rtoMs })]),
      'since_ack',
      0,
    ),
  ).toEqual([
    [1, 'SYN', undefined, 1000, undefined],
    [1, 'SYN', 1000, 2000, undefined],
  ]));

test('missed: only a rise above the maximum counts', () => {
  const missed = new MissedCount(100);
  expect(missed.add(105, 3)).toBe(2);
  // Two more were told than the counter, read before them, could know.
  expect(missed.add(105, 2)).toBe(2);
  expect(missed.add(107, 0)).toBe(2);
  expect(missed.add(110, 0)).toBe(5);
  expect(missed.add(4, 1)).toBe(5);
  expect(missed.add(6, 1)).toBe(6);
});
