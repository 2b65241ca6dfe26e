import type { Batch, Selection, TapRecord } from '../decode/batch.ts';

/** Which thing: the text names it (a JSON array of the key fields' values in `by` order; unknown is null), the values label it. */
export interface Key {
  readonly text: string;
  /** field -> value as text; unknown fields are absent. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What one dedupe window held back, told when it closes (semantics 10). */
export interface Closing {
  readonly key: Key;
  /** Start of the window: record time of the first record, microseconds. */
  readonly t0Us: number;
  /** When it closed: t0 + W, or earlier on eviction or stop. */
  readonly endUs: number;
  /** How many were held back (sum of `n`). */
  readonly count: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly last: TapRecord;
}

/**
 * condition(t) of one key of an alert rule, told at once when it turns. Records that counted without turning it are told
 * together with the next heartbeat, for keys that were told of before.
 */
export interface Condition {
  readonly key: Key;
  readonly holds: boolean;
  readonly timeUs: number;
  /** Events in the window now (sum of `n`). */
  readonly count: number;
  /** The records that counted since the last Condition of this key, oldest first, at most 5; empty on expiry. */
  readonly records: readonly TapRecord[];
  /** How many records counted since the last Condition of this key. */
  readonly counted: number;
}

/** What a rule's pipe tells, in order of stream time. */
export type RuleOutput =
  /** forward rules: rows that passed. Valid only during the call. */
  | {
      readonly kind: 'rows';
      readonly batch: Batch;
      readonly selection: Selection;
      readonly timeUs: number;
      /** With `changed`: how many events of its key were held back before each selected row (semantics 9). */
      readonly heldBack?: Float64Array;
    }
  | { readonly kind: 'closing'; readonly closing: Closing; readonly timeUs: number }
  /** alert rules */
  | { readonly kind: 'condition'; readonly condition: Condition; readonly timeUs: number }
  /** Stream time of the rule; `standing` while no engine of its goal is ready (semantics 12). */
  | { readonly kind: 'time'; readonly timeUs: number; readonly standing: boolean };
