import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Field, Goal } from '../goals/goal.ts';
import type { AlertRule } from '../rules/rule.ts';
import { conditionText } from './condition-text.ts';
import { recordSentence } from './sentence.ts';

/** The shipped goals, as far as a sentence needs them. */
const goals = new Map(
  readdirSync(join(import.meta.dirname, '../../scripts-stp'), { withFileTypes: true })
    .filter((entry) => existsSync(join(entry.parentPath, entry.name, 'goal.yaml')))
    .map((entry) => {
      const raw = parse(readFileSync(join(entry.parentPath, entry.name, 'goal.yaml'), 'utf8')) as {
        id: string;
        title: string;
        fields: Record<string, Omit<Field, 'name'>>;
      };
      return [
        raw.id,
        { ...raw, fields: Object.entries(raw.fields).map(([name, field]) => ({ ...field, name })) } as unknown as Goal,
      ] as const;
    }),
);
const sentence = (goal: string, fields: Record<string, number | string | boolean>) => {
  const found = goals.get(goal);
  if (found === undefined) throw new Error(`no goal ${goal}`);
  return recordSentence(found, { fields });
};
const connection = { netns: 4026531840, saddr: '127.0.0.1', sport: 41872, daddr: '127.0.0.1', dport: 40001 };

test('a retransmission: whose, which connection, what', () => {
  expect(
    sentence('tcp.retransmit', {
      ...connection,
      state: 'SYN_SENT',
      kind: 'SYN',
      rto_ms: 1000,
      backoff: 0,
      segs: 1,
      err: 0,
      pid: 5121,
      comm: 'node',
    }),
  ).toBe('node[5121]  127.0.0.1:41872 -> 127.0.0.1:40001  SYN again, RTO 1000 ms');
  expect(sentence('tcp.retransmit', { ...connection, kind: 'RTO', err: -105 })).toBe(
    '127.0.0.1:41872 -> 127.0.0.1:40001  RTO again, failed: no buffer space (-105)',
  );
});

test('a series says from what to what, a first value only what', () => {
  expect(sentence('tcp.rto_change', { ...connection, saddr: '2001:db8::1', rto_was_ms: 1000, rto_ms: 2000 })).toBe(
    '[2001:db8::1]:41872 -> 127.0.0.1:40001  RTO 1000 -> 2000 ms',
  );
  expect(sentence('tcp.rto_change', { ...connection, rto_ms: 2000 })).toMatch(/ {2}RTO 2000 ms$/);
});

test('a file: who, which path unharmed, what the kernel said', () => {
  const path = 'x","rto_ms":1}\n\udcff';
  expect(sentence('syscall.open', { pid: 7, uid: 0, comm: 'cat', call: 'openat', ret: -2, path, path_cut: false })).toBe(
    `cat[7]  ${path}  openat, failed: no such file (-2)`,
  );
  expect(sentence('syscall.open', { pid: 7, comm: 'cat', call: 'open', ret: 3, path: '/a', path_cut: true })).toBe(
    'cat[7]  /a (cut)  open',
  );
});

test('a loss of Tapline’s own', () => {
  expect(sentence('tapline.lost', { of: 'tcp.retransmit', by_engine: 'bpftrace', reason: 'hole', count: 12, from_us: 1, to_us: 2 })).toBe(
    'of tcp.retransmit, by engine bpftrace, hole, 12 records',
  );
});

test('a degraded engine: its state is the news', () => {
  expect(sentence('tapline.degraded', { of: 'tcp.retransmit', by_engine: 'bpftrace', state: 'failed', why: 'it ended' })).toBe(
    'of tcp.retransmit, by engine bpftrace, failed, why it ended',
  );
});

test('nothing known is the goal’s title', () => {
  expect(sentence('tcp.retransmit', {})).toBe('A TCP segment was sent again');
});

test('the condition in words', () => {
  const rule = {
    where: { text: ' rto_ms >= 800 &&\n  dport == 443 ' },
    dedupeMs: 10_000,
    threshold: { count: 3, withinMs: 60_000 },
    forMs: 300_000,
    changed: new Map([
      ['rto_ms', 100],
      ['state', 0],
    ]),
  };
  expect(conditionText(rule as unknown as AlertRule)).toBe(
    'rto_ms >= 800 && dport == 443, rto_ms changed by 100 or more, state changed, one in 10s counts, 3 in 1m, for 5m',
  );
  expect(conditionText({ forMs: 0 } as unknown as AlertRule)).toBe('any record');
});
