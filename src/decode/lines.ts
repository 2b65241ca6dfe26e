import type { Goal } from '../goals/goal.ts';
import type { Run } from '../engine/frame.ts';
import type { RowWriter } from './columns.ts';

/** What a probe says of itself each second, and in its goodbye. Counts are since the run began. */
export interface Beat {
  /** Last sequence number of each lane: numbers begin with 1, so also how many records it printed there. */
  readonly emitted: readonly (readonly [lane: number, lastSeq: number])[];
  /** What the transport itself says it dropped. Told beside the sum: what was lost is found by the holes. */
  readonly lost: number;
  /** Times the probe was hit but could not run. */
  readonly skipped: number;
  /** Records that the pushed filter rejected. */
  readonly filtered: number;
  /** Events that sampling could not tell apart (procfs). */
  readonly missed: number;
  /** Entries that did not fit into a map of the probe. */
  readonly mapFull: number;
}

/** Receives what a reader finds, in the order of the lines. Clocks are in microseconds of the run's own clock. */
export interface LineVisitor {
  /** When the chunk was read: wall clock, microseconds since the epoch. */
  readonly atUs: number;
  /** The row under the writer's cursor is complete. `since` is NaN and n 1 for events. */
  record(lane: number, seq: number, clockUs: number, sinceUs: number, n: number): void;
  /** What the row's `ended` columns name has ended. Numbered like a record, so that its loss is told. */
  forgotten(lane: number, seq: number, clockUs: number): void;
  /** A marker that Tapline made came back. */
  mark(clockUs: number, number: number): void;
  /** `clockUs` is NaN where the line has none: the time is then that of the last line that had one. */
  beat(clockUs: number, beat: Beat): void;
  bye(clockUs: number, beat: Beat): void;
  /** The transport's last word: it dropped so many lines, of all kinds, while the run lasted. */
  dropped(lines: number): void;
  /** A line that could not be read; its bytes are valid during the call only. Where its number could still be read: lane and seq. */
  broken(line: Uint8Array, lane?: number, seq?: number): void;
}

/**
 * Reads whole lines of one run. It puts a record's values into `row` (a row that is not confirmed by `visitor.record` is
 * overwritten by the next), and holds on to nothing of the chunk. It may have state (a bpftrace beat is several lines).
 */
export type LineReader = (lines: Uint8Array, row: RowWriter, visitor: LineVisitor) => void;

/** How the lines of one dialect are read. */
export interface LineDialect {
  readonly name: Run['dialect'];
  /** `asked`: the run's parameters of the goal, where they are not its defaults. */
  reader(goal: Goal, asked?: string): LineReader;
}

export const emptyBeat: Beat = { emitted: [], lost: 0, skipped: 0, filtered: 0, missed: 0, mapFull: 0 };

/** Calls `each` with the bounds of every line, its LF left out. */
export function forEachLine(chunk: Uint8Array, each: (start: number, end: number) => void): void {
  for (let start = 0; start < chunk.length;) {
    const found = chunk.indexOf(10, start);
    const end = found < 0 ? chunk.length : found;
    each(start, end);
    start = end + 1;
  }
}
