import { readdirSync, readFileSync } from 'node:fs';
import { pid as own } from 'node:process';
import { textOf } from '../../../goals/text.ts';
import type { EngineHost } from '../../engine.ts';
import { comparing } from './comparing.ts';

/** Page faults of each process, by /proc/PID/stat. */
export const faultsReader = comparing<Processes>({
  name: 'faults',
  goal: 'memory.alloc',
  looksAt: 'the processes',
  read: readProcesses,
  compare: (last, now, interval_ms, host) =>
    [...now].flatMap(([key, { pid, comm, faults: all }]) => {
      // One that was not there before began with none.
      const faults = all - (last.get(key)?.faults ?? 0);
      const uid = faults > 0 ? uidOf(host, pid) : undefined;
      return uid === undefined ? [] : [{ values: { interval_ms, pid, uid, comm, faults } }];
    }),
});

export interface ProcessFaults {
  readonly pid: number;
  readonly parent: number;
  readonly comm: string;
  readonly faults: number;
  /** Clock ticks since boot: tells two processes with one number apart. */
  readonly started: string;
}
type Processes = ReadonlyMap<string, ProcessFaults>;

/** One /proc/PID/stat (proc_pid_stat(5)). The command name stands in parentheses and may hold anything, parentheses too. */
export function parseStat(stat: Uint8Array): ProcessFaults | undefined {
  const open = stat.indexOf(0x28);
  const close = stat.lastIndexOf(0x29);
  if (open < 1 || close < open) return undefined;
  const rest = Buffer.from(stat.subarray(close + 2))
    .toString('latin1')
    .split(' ');
  const [parent, minor, major] = [rest[1], rest[7], rest[9]].map(Number);
  const started = rest[19];
  if (parent === undefined || minor === undefined || major === undefined || started === undefined) return undefined;
  const pid = Number(Buffer.from(stat.subarray(0, open)).toString('latin1'));
  return { pid, parent, comm: textOf(stat.subarray(open + 1, close)), faults: minor + major, started };
}

/** All but Tapline's own. */
function readProcesses({ proc }: EngineHost): Processes {
  const found = new Map<string, ProcessFaults>();
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue;
    const read = readStat(`${proc}/${name}/stat`);
    if (read !== undefined && read.pid !== own && read.parent !== own) found.set(`${read.pid} ${read.started}`, read);
  }
  return found;
}

/** Undefined for a process that has ended meanwhile. */
function readStat(file: string): ProcessFaults | undefined {
  try {
    return parseStat(readFileSync(file));
  } catch {
    return undefined;
  }
}

function uidOf({ proc }: EngineHost, pid: number): number | undefined {
  try {
    const uid = /^Uid:\s*(\d+)/m.exec(readFileSync(`${proc}/${pid}/status`, 'latin1'))?.[1];
    return uid === undefined ? undefined : Number(uid);
  } catch {
    return undefined;
  }
}
