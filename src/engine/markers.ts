import { randomInt } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { getPriority } from 'node:os';
import type { Clock } from '../telemetry/clock.ts';

/** Marker `number` was made between these two moments of the wall clock, microseconds since the epoch. */
export interface Marker {
  readonly number: number;
  readonly beforeUs: number;
  readonly afterUs: number;
}

/** Numbers of one engine's markers are `0 .. markerNumbers - 1`: markers 300 ms apart last for three days, then they begin anew. */
export const markerNumbers = 1 << 20;

/** A first "process id" for getpriority(2) far above any real one, random so that two Taplines do not answer to each other's. */
export const markerBase = (): number => randomInt(2 ** 25, 2 ** 31 - markerNumbers);

/**
 * Asks the kernel for the priority of a process that does not exist: an event of Tapline's own that a probe on
 * sys_enter_getpriority sees, without native code (semantics 22). The wall clock has whole milliseconds, so the end is one later.
 */
export function makeMarker(clock: Clock, base: number, number: number): Marker {
  const beforeUs = clock.nowUs();
  try {
    getPriority(base + (number % markerNumbers));
  } catch {
    // ESRCH, as meant.
  }
  return { number: number % markerNumbers, beforeUs, afterUs: clock.nowUs() + 999 };
}

/** Inode of the first pid namespace (PROC_PID_INIT_INO, linux/proc_ns.h). */
const firstPidNamespace = 'pid:[4026531836]';

/** Tapline's pid as probes see it, or 0 where it cannot be known (in a container with pids of its own). */
export function pidForProbes(proc: string): number {
  try {
    return readlinkSync(`${proc}/self/ns/pid`) === firstPidNamespace ? process.pid : 0;
  } catch {
    return 0;
  }
}
