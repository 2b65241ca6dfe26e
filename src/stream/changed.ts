import type { Batch } from '../decode/batch.ts';
import { grown } from '../decode/column-stores.ts';
import type { Goal } from '../goals/goal.ts';
import type { Rule } from '../rules/rule.ts';
import { endedKeys, type EndedKeys } from './ended-keys.ts';
import { FieldReader } from './field.ts';
import type { KeyReader, KeyValue, Secret } from './key.ts';
import { KeyTable } from './key-table.ts';

/** A key that was not seen for a day is forgotten. */
const idleUs = 86_400_000_000;

export interface ChangedSnapshot {
  readonly keys: readonly {
    readonly key: readonly KeyValue[];
    /** When it was to be looked at, and the key's own time. */
    readonly atUs: number;
    readonly lastUs: number;
    readonly held: number;
    readonly references: readonly (number | string | null)[];
  }[];
}

/**
 * Lets a record pass where a field differs from the last record of its key that passed (semantics 9). Numbers differ by
 * at least their tolerance (0: at all), everything else by being unequal. An unknown value neither passes nor is remembered.
 */
export class Changed {
  /** Events held back since the key's record before, of the record that `passes` let through last. */
  held = 0;
  readonly #fields: readonly { readonly reader: FieldReader; readonly tolerance: number }[];
  readonly #table: KeyTable;
  readonly #onEvicted: () => void;
  /** Finds the keys of a connection that ended; undefined where keys do not name one, or the goal tells no ends. */
  readonly #ended: EndedKeys | undefined;
  #numbers = new Float64Array();
  #texts: (string | undefined)[] = [];
  #last = new Float64Array();
  #held = new Float64Array();

  constructor(
    goal: Goal,
    { changed = new Map(), by }: Pick<Rule, 'changed' | 'by'>,
    keys: KeyReader,
    { maxKeys, secret }: { readonly maxKeys: number; readonly secret: Secret },
    onEvicted: () => void,
  ) {
    this.#fields = [...changed].map(([name, tolerance]) => ({ reader: new FieldReader(goal, name), tolerance }));
    this.#onEvicted = onEvicted;
    this.#ended = endedKeys(goal, by, secret);
    this.#table = new KeyTable(keys, maxKeys, (capacity) => {
      this.#numbers = grown(this.#numbers, new Float64Array(capacity * this.#fields.length));
      this.#last = grown(this.#last, new Float64Array(capacity));
      this.#held = grown(this.#held, new Float64Array(capacity));
    });
  }

  get size(): number {
    return this.#table.size;
  }

  bind(batch: Batch): void {
    for (const { reader } of this.#fields) reader.bind(batch);
    this.#ended?.bind(batch);
  }

  release(): void {
    for (const { reader } of this.#fields) reader.release();
    this.#ended?.release();
  }

  /** The key reader stands on the row. */
  passes(batch: Batch, row: number): boolean {
    const table = this.#table;
    const timeUs = batch.timeUs[row] ?? 0;
    let entry = table.find();
    if (entry < 0) {
      if (table.full) this.#evict();
      entry = table.add(timeUs + idleUs);
      this.#ended?.add(entry, row);
      this.#last[entry] = timeUs;
      this.#held[entry] = 0;
      for (let i = 0, at = entry * this.#fields.length; i < this.#fields.length; i++, at++) {
        this.#numbers[at] = NaN;
        this.#texts[at] = undefined;
      }
    } else if (timeUs > (this.#last[entry] ?? 0)) {
      this.#last[entry] = timeUs;
      table.setDue(entry, timeUs + idleUs);
    }
    const base = entry * this.#fields.length;
    let differs = false;
    for (let i = 0; i < this.#fields.length && !differs; i++) differs = this.#differs(i, base + i, row);
    if (!differs) {
      this.#held[entry] = (this.#held[entry] ?? 0) + (batch.n[row] ?? 0);
      return false;
    }
    for (let i = 0; i < this.#fields.length; i++) this.#remember(i, base + i, row);
    this.held = this.#held[entry] ?? 0;
    this.#held[entry] = 0;
    return true;
  }

  nextDue(): number {
    return this.#table.nextDue();
  }

  /** Forgets keys that were not seen for a day of stream time. */
  expire(streamUs: number): void {
    while (this.#table.nextDue() <= streamUs) this.#removeNext();
  }

  /** What the rows name has ended: its keys go, but for those that a later record has touched (semantics 9). */
  forget(batch: Batch): void {
    const ended = this.#ended;
    if (ended === undefined) return;
    ended.bind(batch);
    for (let row = 0; row < batch.length; row++)
      for (const entry of ended.of(row, (each) => this.#table.values(each)))
        if ((this.#last[entry] ?? 0) <= (batch.timeUs[row] ?? 0)) {
          ended.remove(entry);
          this.#table.remove(entry);
        }
    ended.release();
  }

  snapshot(): ChangedSnapshot {
    const width = this.#fields.length;
    return {
      keys: this.#table.inOrder().map(({ time, entry }) => ({
        key: this.#table.values(entry),
        atUs: time,
        lastUs: this.#last[entry] ?? 0,
        held: this.#held[entry] ?? 0,
        references: this.#fields.map(({ reader }, i) => {
          const number = this.#numbers[entry * width + i] ?? NaN;
          return reader.shape === 'number' ? (Number.isNaN(number) ? null : number) : (this.#texts[entry * width + i] ?? null);
        }),
      })),
    };
  }

  restore(snapshot: ChangedSnapshot): void {
    for (const { key, atUs, lastUs, held, references } of snapshot.keys) {
      this.#table.keys.loadValues(key);
      const entry = this.#table.add(atUs);
      this.#ended?.addValues(entry, key);
      this.#table.setDue(entry, lastUs + idleUs);
      this.#last[entry] = lastUs;
      this.#held[entry] = held;
      references.forEach((value, i) => {
        this.#numbers[entry * this.#fields.length + i] = typeof value === 'number' ? value : NaN;
        this.#texts[entry * this.#fields.length + i] = typeof value === 'string' ? value : undefined;
      });
    }
  }

  #differs(i: number, at: number, row: number): boolean {
    const field = this.#fields[i];
    if (field === undefined) return false;
    if (field.reader.shape !== 'number') {
      const value = field.reader.text(row);
      return value !== undefined && value !== this.#texts[at];
    }
    const { reader, tolerance } = field;
    const value = reader.values[row] ?? NaN;
    const reference = this.#numbers[at] ?? NaN;
    if (reader.field.type === 'enum') return value >= 0 && value !== reference;
    // Whatever is compared with NaN is false: an unknown value does not pass.
    if (Number.isNaN(reference)) return !Number.isNaN(value);
    return tolerance > 0 && reader.field.type === 'int'
      ? Math.abs(value - reference) >= tolerance
      : !Number.isNaN(value) && value !== reference;
  }

  #remember(i: number, at: number, row: number): void {
    const reader = this.#fields[i]?.reader;
    if (reader === undefined) return;
    if (reader.shape !== 'number') this.#texts[at] = reader.text(row) ?? this.#texts[at];
    else if (!Number.isNaN(reader.number(row))) this.#numbers[at] = reader.number(row);
  }

  #evict(): void {
    this.#removeNext();
    this.#onEvicted();
  }

  #removeNext(): void {
    this.#ended?.remove(this.#table.nextEntry());
    this.#table.removeNext();
  }
}
