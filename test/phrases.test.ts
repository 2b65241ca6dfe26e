import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadGoals } from '../src/goals/catalogue.ts';
import { searchGoals } from '../src/goals/search.ts';

/** What people in trouble say, and the goal that answers them. */
const phrases: readonly (readonly [words: string, goal: string])[] = [
  ['timeouts', 'tcp.retransmit'],
  ['intermittent connection timeouts', 'tcp.rto_change'],
  ['packet loss', 'tcp.retransmit'],
  ['where do my packets get dropped', 'net.drop'],
  ['is the firewall dropping something', 'net.drop'],
  ['connection refused', 'tcp.connect'],
  ['who connects to the database', 'tcp.connect'],
  ['connection reset by peer', 'tcp.reset'],
  ['listen queue is full', 'tcp.accept_overflow'],
  ['clients cannot connect, server overloaded', 'tcp.accept_overflow'],
  ['which process uses UDP', 'udp.traffic'],
  ['which process asks DNS', 'dns.query'],
  ['who opens this file', 'syscall.open'],
  ['permission denied', 'syscall.open'],
  ['who deleted my file', 'file.delete'],
  ['what commands are executed', 'process.exec'],
  ['why did my process die', 'process.exit'],
  ['segfault', 'process.exit'],
  ['who killed my process', 'memory.oom'],
  ['out of memory', 'memory.oom'],
  ['who eats memory', 'memory.alloc'],
  ['memory leak', 'memory.alloc'],
  ['the machine is swapping', 'memory.pressure'],
  ['who burns the CPU', 'cpu.hog'],
  ['which process uses 100% CPU', 'cpu.hog'],
  ['processes wait for a CPU', 'cpu.runqueue_latency'],
  ['why is my disk slow', 'disk.latency'],
  ['high iowait', 'disk.latency'],
  ['bad sectors', 'disk.error'],
  ['input/output error', 'disk.error'],
  ['fsync takes long', 'syscall.slow'],
  ['slow system calls', 'syscall.slow'],
];
const loaded = loadGoals(join(import.meta.dirname, '../scripts-stp'));
const goals = loaded.ok ? [...loaded.value.values()] : [];
test.each(phrases)('"%s" has %s in its top three', (words, goal) =>
  expect(
    searchGoals(goals, words)
      .slice(0, 3)
      .map(({ id }) => id),
  ).toContain(goal),
);

test('every goal that an engine answers is found by somebody, and says why it looks where it looks', () => {
  const answered = goals.filter(({ engines }) => Object.keys(engines).length > 0);
  expect(answered.length).toBeGreaterThanOrEqual(21);
  expect(answered.filter(({ how }) => how === undefined).map(({ id }) => id)).toEqual([]);
  const found = new Set(phrases.map(([, goal]) => goal));
  expect(answered.map(({ id }) => id).filter((id) => !found.has(id) && id !== 'memory.reclaim')).toEqual([]);
});
