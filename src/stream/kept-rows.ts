import type { Batch, TapRecord } from '../decode/batch.ts';
import { grown } from '../decode/column-stores.ts';
import type { Run } from '../engine/frame.ts';
import type { Goal } from '../goals/goal.ts';
import { parseAddress, formatAddress } from '../goals/address.ts';
import { FieldReader } from './field.ts';

/** Numbers of a kept row that are no fields. */
const headSize = 6;
/** An address, and whether it is known. */
const addressWords = 5;

/**
 * Rows copied out of batches, packed as columns: what a window or an alert remembers of records that may never leave.
 * They become records (objects) only when they do. A slot is a number; `put` again overwrites it.
 */
export class KeptRows {
  readonly #goal: Goal;
  readonly #readers: readonly FieldReader[];
  readonly #numberFields: readonly number[];
  readonly #textFields: readonly number[];
  readonly #addressFields: readonly number[];
  /** By field: its place among the fields of its shape. */
  readonly #places: readonly number[];
  readonly #numberReaders: readonly FieldReader[];
  readonly #textReaders: readonly FieldReader[];
  readonly #addressReaders: readonly FieldReader[];
  readonly #width: number;
  /** time, error, since, lane, seq, n, then a float for each number field. */
  #numbers = new Float64Array();
  #addresses = new Int32Array();
  #texts: (string | undefined)[] = [];
  #runs: (Run | undefined)[] = [];
  #capacity = 0;
  #used = 0;
  readonly #free: number[] = [];

