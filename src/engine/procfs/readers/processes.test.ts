import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { goalOf } from '../../../../test/lab/goals.ts';
import type { Module } from '../../../generate/module.ts';
import type { EngineHost } from '../../engine.ts';
import { parseStat } from '../processes.ts';
import { parseSchedstat } from './cpu.ts';
import { readerOf } from './index.ts';
import { argumentsOf } from './programs.ts';

let proc = '';
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'tapline-proc-'));
  write('uptime', '1000.50 1.00\n');
  write('self/schedstat', '1 2 3\n');
});
afterEach(() => rmSync(proc, { recursive: true }));

function write(name: string, text: string | Uint8Array): void {
  mkdirSync(join(proc, name, '..'), { recursive: true });
  writeFileSync(join(proc, name), text);
}

interface Fake {
  readonly comm?: string;
  readonly state?: string;
  readonly parent?: number;
  readonly ticks?: readonly [user: number, kernel: number];
  readonly threads?: number;
  readonly started?: number;
  readonly layout?: number;
  readonly status?: number;
  readonly cmdline?: string;
}

/** Fields 3 to 52 of proc_pid_stat(5). */
function process(pid: number, fake: Fake): void {
  const { comm = 'it', state = 'S', parent = 1, ticks = [0, 0], threads = 1, started = 100, layout = pid, status = 0 } = fake;
  const fields: (string | number)[] = Array.from({ length: 50 }, () => 0);
  const put = (field: number, value: string | number) => (fields[field - 3] = value);
  put(3, state);
  put(4, parent);
  put(14, ticks[0]);
  put(15, ticks[1]);
  put(20, threads);
  put(22, started);
  put(28, layout);
  put(48, layout);
  put(52, status);
  write(`${pid}/stat`, Buffer.from(`${pid} (${comm}) ${fields.join(' ')}\n`, 'latin1'));
  write(`${pid}/status`, 'Name:\tit\nUid:\t1000\t1000\t1000\t1000\n');
  write(`${pid}/cmdline`, fake.cmdline ?? `${comm}\0`);
}
const gone = (pid: number) => rmSync(join(proc, `${pid}`), { recursive: true });

async function opened(id: string): Promise<() => Promise<Record<string, unknown>[]>> {
  const goal = goalOf(id);
  const { signal } = new AbortController();
  const made = await readerOf(goal)?.open(
    [{ goal } as Module],
    { proc, sys: proc } as EngineHost,
    { everyMs: 1000, source: 'auto' },
    signal,
  );
  if (made === undefined || 'problem' in made) throw new Error(JSON.stringify(made));
  return async () => {
    const [rows = []] = await made.reader.look(signal);
    return rows.map(({ columns }) => Object.fromEntries(goal.fields.map(({ name }, i) => [name, columns[i]])));
  };
}

test('/proc/PID/stat: a command name may hold parentheses, spaces and line ends; what is no such line is nothing', () => {
  const line = Buffer.from(`7 (a) R (b\n\xff) Z 3 ${'0 '.repeat(9)}3 4 0 0 0 0 5 0 9${' 0'.repeat(6)}`, 'latin1');
  expect(parseStat(line)).toMatchObject({ pid: 7, comm: 'a) R (b\n\udcff', state: 'Z', parent: 3, threads: 5, started: '9', layout: '' });
  expect(parseStat(line)).toMatchObject({ userTicks: 3, kernelTicks: 4 });
  for (const text of ['', '1', '1 (x', '1 (x) S', 'x (y) S 1']) expect(parseStat(Buffer.from(text))).toBeUndefined();
});

test('cpu.hog: ticks since the last look, in ms; a new process began with none', async () => {
  process(10, { ticks: [100, 50] });
  process(11, { ticks: [5, 5] });
  const look = await opened('cpu.hog');
  expect(await look()).toEqual([]);
  process(10, { ticks: [130, 49], comm: 'a)b' });
  process(12, { ticks: [0, 7] });
  expect(await look()).toEqual([
    { pid: 10, uid: 1000, user_ms: 300, kernel_ms: 0, interval_ms: expect.any(Number) as number, comm: 'a)b', kernel_function: null },
    { pid: 12, uid: 1000, user_ms: 0, kernel_ms: 70, interval_ms: expect.any(Number) as number, comm: 'it', kernel_function: null },
  ]);
  process(11, { ticks: [1, 0], started: 500 });
  expect(await look()).toMatchObject([{ pid: 11, user_ms: 10, kernel_ms: 0 }]);
});

