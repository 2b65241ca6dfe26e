import type { Batch, TapRecord } from '../decode/batch.ts';
import { grown } from '../decode/column-stores.ts';
import type { Goal } from '../goals/goal.ts';
import { KeptRows } from './kept-rows.ts';

const most = 5;

/** By entry: how many records counted, and the last five of them. */
export class LastRows {
  readonly #rows: KeptRows;
  #counted = new Float64Array();
  /** A ring of slots for each entry. */
  #slots = new Int32Array();

  constructor(goal: Goal) {
    this.#rows = new KeptRows(goal);
  }

  grow(entries: number): void {
    this.#counted = grown(this.#counted, new Float64Array(entries));
    this.#slots = grown(this.#slots, new Int32Array(entries * most));
  }

  bind(batch: Batch): void {
    this.#rows.bind(batch);
  }

  release(): void {
    this.#rows.release();
  }

  counted(entry: number): number {
    return this.#counted[entry] ?? 0;
  }

  /** Whether it is the entry's first. */
  put(entry: number, batch: Batch, row: number): boolean {
    const counted = this.counted(entry);
    const at = entry * most + (counted % most);
    if (counted < most) this.#slots[at] = this.#rows.take();
    this.#rows.put(this.#slots[at] ?? 0, batch, row);
    this.#counted[entry] = counted + 1;
    return counted === 0;
  }

  /** Oldest first. */
  records(entry: number): TapRecord[] {
    const counted = this.counted(entry);
    const records: TapRecord[] = [];
    for (let i = Math.max(0, counted - most); i < counted; i++)
      records.push(this.#rows.record(this.#slots[entry * most + (i % most)] ?? 0));
    return records;
  }

  forget(entry: number): void {
    const kept = Math.min(most, this.counted(entry));
    for (let i = 0; i < kept; i++) this.#rows.give(this.#slots[entry * most + i] ?? 0);
    this.#counted[entry] = 0;
  }

  restore(entry: number, counted: number, records: readonly TapRecord[]): void {
    records.forEach((record, i) => {
      const slot = this.#rows.take();
      this.#slots[entry * most + ((counted - records.length + i) % most)] = slot;
      this.#rows.restore(slot, record);
    });
    this.#counted[entry] = counted;
  }
}
