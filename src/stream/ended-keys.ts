import type { Batch } from '../decode/batch.ts';
import type { Goal } from '../goals/goal.ts';
import { KeyReader, type KeyValue, type Secret } from './key.ts';

/**
 * The keys of a rule by what the goal's `forget` fields name, so that the end of a connection finds them although they may
 * have further fields. Undefined where the goal tells no ends, or a key does not contain all of these fields: it then
 * stands for more than one connection.
 */
export function endedKeys(goal: Goal, by: readonly string[], secret: Secret): EndedKeys | undefined {
  const fields = goal.forget?.fields ?? [];
  return fields.length > 0 && fields.every((name) => by.includes(name)) ? new EndedKeys(goal, fields, by, secret) : undefined;
}

export class EndedKeys {
  readonly #keys: KeyReader;
  /** Where a key has the values of `host` (-1: nowhere) and of the goal's `forget` fields. */
  readonly #hostAt: number;
  readonly #places: readonly number[];
  /** Hash of what they name -> entries. */
  readonly #entries = new Map<number, number[]>();
  readonly #hashes: number[] = [];
  #host = '';

  constructor(goal: Goal, fields: readonly string[], by: readonly string[], secret: Secret) {
    this.#keys = new KeyReader(goal, fields, secret);
    this.#hostAt = by.indexOf('host');
    this.#places = fields.map((name) => by.indexOf(name));
  }

  bind(batch: Batch): void {
    this.#keys.bind(batch);
    this.#host = batch.run.host;
  }

  release(): void {
    this.#keys.release();
  }

  /** A new entry, for the key of the row. */
  add(entry: number, row: number): void {
    this.#keys.load(row);
    this.#put(entry);
  }

  /** The same for a key as plain data, in the order of the rule's `by`. */
  addValues(entry: number, key: readonly KeyValue[]): void {
    this.#keys.loadValues(this.#places.map((place) => key[place] ?? null));
    this.#put(entry);
  }

  remove(entry: number): void {
    const hash = this.#hashes[entry] ?? 0;
    const rest = (this.#entries.get(hash) ?? []).filter((each) => each !== entry);
    if (rest.length > 0) this.#entries.set(hash, rest);
    else this.#entries.delete(hash);
  }

  /** The entries of what the row names. `keyOf`: an entry's key as plain data. */
  of(row: number, keyOf: (entry: number) => readonly KeyValue[]): readonly number[] {
    this.#keys.load(row);
    const alike = this.#entries.get(this.#keys.hash) ?? [];
    if (alike.length === 0) return alike;
    const named = this.#keys.valuesAt(this.#keys.words, 0, this.#keys.texts, 0);
    return alike.filter((entry) => {
      const key = keyOf(entry);
      const sameHost = this.#hostAt < 0 || key[this.#hostAt] === this.#host;
      return sameHost && this.#places.every((place, i) => key[place] === named[i]);
    });
  }

  #put(entry: number): void {
    const { hash } = this.#keys;
    this.#hashes[entry] = hash;
    const others = this.#entries.get(hash);
    if (others) others.push(entry);
    else this.#entries.set(hash, [entry]);
  }
}
