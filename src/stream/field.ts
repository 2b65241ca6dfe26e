import type { Batch, Column } from '../decode/batch.ts';
import { formatAddress } from '../goals/address.ts';
import { fieldOf, type Field, type Goal } from '../goals/goal.ts';

/** How a field's values are looked at: `number` covers int, bool and the index of an enum's value. */
export type FieldShape = 'number' | 'text' | 'address';

const nothing = new Float64Array();
const noBytes = new Uint8Array();
const noWords = new Int32Array();

/** One field of a goal (or `host`), read from the batch it is bound to. The bound arrays must not be kept. */
export class FieldReader {
  readonly field: Field;
  readonly shape: FieldShape;
  /** Shape `number`: int and bool by value, NaN unknown; an enum's index, -1 unknown. */
  values: Float64Array | Int16Array = nothing;
  /** Shape `address`: 16 bytes a row, the same as 4 words a row, and whether known. */
  bytes: Uint8Array = noBytes;
  words: Int32Array = noWords;
  known: Uint8Array = noBytes;
  #column: Column | undefined;
  #host = '';
  readonly #index: number;

  constructor(goal: Goal, name: string) {
    const field = fieldOf(goal, name);
    if (field === undefined) throw new TypeError(`${goal.id} has no field ${name}`);
    this.field = field;
    this.#index = goal.fields.indexOf(field);
    this.shape = field.type === 'address' ? 'address' : field.type === 'text' ? 'text' : 'number';
  }

  bind(batch: Batch): void {
    if (this.#index < 0) {
      this.#host = batch.run.host;
      return;
    }
    const column = batch.columns[this.#index];
    this.#column = column;
    if (column?.kind === 'number') this.values = column.values;
    else if (column?.kind === 'address') {
      this.bytes = column.bytes;
      this.known = column.known;
      const aligned = column.bytes.byteOffset % 4 === 0 ? column.bytes : column.bytes.slice();
      this.words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
    } else if (column?.kind === 'text' && this.shape === 'number')
      this.values = column.enum?.indices ?? this.#indices(column, batch.length);
  }

  /** Lets go of the batch. */
  release(): void {
    this.#column = undefined;
    this.values = nothing;
    this.bytes = this.known = noBytes;
    this.words = noWords;
  }

  /** int, bool (0, 1) or the index of an enum's value; NaN where unknown. */
  number(row: number): number {
    const value = this.values[row] ?? NaN;
    return this.field.type === 'enum' && value < 0 ? NaN : value;
  }

  /** text, the value of an enum, or an address as RFC 5952 has it; undefined where unknown. */
  text(row: number): string | undefined {
    if (this.#index < 0) return this.#host;
    if (this.#column?.kind === 'text') return this.#column.at(row);
    return this.shape === 'address' && this.known[row] === 1 ? formatAddress(this.bytes, 16 * row) : undefined;
  }

  #indices(column: Column & { kind: 'text' }, length: number): Int16Array {
    const indices = new Int16Array(length);
    for (let row = 0; row < length; row++) indices[row] = (this.field.values ?? []).indexOf(column.at(row) ?? '');
    return indices;
  }
}
