import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { goalOf } from '../../../../test/lab/goals.ts';
import type { Module } from '../../../generate/module.ts';
import type { EngineHost } from '../../engine.ts';
import type { Reader } from '../reader.ts';
import { parseDiskstats } from './disks.ts';
import { parseStat } from '../processes.ts';
import { readerOf } from './index.ts';
import { parseKills } from './oom.ts';
import { parsePressure } from './pressure.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tapline-proc-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string | Uint8Array): void {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
}

/** What a look tells, by the names of the fields; null is unknown. */
async function opened(id: string): Promise<() => Promise<Record<string, unknown>[]>> {
  const goal = goalOf(id);
  const host = { proc: join(folder, 'proc'), sys: join(folder, 'sys') } as EngineHost;
  const options = { everyMs: 1000, source: 'auto' } as const;
  const { signal } = new AbortController();
  const made = await readerOf(goal)?.open([{ goal } as Module], host, options, signal);
  if (made === undefined || 'problem' in made) throw new Error(JSON.stringify(made));
  const reader: Reader = made.reader;
  return async () => {
    const [rows = []] = await reader.look(signal);
    return rows.map(({ n, columns }) => Object.fromEntries([['n', n], ...goal.fields.map(({ name }, i) => [name, columns[i]])]));
  };
}

test('memory.oom: how many were killed since the last look', async () => {
  const kills = (count: number) => write('proc/vmstat', `pgfault 7\noom_kill ${count}\noom_kill_x 9\n`);
  kills(5);
  const look = await opened('memory.oom');
  expect(await look()).toEqual([]);
  kills(8);
  expect(await look()).toEqual([expect.objectContaining({ n: 3, pid: null, comm: null, why: null })]);
  expect(await look()).toEqual([]);
  expect(parseKills('pgfault 1\n')).toBeUndefined();
});

test('a kernel that does not count: the reason', async () => {
  write('proc/vmstat', 'pgfault 7\n');
  await expect(opened('memory.oom')).rejects.toThrow(/oom_kill, which Linux has from 4\.13 on/);
});

const disk = (name: string, reads: string, writes: string, discards = '') =>
  `   8       0 ${name} ${reads} ${writes} 0 50 60 ${discards}\n`;

test('disk.latency: sums of whole disks, by operation', async () => {
  mkdirSync(join(folder, 'sys/block/sda'), { recursive: true });
  write('proc/diskstats', disk('sda', '10 1 80 30', '5 0 40 20', '1 0 8 2 3 4') + disk('sda1', '10 1 80 30', '5 0 40 20'));
  const look = await opened('disk.latency');
  expect(await look()).toEqual([]);
  write('proc/diskstats', disk('sda', '14 1 144 36', '5 0 40 20', '2 0 16 12 3 4') + disk('sda1', '14 1 144 36', '5 0 40 20'));
  const unknown = { pid: null, comm: null, max_us: null, interval_ms: expect.any(Number) as number };
  expect(await look()).toEqual([
    { n: 1, disk: 'sda', op: 'read', requests: 4, bytes: 64 * 512, avg_us: 1500, ...unknown },
    { n: 1, disk: 'sda', op: 'discard', requests: 1, bytes: 8 * 512, avg_us: 10_000, ...unknown },
  ]);
  // Another disk of that name: counters that fall tell nothing.
  write('proc/diskstats', disk('sda', '20 0 8 1', '0 0 0 0'));
  expect(await look()).toEqual([]);
});

test('disks of kernels before 4.18 have no discards', () =>
  expect([...parseDiskstats('8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n', new Set(['sda'])).keys()]).toEqual(['sda read', 'sda write']));

const stat = (pid: number, comm: string, minor: number, major: number, started: number, parent = 1) =>
  Buffer.from(`${pid} (${comm}) S ${parent} 1 1 0 -1 4194304 ${minor} 9 ${major} 9 1 1 0 0 20 0 1 0 ${started} 1 1\n`, 'latin1');

test('memory.alloc: page faults of each process; one that is new began with none, Tapline itself is left out', async () => {
  const status = (pid: number, uid: number) => write(`proc/${pid}/status`, `Name:\tx\nUid:\t${uid}\t0\t0\t0\n`);
  write('proc/10/stat', stat(10, 'old', 100, 5, 1));
  write('proc/12/stat', stat(12, 'own child', 1, 0, 1, process.pid));
  const look = await opened('memory.alloc');
  expect(await look()).toEqual([]);
  write('proc/10/stat', stat(10, 'old', 107, 6, 1));
  status(10, 1000);
  write('proc/11/stat', stat(11, 'a) (b\n"\xff', 40, 2, 77));
  status(11, 0);
  write('proc/12/stat', stat(12, 'own child', 1000, 0, 1, process.pid));
  status(12, 0);
  const unknown = { brk_bytes: null, mmap_bytes: null, interval_ms: expect.any(Number) as number };
  expect(await look()).toEqual([
    { n: 1, pid: 10, uid: 1000, comm: 'old', faults: 8, ...unknown },
    { n: 1, pid: 11, uid: 0, comm: 'a) (b\n"\udcff', faults: 42, ...unknown },
  ]);
  // Another process with the same number.
  write('proc/10/stat', stat(10, 'new', 3, 0, 99));
  expect(await look()).toEqual([expect.objectContaining({ pid: 10, comm: 'new', faults: 3 })]);
  expect([parseStat(Buffer.from('')), parseStat(Buffer.from('1 (x) S'))]).toEqual([undefined, undefined]);
});

const psi = (some: string, full: string) =>
  `some avg10=1.50 avg60=0.49 avg300=0.00 total=${some}\nfull avg10=0.00 avg60=12.00 avg300=0.00 total=${full}\n`;

test('memory.pressure: the machine, and each cgroup in which something stood still', async () => {
  write('proc/pressure/memory', psi('1000', '10'));
  write('sys/fs/cgroup/cgroup.controllers', 'memory\n');
  write('sys/fs/cgroup/a/memory.pressure', psi('5', '5'));
  write('sys/fs/cgroup/a/b "c"/memory.pressure', psi('5', '5'));
  const look = await opened('memory.pressure');
  expect(await look()).toEqual([]);
  write('proc/pressure/memory', psi('3000', '20'));
  write('sys/fs/cgroup/a/b "c"/memory.pressure', psi('105', '6'));
  const averages = { some_avg10: 2, some_avg60: 0, full_avg10: 0, full_avg60: 12 };
  expect(await look()).toEqual([
    expect.objectContaining({ cgroup: '/', some_us: 2000, full_us: 10, ...averages }),
    expect.objectContaining({ cgroup: '/a/b "c"', some_us: 100, full_us: 1, ...averages }),
  ]);
  expect(parsePressure('some avg10=x\n')).toBeUndefined();
});