test('cpu.runqueue_latency: the waits of all threads of a process', async () => {
  process(10, { threads: 2 });
  write('10/task/10/schedstat', '9 1000000 10\n');
  write('10/task/13/schedstat', '9 5000000 20\n');
  const look = await opened('cpu.runqueue_latency');
  expect(await look()).toEqual([]);
  write('10/task/10/schedstat', '9 4000000 12\n');
  write('10/task/13/schedstat', '9 6000000 22\n');
  expect(await look()).toMatchObject([{ pid: 10, waits: 4, avg_us: 1000, max_us: null, comm: 'it' }]);
  expect([parseSchedstat(''), parseSchedstat('1 2'), parseSchedstat('1 2 3\n')]).toEqual([undefined, undefined, { ns: 2, times: 3 }]);
});

test('process.exec: a program of its own place in memory, not a fork; the eldest of several; a second program in the same process', async () => {
  process(10, { comm: 'sh', layout: 5, cmdline: 'sh\0-c\0x\0' });
  const look = await opened('process.exec');
  process(11, { comm: 'sh', layout: 5, started: 200 });
  process(12, { comm: 'ls', layout: 6, started: 300, cmdline: 'ls\0a b\0\0', parent: 10 });
  process(13, { comm: 'ls', layout: 6, started: 301 });
  process(14, { comm: 'kworker', layout: 0, cmdline: '' });
  const told = { uid: 1000, ppid: 10, comm: 'ls', file: null, file_cut: false, args: 'ls a b ', args_cut: false, netns: null };
  expect(await look()).toEqual([{ ...told, pid: 12 }]);
  expect(await look()).toEqual([]);
  process(11, { comm: 'vi', layout: 8, started: 200 });
  expect(await look()).toMatchObject([{ pid: 11, comm: 'vi', args: 'vi' }]);
});

test('process.exec: of processes whose place may not be seen, a new one with arguments of its own', async () => {
  process(10, { layout: 0, cmdline: 'daemon\0' });
  const look = await opened('process.exec');
  process(10, { layout: 0, cmdline: 'daemon: renamed\0' });
  process(11, { layout: 0, cmdline: 'daemon\0', started: 200 });
  process(12, { layout: 0, cmdline: 'other\0', started: 300 });
  expect((await look()).map(({ pid }) => pid)).toEqual([12]);
});

test('process.exit: one that is gone; how it ended only of one whose parent has not asked yet, told once', async () => {
  process(10, { started: 50_000 });
  process(11, { comm: 'crasher', started: 60_000 });
  process(12, { layout: 0 });
  const look = await opened('process.exit');
  gone(10);
  process(11, { comm: 'crasher', started: 60_000, state: 'Z', layout: 0, status: 139, cmdline: '' });
  const unknown = { code: null, signal: null, core: null };
  expect(await look()).toEqual([
    { netns: null, pid: 10, ppid: 1, uid: 1000, comm: 'it', ...unknown, lifetime_ms: 500_500 },
    { netns: null, pid: 11, ppid: 1, uid: 1000, comm: 'crasher', code: 0, signal: 11, core: true, lifetime_ms: 400_500 },
  ]);
  gone(11);
  process(12, { layout: 0, state: 'Z', status: 0 });
  expect(await look()).toMatchObject([{ pid: 12, ...unknown }]);
  gone(12);
  expect(await look()).toEqual([]);
});

test('arguments: a space between two, the first 4,096 bytes', () => {
  expect(argumentsOf(Buffer.from('a\0\0b c\0'))).toEqual({ args: 'a  b c', args_cut: false });
  expect(argumentsOf(Buffer.from(''))).toEqual({ args: '', args_cut: false });
  expect(argumentsOf(Buffer.from(`${'x'.repeat(4096)}\0`))).toEqual({ args: 'x'.repeat(4096), args_cut: false });
  expect(argumentsOf(Buffer.from(`${'x'.repeat(4096)}\0y\0`))).toEqual({ args: 'x'.repeat(4096), args_cut: true });
});