  constructor(goal: Goal) {
    this.#goal = goal;
    this.#readers = goal.fields.map((field) => new FieldReader(goal, field.name));
    const ofShape = (shape: string) => this.#readers.flatMap((reader, i) => (reader.shape === shape ? [i] : []));
    this.#numberFields = ofShape('number');
    this.#textFields = ofShape('text');
    this.#addressFields = ofShape('address');
    const of = { number: this.#numberFields, text: this.#textFields, address: this.#addressFields };
    this.#places = this.#readers.map((reader, i) => of[reader.shape].indexOf(i));
    const readersOf = (shape: string) => this.#readers.filter((reader) => reader.shape === shape);
    [this.#numberReaders, this.#textReaders, this.#addressReaders] = [readersOf('number'), readersOf('text'), readersOf('address')];
    this.#width = headSize + this.#numberFields.length;
  }

  /** How many rows are kept. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  bind(batch: Batch): void {
    for (const reader of this.#readers) reader.bind(batch);
  }

  release(): void {
    for (const reader of this.#readers) reader.release();
  }

  take(): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.#capacity) this.#grow(Math.max(16, this.#capacity * 2));
    return slot;
  }

  give(slot: number): void {
    this.#runs[slot] = undefined;
    for (let i = 0; i < this.#textFields.length; i++) this.#texts[slot * this.#textFields.length + i] = undefined;
    this.#free.push(slot);
  }

  /** Copies a row of the bound batch. */
  put(slot: number, batch: Batch, row: number): void {
    this.#runs[slot] = batch.run;
    const numbers = this.#numbers;
    let at = slot * this.#width;
    numbers[at++] = batch.timeUs[row] ?? NaN;
    numbers[at++] = batch.timeErrorUs[row] ?? NaN;
    numbers[at++] = batch.sinceUs === undefined ? NaN : (batch.sinceUs[row] ?? NaN);
    numbers[at++] = batch.lane[row] ?? NaN;
    numbers[at++] = batch.seq[row] ?? NaN;
    numbers[at++] = batch.n[row] ?? NaN;
    for (const reader of this.#numberReaders) numbers[at++] = reader.values[row] ?? NaN;
    at = slot * this.#textFields.length;
    for (const reader of this.#textReaders) this.#texts[at++] = reader.text(row);
    at = slot * addressWords * this.#addressFields.length;
    for (const reader of this.#addressReaders) {
      const { words } = reader;
      for (let word = 4 * row; word < 4 * row + 4; word++) this.#addresses[at++] = words[word] ?? 0;
      this.#addresses[at++] = reader.known[row] ?? 0;
    }
  }

  record(slot: number): TapRecord {
    const run = this.#runs[slot];
    if (run === undefined) throw new RangeError(`nothing is kept in ${slot}`);
    const at = slot * this.#width;
    const head = (i: number): number => this.#numbers[at + i] ?? NaN;
    const fields: Record<string, number | string | boolean> = {};
    const all = this.#goal.fields;
    for (let i = 0; i < all.length; i++) {
      const value = this.#value(slot, i);
      if (value !== undefined) fields[all[i]?.name ?? ''] = value;
    }
    const { host, boot, id, module, engine, fidelity } = run;
    const lane = head(3);
    const seq = head(4);
    const known = {
      goal: this.#goal.id,
      host,
      boot,
      run: id,
      module,
      lane,
      seq,
      engine,
      fidelity,
      timeUs: head(0),
      timeErrorUs: head(1),
      n: head(5),
      fields,
    };
    return Number.isNaN(head(2)) ? known : { ...known, sinceUs: head(2) };
  }

  /** A record back into a slot, after a restart. */
  restore(slot: number, record: TapRecord): void {
    const { run: id, host, boot, engine, goal, module, fidelity } = record;
    this.#runs[slot] = { id, host, boot, engine: engine as Run['engine'], goal, module, fidelity, dialect: 'tapline', clock: 'wall' };
    this.#head(slot, record.timeUs, record.timeErrorUs, record.sinceUs, record.lane, record.seq, record.n);
    const of = (i: number | undefined) => record.fields[this.#goal.fields[i ?? -1]?.name ?? ''];
    this.#numberFields.forEach((i, nth) => {
      const field = this.#goal.fields[i];
      const value = of(i);
      const number = field?.type === 'enum' ? (field.values ?? []).indexOf(String(value)) : value === undefined ? NaN : Number(value);
      this.#numbers[slot * this.#width + headSize + nth] = number;
    });
    this.#textFields.forEach((i, nth) => {
      const value = of(i);
      this.#texts[slot * this.#textFields.length + nth] = value === undefined ? undefined : String(value);
    });
    this.#addressFields.forEach((i, nth) => {
      const bytes = parseAddress(String(of(i)));
      const to = addressWords * (slot * this.#addressFields.length + nth);
      this.#addresses.set(new Int32Array((bytes ?? new Uint8Array(16)).slice().buffer), to);
      this.#addresses[to + 4] = bytes === undefined ? 0 : 1;
    });
  }

  #value(slot: number, i: number): number | string | boolean | undefined {
    const reader = this.#readers[i];
    const field = this.#goal.fields[i];
    if (reader?.shape === 'text') return this.#texts[slot * this.#textFields.length + (this.#places[i] ?? 0)];
    if (reader?.shape === 'address') {
      const at = addressWords * (slot * this.#addressFields.length + (this.#places[i] ?? 0));
      if (this.#addresses[at + 4] !== 1) return undefined;
      return formatAddress(new Uint8Array(this.#addresses.buffer, this.#addresses.byteOffset + 4 * at, 16));
    }
    const number = this.#numbers[slot * this.#width + headSize + (this.#places[i] ?? 0)] ?? NaN;
    if (field?.type === 'enum') return field.values?.[number];
    if (Number.isNaN(number)) return undefined;
    return field?.type === 'bool' ? number === 1 : number;
  }

  #head(slot: number, ...values: readonly (number | undefined)[]): void {
    for (let i = 0; i < headSize; i++) this.#numbers[slot * this.#width + i] = values[i] ?? NaN;
  }

  #grow(capacity: number): void {
    this.#numbers = grown(this.#numbers, new Float64Array(capacity * this.#width));
    this.#addresses = grown(this.#addresses, new Int32Array(capacity * addressWords * this.#addressFields.length));
    this.#capacity = capacity;
  }
}
