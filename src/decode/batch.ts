import type { Run } from '../engine/frame.ts';
import type { Goal } from '../goals/goal.ts';

/** int and bool (0, 1): NaN where unknown. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly values: Float64Array;
}

/** text and enum: decoded only when asked; undefined where unknown. */
export interface TextColumn {
  readonly kind: 'text';
  at(row: number): string | undefined;
  /** Of an enum: the field's values, and each row's index into them (-1: unknown), so that it can be tested without text. */
  readonly enum?: { readonly values: readonly string[]; readonly indices: Int16Array };
}

/** 16 bytes a row (IPv4 mapped, RFC 4291 2.5.5.2); `known[row]` is 0 where unknown. */
export interface AddressColumn {
  readonly kind: 'address';
  readonly bytes: Uint8Array;
  readonly known: Uint8Array;
}

export type Column = NumberColumn | TextColumn | AddressColumn;

/**
 * Records of one run in arrival order, as columns. Immutable and shared by all rules; each rule has its own Selection.
 * Whatever outlives the call that received it is copied out with `recordAt`: nothing may hold on to a batch.
 */
export interface Batch {
  readonly goal: Goal;
  readonly run: Run;
  readonly length: number;
  /** Wall time of the event (sampled: of the poll), microseconds since the epoch. */
  readonly timeUs: Float64Array;
  readonly timeErrorUs: Float64Array;
  /** Sampled records: the previous poll's time. */
  readonly sinceUs?: Float64Array;
  readonly lane: Uint32Array;
  readonly seq: Float64Array;
  /** How many events a record stands for. */
  readonly n: Float64Array;
  /** One for each of goal.fields, in that order. */
  readonly columns: readonly Column[];
}

/** Rows still in play, ascending: `rows[0 .. count)`. */
export interface Selection {
  readonly rows: Uint32Array;
  readonly count: number;
}

/** A value of a field; undefined is unknown. */
export type Value = number | string | boolean | undefined;

/** One record copied out of its batch: what alerts, samples and items hold on to. */
export interface TapRecord {
  readonly goal: string;
  readonly host: string;
  readonly boot: string;
  readonly run: string;
  readonly module: string;
  readonly lane: number;
  readonly seq: number;
  readonly engine: string;
  readonly fidelity: 'event' | 'sampled';
  readonly timeUs: number;
  readonly timeErrorUs: number;
  readonly sinceUs?: number;
  readonly n: number;
  /** Known fields only, in the goal's order; addresses as RFC 5952 text (v4-mapped as v4). */
  readonly fields: Readonly<Record<string, number | string | boolean>>;
}
