import type { Run } from '../engine/frame.ts';
import type { Problem } from '../problem/problem.ts';
import type { Batch } from './batch.ts';

/** What the decoder makes of frames, in their order: the one stream that all rules see. */
export type Signal =
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** What the rows name has ended; their other columns mean nothing (semantics 9). */
  | { readonly kind: 'forget'; readonly batch: Batch }
  /** Stream time advances (heartbeats; records advance it too). */
  | { readonly kind: 'time'; readonly run: string; readonly timeUs: number }
  /** The run has proved that its probes are attached. */
  | { readonly kind: 'ready'; readonly run: Run; readonly timeUs: number }
  /** The run is over. While no run of a goal is ready, the time of its rules stands still. */
  | { readonly kind: 'gone'; readonly run: Run; readonly timeUs: number; readonly problem?: Problem }
  /** Something was lost before it could be decoded. Told as a record of the goal tapline.lost. */
  | {
      readonly kind: 'lost';
      readonly run: Run;
      readonly reason: LostReason;
      /** Undefined where nobody counted. */
      readonly count: number | undefined;
      readonly fromUs: number;
      readonly toUs: number;
    };

/**
 * hole: numbers missing between records (the transport dropped them). skipped: the probe did not run. broken: lines that
 * could not be read. sampling: the kernel counted more events than the poller could tell apart. map_full: a kernel map was full.
 * unwatched: no run of the goal was ready, so whatever happened was not seen; how much is not known.
 * overload: the probes were ended because they took too much time (the count is of such ends). transport: lines that were
 * dropped after the last one that came, of which at most so many were records.
 */
export type LostReason = 'hole' | 'skipped' | 'broken' | 'sampling' | 'map_full' | 'unwatched' | 'overload' | 'transport';
