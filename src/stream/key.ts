import type { Batch } from '../decode/batch.ts';
import { formatAddress, parseAddress } from '../goals/address.ts';
import type { Goal } from '../goals/goal.ts';
import { FieldReader } from './field.ts';
import { keyedHash } from './keyed-hash.ts';
import type { Key } from './output.ts';

/** One field of a key as plain data: null is unknown. */
export type KeyValue = number | string | boolean | null;

/** Two 32-bit words that only this install knows. */
export type Secret = readonly [number, number];

/**
 * Reads the key of a row into words and texts that can be hashed and compared without making text of them. An int takes
 * two words (its float64), an enum one, an address five (the fifth says known), a text none but a place in `texts`.
 */
export class KeyReader {
  readonly size: number;
  /** The key under the reader. */
  readonly words: Int32Array;
  readonly texts: (string | undefined)[] = [];
  hash = 0;
  readonly #parts: readonly { readonly reader: FieldReader; readonly at: number }[];
  readonly #secret: Secret;
  readonly #float = new Float64Array(1);
  readonly #halves = new Int32Array(this.#float.buffer);
  #row = -1;
  #message = new Int32Array();
  #messageLength = 0;

  constructor(goal: Goal, by: readonly string[], secret: Secret) {
    let words = 0;
    let texts = 0;
    this.#parts = by.map((name) => {
      const reader = new FieldReader(goal, name);
      const at = reader.shape === 'text' ? texts++ : words;
      words += reader.shape === 'address' ? 5 : reader.shape === 'text' ? 0 : reader.field.type === 'enum' ? 1 : 2;
      return { reader, at };
    });
    this.size = words;
    this.words = new Int32Array(words);
    for (let i = 0; i < texts; i++) this.texts.push(undefined);
    this.#secret = secret;
  }

  bind(batch: Batch): void {
    for (const { reader } of this.#parts) reader.bind(batch);
    this.#row = -1;
  }

  release(): void {
    for (const { reader } of this.#parts) reader.release();
    this.#row = -1;
  }

  load(row: number): void {
    if (row === this.#row) return;
    this.#row = row;
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i];
      if (part === undefined) continue;
      const { reader, at } = part;
      if (reader.shape === 'address') {
        const known = reader.known[row] ?? 0;
        for (let word = 0; word < 4; word++) this.words[at + word] = known === 1 ? (reader.words[4 * row + word] ?? 0) : 0;
        this.words[at + 4] = known;
      } else if (reader.shape === 'text') this.texts[at] = reader.text(row);
      else if (reader.field.type === 'enum') this.words[at] = reader.values[row] ?? -1;
      else this.#putNumber(at, reader.values[row] ?? NaN);
    }
    this.#rehash();
  }

  /** A key from plain data, as `valuesAt` gave it. */
  loadValues(values: readonly KeyValue[]): void {
    this.#row = -1;
    this.#parts.forEach(({ reader, at }, i) => {
      const value = values[i] ?? null;
      if (reader.shape === 'text') this.texts[at] = value === null ? undefined : String(value);
      else if (reader.shape === 'address') {
        const bytes = value === null ? undefined : parseAddress(String(value));
        const words = bytes === undefined ? new Int32Array(4) : new Int32Array(bytes.slice().buffer);
        this.words.set(words, at);
        this.words[at + 4] = bytes === undefined ? 0 : 1;
      } else if (reader.field.type === 'enum') this.words[at] = value === null ? -1 : (reader.field.values ?? []).indexOf(String(value));
      else this.#putNumber(at, value === null ? NaN : Number(value));
    });
    this.#rehash();
  }

  /** The key stored in `words[from ..]` and `texts[textFrom ..]`, as plain data in the order of `by`. */
  valuesAt(words: Int32Array, from: number, texts: readonly (string | undefined)[], textFrom: number): KeyValue[] {
    return this.#parts.map(({ reader, at }) => {
      if (reader.shape === 'text') return texts[textFrom + at] ?? null;
      const start = from + at;
      if (reader.shape === 'address')
        return words[start + 4] === 1 ? formatAddress(new Uint8Array(words.slice(start, start + 4).buffer)) : null;
      if (reader.field.type === 'enum') return reader.field.values?.[words[start] ?? -1] ?? null;
      this.#halves[0] = words[start] ?? 0;
      this.#halves[1] = words[start + 1] ?? 0;
      const value = this.#float[0] ?? NaN;
      if (Number.isNaN(value)) return null;
      return reader.field.type === 'bool' ? value === 1 : value;
    });
  }

  /** Text and labels of a key (semantics 14, 17). */
  key(values: readonly KeyValue[]): Key {
    const labels: Record<string, string> = {};
    let text = '[';
    for (let i = 0; i < this.#parts.length; i++) {
      const value = values[i] ?? null;
      const reader = this.#parts[i]?.reader;
      if (value !== null && reader) labels[reader.field.name] = String(value);
      // Only text can hold what JSON must escape.
      const plain = typeof value !== 'string' || reader?.shape === 'address';
      text += (i > 0 ? ',' : '') + (!plain ? JSON.stringify(value) : typeof value === 'string' ? `"${value}"` : String(value));
    }
    text += ']';
    return { text, labels };
  }

  #putNumber(at: number, value: number): void {
    // One form of zero and one of unknown: the same key must have the same words.
    this.#float[0] = Number.isNaN(value) ? NaN : value + 0;
    this.words[at] = this.#halves[0] ?? 0;
    this.words[at + 1] = this.#halves[1] ?? 0;
  }

  #rehash(): void {
    const message = this.texts.length === 0 ? this.words : this.#withTexts();
    this.hash = keyedHash(message, this.texts.length === 0 ? this.size : this.#messageLength, this.#secret[0], this.#secret[1]);
  }

  /** The words, then each text: its length (-1 unknown) and two UTF-16 units a word. */
  #withTexts(): Int32Array {
    let length = this.size;
    for (const text of this.texts) length += 1 + (((text?.length ?? 0) + 1) >> 1);
    if (this.#message.length < length) this.#message = new Int32Array(2 * length);
    const message = this.#message;
    message.set(this.words);
    let at = this.size;
    for (const text of this.texts) {
      message[at++] = text === undefined ? -1 : text.length;
      if (text === undefined) continue;
      for (let i = 0; i < text.length; i += 2)
        message[at++] = text.charCodeAt(i) | (i + 1 < text.length ? text.charCodeAt(i + 1) << 16 : 0);
    }
    this.#messageLength = length;
    return message;
  }
}
