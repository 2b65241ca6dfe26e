import type { Run } from '../engine/frame.ts';
import type { Field, Goal } from '../goals/goal.ts';
import type { Batch } from './batch.ts';
import { grown, storeFor, type Cursor, type Store } from './column-stores.ts';

/** Where a reader puts the values of the row it is reading. Every `put` answers false where the value does not fit the field. */
export interface ColumnWriter {
  readonly field: Field;
  /** int (whole, within +-2^53), bool (0, 1), enum (index into `values`). */
  putNumber(value: number): boolean;
  /** text, enum (one of `values`), address (as text). */
  putText(value: string): boolean;
  /** text, from bytes, decoded when asked for; the bytes are copied. */
  putBytes(bytes: Uint8Array, start: number, end: number): boolean;
  /** address: 16 bytes from `at` on. */
  putAddress(bytes: Uint8Array, at: number): boolean;
  /** Optional fields only. */
  putUnknown(): boolean;
}

/** The columns of one goal and a cursor on the row being written. */
export interface RowWriter {
  readonly columns: readonly ColumnWriter[];
  /** Where a line that says what ended puts the fields that name it (`goal.forget`, in its order). */
  readonly ended: readonly ColumnWriter[];
}

/** A value from JSON: number, boolean, text (also of an address), null for unknown. */
export function putJson(column: ColumnWriter, value: unknown): boolean {
  if (value === null) return column.putUnknown();
  if (typeof value === 'number') return column.field.type !== 'bool' && column.field.type !== 'enum' && column.putNumber(value);
  if (typeof value === 'boolean') return column.field.type === 'bool' && column.putNumber(value ? 1 : 0);
  return typeof value === 'string' && column.putText(value);
}

/**
 * Collects rows and makes a batch of them. `commit` confirms the row under the cursor and moves on; a row that is not
 * confirmed is overwritten. After `build` it is empty again and shares nothing with the batch.
 */
export class BatchBuilder implements RowWriter {
  readonly columns: readonly Store[];
  readonly ended: readonly Store[];
  #length = 0;
  #capacity = 0;
  #time = new Float64Array();
  #since = new Float64Array();
  #lane = new Uint32Array();
  #seq = new Float64Array();
  #n = new Float64Array();
  readonly #goal: Goal;
  readonly #cursor: Cursor = { row: 0 };

  constructor(goal: Goal) {
    this.#goal = goal;
    this.columns = goal.fields.map((field) => storeFor(field, this.#cursor));
    this.ended = (goal.forget?.fields ?? []).flatMap((name) => this.columns.find(({ field }) => field.name === name) ?? []);
    this.#grow(16);
  }

  get length(): number {
    return this.#length;
  }

  /** Times in microseconds, in whatever clock the caller counts; `build` is told what they mean. */
  commit(lane: number, seq: number, timeUs: number, sinceUs = NaN, n = 1): void {
    const row = this.#length++;
    this.#time[row] = timeUs;
    this.#since[row] = sinceUs;
    this.#lane[row] = lane;
    this.#seq[row] = seq;
    this.#n[row] = n;
    if (this.#length === this.#capacity) this.#grow(this.#capacity * 2);
    this.#cursor.row = this.#length;
  }

  /** `wall` turns a row's clock into wall time and its error; sampled runs get a `since` column. */
  build(run: Run, wall: (clockUs: number) => { readonly timeUs: number; readonly errorUs: number }): Batch {
    const length = this.#length;
    const timeUs = this.#time.slice(0, length);
    const timeErrorUs = new Float64Array(length);
    for (let row = 0; row < length; row++) {
      const at = wall(timeUs[row] ?? 0);
      timeUs[row] = at.timeUs;
      timeErrorUs[row] = at.errorUs;
    }
    const since = run.fidelity === 'sampled' ? this.#since.slice(0, length).map((clock) => wall(clock).timeUs) : undefined;
    const batch: Batch = {
      goal: this.#goal,
      run,
      length,
      timeUs,
      timeErrorUs,
      lane: this.#lane.slice(0, length),
      seq: this.#seq.slice(0, length),
      n: this.#n.slice(0, length),
      ...(since && { sinceUs: since }),
      columns: this.columns.map((column) => column.take(length)),
    };
    this.#length = 0;
    this.#cursor.row = 0;
    return batch;
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.#time = grown(this.#time, new Float64Array(capacity));
    this.#since = grown(this.#since, new Float64Array(capacity));
    this.#lane = grown(this.#lane, new Uint32Array(capacity));
    this.#seq = grown(this.#seq, new Float64Array(capacity));
    this.#n = grown(this.#n, new Float64Array(capacity));
    for (const column of this.columns) column.grow(capacity);
  }
}

/** A row for `batchOf`: values as in JSON, unknown by undefined or left out. */
export interface RowValues {
  readonly timeUs: number;
  readonly timeErrorUs?: number;
  readonly sinceUs?: number;
  readonly lane?: number;
  readonly seq: number;
  readonly n?: number;
  readonly fields: Readonly<Record<string, number | string | boolean | undefined>>;
}

/** A batch of rows whose times are wall times. Throws where a value does not fit its field: for rows that Tapline itself made. */
export function batchOf(goal: Goal, run: Run, rows: readonly RowValues[]): Batch {
  const builder = new BatchBuilder(goal);
  for (const row of rows) {
    for (const column of builder.columns) {
      if (!putJson(column, row.fields[column.field.name] ?? null))
        throw new TypeError(`${goal.id}: ${column.field.name} cannot be ${String(row.fields[column.field.name])}`);
    }
    builder.commit(row.lane ?? 0, row.seq, row.timeUs, row.sinceUs, row.n);
  }
  let row = 0;
  const errors = rows.map((each) => each.timeErrorUs ?? 0);
  const batch = builder.build({ ...run, fidelity: 'event' }, (timeUs) => ({ timeUs, errorUs: errors[row++] ?? 0 }));
  return run.fidelity === 'sampled' ? { ...batch, run, sinceUs: Float64Array.from(rows, (each) => each.sinceUs ?? NaN) } : batch;
}
