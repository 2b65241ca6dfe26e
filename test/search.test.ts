import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { CliContext } from '../src/cli/context.ts';
import { main } from '../src/cli/index.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import { searchGoals } from '../src/goals/search.ts';

const loaded = loadGoals(join(import.meta.dirname, '../scripts-stp'));
const goals = loaded.ok ? [...loaded.value.values()] : [];
const found = (words: string) => searchGoals(goals, words).map(({ id }) => id);

test.each([
  ['retransmit', 'tcp.retransmit'],
  ['retransmits', 'tcp.retransmit'],
  ['TCP retransmission', 'tcp.retransmit'],
  ['packet loss', 'tcp.retransmit'],
  ['packets are lost', 'tcp.retransmit'],
  ['timeout', 'tcp.retransmit'],
  ['connection hangs', 'tcp.retransmit'],
  ['my connections hang', 'tcp.retransmit'],
  ['SYN not answered', 'tcp.retransmit'],
  ['connect stalls', 'tcp.retransmit'],
  ['why is my connection so slow?', 'tcp.retransmit'],
  ['timeouts grow', 'tcp.rto_change'],
  ['backoff', 'tcp.rto_change'],
  ['RTO', 'tcp.rto_change'],
  ['intermittent timeouts', 'tcp.rto_change'],
  ['rto_was_ms', 'tcp.rto_change'],
  ['which file', 'syscall.open'],
  ['who opens this file', 'syscall.open'],
  ['which process opens /etc/passwd', 'syscall.open'],
  ['permission denied', 'syscall.open'],
  ['no such file', 'syscall.open'],
  ['ENOENT', 'syscall.open'],
  ['openat', 'syscall.open'],
  ['probe dead', 'tapline.degraded'],
  ['lost records', 'tapline.lost'],
])('"%s" finds %s among the first three', (words, id) => expect(found(words).slice(0, 3)).toContain(id));

test('words that stand nowhere, and none at all, find nothing', () => {
  for (const words of ['', '   ', '???', 'the of a', 'zebra', 'quarterly revenue']) expect(found(words), words).toEqual([]);
});

test('the answer does not depend on the order of the goals', () =>
  expect(searchGoals([...goals].reverse(), 'connection timeout').map(({ id }) => id)).toEqual(found('connection timeout')));

test('`tapline goals` with words that fit nothing says so, names the nearest, and fails', async () => {
  const text = { stdout: '', stderr: '' };
  const stream = (key: 'stdout' | 'stderr') => new PassThrough().on('data', (chunk: Buffer) => (text[key] += chunk.toString('utf8')));
  const context = { stdout: stream('stdout'), stderr: stream('stderr'), env: {}, cwd: '/' } as unknown as CliContext;
  expect(await main(['goals', 'zebra'], context)).toBe(1);
  expect(text).toEqual({ stdout: '', stderr: expect.stringMatching(/^error GOAL_UNKNOWN: No goal fits "zebra"/) as unknown });
});
