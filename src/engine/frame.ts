import type { EngineName } from '../config/config.ts';
import type { Problem } from '../problem/problem.ts';

/** One life of one module: from its start until it ended, failed or was stopped. A restart is a new run. */
export interface Run {
  /** Unique: 16 hex digits, random. */
  readonly id: string;
  readonly host: string;
  /** /proc/sys/kernel/random/boot_id. */
  readonly boot: string;
  readonly engine: EngineName | 'tapline';
  readonly goal: string;
  /** Parameters of the goal where they are not its defaults (goals/parameters.ts): its rules see this run's records only. */
  readonly with?: string;
  /** Module id. */
  readonly module: string;
  readonly fidelity: 'event' | 'sampled';
  /** Names the wire format of its lines and the reader for it (decode/dialects). */
  readonly dialect: 'bpftrace' | 'systemtap' | 'procfs' | 'script' | 'tapline';
  /**
   * What the times in its lines count from. `wall` is microseconds since the epoch already. `reading`: its lines hold no time, and
   * the moment at which they were read stands for it.
   */
  readonly clock: 'monotonic' | 'boottime' | 'wall' | 'reading';
}

/**
 * One item from an engine; also one line of a recording. Everything that decides about records is in the frames
 * (semantics 6: live, replay and fleet agree), so nothing behind this point asks a clock.
 * `atUs` is the wall clock at reading, microseconds since the epoch.
 */
export type Frame =
  /** A run begins. Always its first frame. */
  | { readonly kind: 'run'; readonly run: Run; readonly atUs: number }
  /** Whole lines of the run's dialect, each ended by LF: records, marks, beats and the goodbye. */
  | { readonly kind: 'lines'; readonly run: string; readonly lines: Uint8Array; readonly atUs: number }
  /**
   * Tapline made marker `number` (getpriority with a magic argument; for SystemTap a write to the module's own file) between two readings of the wall clock; the probe's
   * own `mark` line with this number anchors its clock, and the first one proves it ready.
   */
  | {
      readonly kind: 'marker';
      readonly run: string;
      readonly number: number;
      readonly beforeUs: number;
      readonly afterUs: number;
      readonly atUs: number;
    }
  /** The run is over. Always its last frame. `problem` where it was not asked to stop. */
  | { readonly kind: 'end'; readonly run: string; readonly problem?: Problem; readonly atUs: number }
  /** Something an engine understood from its program (its stderr), or did (a restart). Belongs to no record. */
  | { readonly kind: 'notice'; readonly run?: string; readonly problem: Problem; readonly atUs: number };
