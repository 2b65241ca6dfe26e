import { readdirSync, readFileSync } from 'node:fs';
import type { EngineHost } from '../../engine.ts';
import { readOrGone, readProcesses, tickMs, uidOf, type Processes } from '../processes.ts';
import { comparing } from './comparing.ts';

/** Processor time of each process, as the kernel accounts for it. */
export const cpuReader = comparing<Processes>({
  name: 'cpu',
  goal: 'cpu.hog',
  looksAt: 'the processes',
  read: readProcesses,
  compare: (last, now, interval_ms, host) =>
    [...now].flatMap(([key, { pid, comm, userTicks, kernelTicks }]) => {
      const before = last.get(key) ?? { userTicks: 0, kernelTicks: 0 };
      const user_ms = (userTicks - before.userTicks) * tickMs;
      const kernel_ms = (kernelTicks - before.kernelTicks) * tickMs;
      // The kernel divides what it knows exactly, and one part may fall by a tick.
      if (user_ms + kernel_ms <= 0) return [];
      const uid = uidOf(host, pid);
      return uid === undefined
        ? []
        : [{ values: { pid, uid, user_ms: Math.max(0, user_ms), kernel_ms: Math.max(0, kernel_ms), interval_ms, comm } }];
    }),
});

/** By process and start; then by thread: how long it waited (ns) and how often it ran. */
type Waits = ReadonlyMap<string, { readonly pid: number; readonly comm: string; readonly threads: ReadonlyMap<string, Wait> }>;
export interface Wait {
  readonly ns: number;
  readonly times: number;
}

/** How long threads that could run waited, as the kernel sums it up (CONFIG_SCHED_INFO). */
export const runqueueReader = comparing<Waits>({
  name: 'runqueue',
  goal: 'cpu.runqueue_latency',
  looksAt: 'how long threads waited for a processor',
  read: readWaits,
  compare: (last, now, interval_ms) =>
    [...now].flatMap(([key, { pid, comm, threads }]) => {
      let [ns, waits] = [0, 0];
      for (const [thread, wait] of threads) {
        const before = last.get(key)?.threads.get(thread) ?? { ns: 0, times: 0 };
        // A number that fell is that of another thread.
        if (wait.times < before.times) continue;
        ns += wait.ns - before.ns;
        waits += wait.times - before.times;
      }
      return waits <= 0 ? [] : [{ values: { pid, waits, avg_us: Math.round(ns / 1000 / waits), interval_ms, comm } }];
    }),
});

/** /proc/PID/schedstat: nanoseconds run, nanoseconds waited, times run (Documentation/scheduler/sched-stats.rst). */
export function parseSchedstat(text: string): Wait | undefined {
  const found = /^\d+ (\d+) (\d+)\s*$/.exec(text);
  return found ? { ns: Number(found[1]), times: Number(found[2]) } : undefined;
}

function readWaits(host: EngineHost): Waits {
  const { proc } = host;
  if (parseSchedstat(readFileSync(`${proc}/self/schedstat`, 'latin1')) === undefined)
    throw new Error(`${proc}/self/schedstat is not what Linux writes there`);
  const found = new Map<string, { pid: number; comm: string; threads: Map<string, Wait> }>();
  for (const [key, { pid, comm, threads: count }] of readProcesses(host)) {
    const threads = new Map<string, Wait>();
    const names = count === 1 ? [`${pid}`] : (readOrGone(() => readdirSync(`${proc}/${pid}/task`)) ?? []);
    for (const name of names) {
      const wait = readOrGone(() => parseSchedstat(readFileSync(`${proc}/${pid}/task/${name}/schedstat`, 'latin1')));
      if (wait) threads.set(name, wait);
    }
    found.set(key, { pid, comm, threads });
  }
  return found;
}
