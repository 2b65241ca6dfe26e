import { readdirSync, readFileSync } from 'node:fs';
import { pid as own } from 'node:process';
import { textOf } from '../../goals/text.ts';
import type { EngineHost } from '../engine.ts';

/** What one look at /proc/PID/stat tells of a process (proc_pid_stat(5)). */
export interface ProcessStat {
  readonly pid: number;
  readonly comm: string;
  /** Z: it has ended, and its parent has not asked for its result yet. */
  readonly state: string;
  readonly parent: number;
  readonly faults: number;
  /** Ticks of processor time in its own code and in the kernel, threads that have ended included. */
  readonly userTicks: number;
  readonly kernelTicks: number;
  readonly threads: number;
  /** Ticks since boot: tells two processes with one number apart. */
  readonly started: string;
  /** Where its stack and arguments lie, which is drawn anew for each program; "" where this user may not know. */
  readonly layout: string;
  /** As wait(2) gives it, of one in state Z; 0 where this user may not know. */
  readonly status: number;
}

/** By process number and start. */
export type Processes = ReadonlyMap<string, ProcessStat>;

/** The unit of times in /proc (USER_HZ), the same on every Linux that Node runs on. */
export const tickMs = 10;

/** One /proc/PID/stat. The command name stands in parentheses and may hold anything, parentheses too. */
export function parseStat(stat: Uint8Array): ProcessStat | undefined {
  const open = stat.indexOf(0x28);
  const close = stat.lastIndexOf(0x29);
  if (open < 1 || close < open) return undefined;
  const rest = Buffer.from(stat.subarray(close + 2))
    .toString('latin1')
    .trimEnd()
    .split(' ');
  const number = (field: number) => Number(rest[field - 3]);
  const pid = Number(Buffer.from(stat.subarray(0, open)).toString('latin1'));
  const [state = '', started] = [rest[0], rest[22 - 3]];
  const numbers = [pid, number(4), number(10), number(12), number(14), number(15), number(20)];
  if (started === undefined || numbers.some(Number.isNaN)) return undefined;
  const addresses = [rest[28 - 3], rest[48 - 3]];
  return {
    pid,
    comm: textOf(stat.subarray(open + 1, close)),
    state,
    parent: number(4),
    faults: number(10) + number(12),
    userTicks: number(14),
    kernelTicks: number(15),
    threads: number(20),
    started,
    layout: addresses.every((address) => address !== undefined && address !== '0') ? addresses.join(' ') : '',
    status: number(52) || 0,
  };
}

/** All but Tapline's own. Throws where /proc cannot be read. */
export function readProcesses({ proc }: EngineHost): Processes {
  const found = new Map<string, ProcessStat>();
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue;
    const read = readOrGone(() => parseStat(readFileSync(`${proc}/${name}/stat`)));
    if (read !== undefined && read.pid !== own && read.parent !== own) found.set(`${read.pid} ${read.started}`, read);
  }
  return found;
}

export const uidOf = ({ proc }: EngineHost, pid: number): number | undefined =>
  readOrGone(() => {
    const uid = /^Uid:\s*(\d+)/m.exec(readFileSync(`${proc}/${pid}/status`, 'latin1'))?.[1];
    return uid === undefined ? undefined : Number(uid);
  });

/** Undefined for a process that has ended meanwhile, or that this user may not look at. */
export function readOrGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
