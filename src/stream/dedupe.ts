import type { Batch, TapRecord } from '../decode/batch.ts';
import { grown } from '../decode/column-stores.ts';
import type { Goal } from '../goals/goal.ts';
import type { KeyReader, KeyValue } from './key.ts';
import { KeyTable } from './key-table.ts';
import { KeptRows } from './kept-rows.ts';
import type { Closing } from './output.ts';

/** How long a window's key is known after its end, so that a record that comes late is still inside the window it belongs to. */
const lateUs = 10_000_000;

/** What `#numbers` holds of an entry. */
const [t0At, lastAt, countAt, firstAt, heldAt, width] = [0, 1, 2, 3, 4, 5] as const;

export interface DedupeSnapshot {
  readonly keys: readonly {
    readonly key: readonly KeyValue[];
    /** When it was to be looked at, and when something is due. */
    readonly atUs: number;
    readonly dueUs: number;
    readonly t0Us: number;
    /** The key's own time, which never runs backwards. */
    readonly lastUs: number;
    readonly count: number;
    readonly firstUs: number;
    readonly heldUs: number;
    /** Whether a closing record was told of this window already. */
    readonly told: boolean;
    readonly record?: TapRecord;
  }[];
}

/**
 * The first record of a key passes and opens [t0, t0 + W); later ones inside are held back and never move it. If any were,
 * one closing record leaves at t0 + W, on eviction or on stop, before any record of its key with time >= t0 + W (semantics 10).
 */
export class Dedupe {
  readonly #widthUs: number;
  readonly #table: KeyTable;
  readonly #rows: KeptRows;
  readonly #tell: (closing: Closing) => void;
  readonly #onEvicted: () => void;
  /** Five numbers an entry, side by side: a look-up of many keys is bound by the memory's cache lines. */
  #numbers = new Float64Array();
  #slot = new Int32Array();
  #told = new Uint8Array();

