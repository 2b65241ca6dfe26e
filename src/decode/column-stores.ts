import { parseAddress } from '../goals/address.ts';
import type { Field } from '../goals/goal.ts';
import { textOf } from '../goals/text.ts';
import type { Column } from './batch.ts';
import type { ColumnWriter } from './columns.ts';

/** The row that every column of a builder writes next. */
export interface Cursor {
  row: number;
}

/** A column being filled. */
export interface Store extends ColumnWriter {
  grow(capacity: number): void;
  take(length: number): Column;
}

/** Refuses what its field is not. */
abstract class Refusing {
  readonly field: Field;
  protected readonly cursor: Cursor;
  constructor(field: Field, cursor: Cursor) {
    this.field = field;
    this.cursor = cursor;
  }
  putNumber(value: number): boolean {
    return refuse(value);
  }
  putText(value: string): boolean {
    return refuse(value);
  }
  putBytes(bytes: Uint8Array, start: number, end: number): boolean {
    return refuse(bytes, start, end);
  }
  putAddress(bytes: Uint8Array, at: number): boolean {
    return refuse(bytes, at);
  }
}

const refuse = (...what: readonly unknown[]): boolean => what.length === 0;

class Numbers extends Refusing implements Store {
  #values = new Float64Array();
  override putNumber(value: number): boolean {
    this.#values[this.cursor.row] = value;
    return this.field.type === 'bool' ? value === 0 || value === 1 : Number.isSafeInteger(value);
  }
  putUnknown(): boolean {
    this.#values[this.cursor.row] = NaN;
    return this.field.optional;
  }
  grow(capacity: number): void {
    this.#values = grown(this.#values, new Float64Array(capacity));
  }
  take(length: number): Column {
    return { kind: 'number', values: this.#values.slice(0, length) };
  }
}

class Enums extends Refusing implements Store {
  #indices = new Int16Array();
  readonly #values: readonly string[];
  readonly #index: ReadonlyMap<string, number>;
  constructor(field: Field, cursor: Cursor) {
    super(field, cursor);
    this.#values = field.values ?? [];
    this.#index = new Map(this.#values.map((value, index) => [value, index]));
  }
  override putNumber(index: number): boolean {
    this.#indices[this.cursor.row] = index;
    return Number.isInteger(index) && index >= 0 && index < this.#values.length;
  }
  override putText(value: string): boolean {
    return this.putNumber(this.#index.get(value) ?? -1);
  }
  putUnknown(): boolean {
    this.#indices[this.cursor.row] = -1;
    return this.field.optional;
  }
  grow(capacity: number): void {
    this.#indices = grown(this.#indices, new Int16Array(capacity));
  }
  take(length: number): Column {
    const indices = this.#indices.slice(0, length);
    const values = this.#values;
    return { kind: 'text', at: (row) => values[indices[row] ?? -1], enum: { values, indices } };
  }
}

/** Text that came as a string is kept as it is; text that came as bytes is kept as bytes in one arena and decoded when asked for. */
class Texts extends Refusing implements Store {
  #strings: (string | undefined)[] = [];
  #arena = new Uint8Array(1024);
  #used = 0;
  #ranges = new Int32Array();
  override putText(value: string): boolean {
    this.#strings[this.cursor.row] = value;
    this.#ranges[2 * this.cursor.row] = -1;
    return true;
  }
  override putBytes(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (this.#used + length > this.#arena.length)
      this.#arena = grown(this.#arena, new Uint8Array(Math.max(this.#arena.length * 2, this.#used + length)));
    this.#arena.set(bytes.subarray(start, end), this.#used);
    this.#ranges[2 * this.cursor.row] = this.#used;
    this.#used += length;
    this.#ranges[2 * this.cursor.row + 1] = this.#used;
    return true;
  }
  putUnknown(): boolean {
    this.#strings[this.cursor.row] = undefined;
    this.#ranges[2 * this.cursor.row] = -1;
    return this.field.optional;
  }
  grow(capacity: number): void {
    this.#ranges = grown(this.#ranges, new Int32Array(2 * capacity));
  }
  take(length: number): Column {
    const strings = this.#strings.slice(0, length);
    const arena = this.#arena.slice(0, this.#used);
    const ranges = this.#ranges.slice(0, 2 * length);
    this.#strings = [];
    this.#used = 0;
    return {
      kind: 'text',
      at(row) {
        const start = ranges[2 * row] ?? -1;
        if (start < 0) return strings[row];
        ranges[2 * row] = -1;
        return (strings[row] = textOf(arena, start, ranges[2 * row + 1]));
      },
    };
  }
}

class Addresses extends Refusing implements Store {
  #bytes = new Uint8Array();
  #known = new Uint8Array();
  /** Addresses repeat: parsing the same text again and again is what a reader of text lines would spend its time on. */
  readonly #parsed = new Map<string, Uint8Array>();
  override putText(value: string): boolean {
    let bytes = this.#parsed.get(value);
    if (bytes === undefined) {
      bytes = parseAddress(value);
      if (bytes === undefined) return false;
      if (this.#parsed.size >= 4096) this.#parsed.clear();
      this.#parsed.set(value, bytes);
    }
    return this.putAddress(bytes, 0);
  }
  override putAddress(bytes: Uint8Array, at: number): boolean {
    const row = this.cursor.row;
    if (at + 16 > bytes.length) return false;
    for (let i = 0; i < 16; i++) this.#bytes[16 * row + i] = bytes[at + i] ?? 0;
    this.#known[row] = 1;
    return true;
  }
  putUnknown(): boolean {
    this.#bytes.fill(0, 16 * this.cursor.row, 16 * this.cursor.row + 16);
    this.#known[this.cursor.row] = 0;
    return this.field.optional;
  }
  grow(capacity: number): void {
    this.#bytes = grown(this.#bytes, new Uint8Array(16 * capacity));
    this.#known = grown(this.#known, new Uint8Array(capacity));
  }
  take(length: number): Column {
    return { kind: 'address', bytes: this.#bytes.slice(0, 16 * length), known: this.#known.slice(0, length) };
  }
}

export function storeFor(field: Field, cursor: Cursor): Store {
  if (field.type === 'text') return new Texts(field, cursor);
  if (field.type === 'enum') return new Enums(field, cursor);
  return field.type === 'address' ? new Addresses(field, cursor) : new Numbers(field, cursor);
}

/** `larger`, with what was in `old` at its beginning. */
export function grown<A extends Float64Array | Int16Array | Int32Array | Uint8Array | Uint32Array>(old: A, larger: A): A {
  larger.set(old);
  return larger;
}