  constructor(goal: Goal, widthMs: number, keys: KeyReader, maxKeys: number, tell: (closing: Closing) => void, onEvicted: () => void) {
    this.#widthUs = widthMs * 1000;
    this.#rows = new KeptRows(goal);
    this.#tell = tell;
    this.#onEvicted = onEvicted;
    this.#table = new KeyTable(keys, maxKeys, (capacity) => {
      this.#numbers = grown(this.#numbers, new Float64Array(capacity * width));
      this.#slot = grown(this.#slot, new Int32Array(capacity));
      this.#told = grown(this.#told, new Uint8Array(capacity));
    });
  }

  get size(): number {
    return this.#table.size;
  }

  bind(batch: Batch): void {
    this.#rows.bind(batch);
  }

  release(): void {
    this.#rows.release();
  }

  /** The key reader stands on the row. What is due up to the row's time was expired before. */
  passes(batch: Batch, row: number): boolean {
    const table = this.#table;
    const recordUs = batch.timeUs[row] ?? 0;
    let entry = table.find();
    if (entry < 0) {
      if (table.full) {
        this.#close(table.nextEntry(), recordUs);
        table.removeNext();
        this.#onEvicted();
      }
      entry = table.add(recordUs + this.#widthUs);
      this.#open(entry, recordUs);
      return true;
    }
    const timeUs = Math.max(recordUs, this.#numbers[entry * width + lastAt] ?? 0);
    this.#numbers[entry * width + lastAt] = timeUs;
    const endUs = (this.#numbers[entry * width + t0At] ?? 0) + this.#widthUs;
    if (timeUs >= endUs) {
      this.#close(entry, endUs);
      this.#open(entry, timeUs);
      table.setDue(entry, timeUs + this.#widthUs);
      return true;
    }
    this.#hold(entry, batch, row, timeUs);
    return false;
  }

  nextDue(): number {
    return this.#table.nextDue();
  }

  /** Tells what is due next, or forgets it. */
  expireNext(): void {
    const entry = this.#table.nextEntry();
    const endUs = (this.#numbers[entry * width + t0At] ?? 0) + this.#widthUs;
    const due = this.#table.dueOf(entry);
    this.#close(entry, endUs);
    if (due < endUs + lateUs) this.#table.setDue(entry, endUs + lateUs);
    else this.#table.removeNext();
  }

  /** Closes every window. */
  stop(timeUs: number): void {
    for (; this.#table.size > 0; this.#table.removeNext()) this.#close(this.#table.nextEntry(), timeUs);
  }

  snapshot(): DedupeSnapshot {
    return {
      keys: this.#table.inOrder().map(({ time, entry }) => ({
        key: this.#table.values(entry),
        atUs: time,
        dueUs: this.#table.dueOf(entry),
        t0Us: this.#numbers[entry * width + t0At] ?? 0,
        lastUs: this.#numbers[entry * width + lastAt] ?? 0,
        count: this.#numbers[entry * width + countAt] ?? 0,
        firstUs: this.#numbers[entry * width + firstAt] ?? 0,
        heldUs: this.#numbers[entry * width + heldAt] ?? 0,
        told: this.#told[entry] === 1,
        ...((this.#slot[entry] ?? -1) >= 0 && { record: this.#rows.record(this.#slot[entry] ?? 0) }),
      })),
    };
  }

  restore(snapshot: DedupeSnapshot): void {
    for (const each of snapshot.keys) {
      this.#table.keys.loadValues(each.key);
      const entry = this.#table.add(each.atUs);
      this.#table.setDue(entry, each.dueUs);
      this.#open(entry, each.t0Us);
      this.#numbers[entry * width + lastAt] = each.lastUs;
      this.#numbers[entry * width + countAt] = each.count;
      this.#numbers[entry * width + firstAt] = each.firstUs;
      this.#numbers[entry * width + heldAt] = each.heldUs;
      this.#told[entry] = each.told ? 1 : 0;
      if (each.record) this.#rows.restore((this.#slot[entry] = this.#rows.take()), each.record);
    }
  }

  #open(entry: number, t0Us: number): void {
    this.#numbers[entry * width + t0At] = this.#numbers[entry * width + lastAt] = t0Us;
    this.#numbers[entry * width + countAt] = 0;
    this.#slot[entry] = -1;
    this.#told[entry] = 0;
  }

  #hold(entry: number, batch: Batch, row: number, timeUs: number): void {
    if ((this.#slot[entry] ?? -1) < 0) {
      this.#slot[entry] = this.#rows.take();
      this.#numbers[entry * width + firstAt] = timeUs;
    }
    this.#numbers[entry * width + countAt] = (this.#numbers[entry * width + countAt] ?? 0) + (batch.n[row] ?? 0);
    this.#numbers[entry * width + heldAt] = timeUs;
    this.#rows.put(this.#slot[entry] ?? 0, batch, row);
  }

  #close(entry: number, atUs: number): void {
    const slot = this.#slot[entry] ?? -1;
    if (slot < 0) return;
    const t0Us = this.#numbers[entry * width + t0At] ?? 0;
    const firstUs = this.#numbers[entry * width + firstAt] ?? 0;
    const lastUs = this.#numbers[entry * width + heldAt] ?? 0;
    this.#tell({
      key: this.#table.key(entry),
      // Ids are made of t0: the late rest of a window that was told already must not have the id of its first part.
      t0Us: this.#told[entry] === 1 ? firstUs : t0Us,
      endUs: Math.min(t0Us + this.#widthUs, Math.max(atUs, lastUs)),
      count: this.#numbers[entry * width + countAt] ?? 0,
      firstUs,
      lastUs,
      last: this.#rows.record(slot),
    });
    this.#rows.give(slot);
    this.#slot[entry] = -1;
    this.#numbers[entry * width + countAt] = 0;
    this.#told[entry] = 1;
  }
}
