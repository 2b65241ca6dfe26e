import { grown } from '../decode/column-stores.ts';
import { DueHeap } from './due-heap.ts';
import type { KeyReader, KeyValue } from './key.ts';
import type { Key } from './output.ts';

/**
 * Entries by key, packed: open addressing over the keyed hash, the full key compared. Each entry has a time at which
 * something is due; an operator keeps its own columns beside, by entry, and lets them grow in `onGrow`.
 */
export class KeyTable {
  readonly keys: KeyReader;
  readonly maxKeys: number;
  #due = new Float64Array();
  /** Hash and key of each entry side by side: one cache line answers a look-up. */
  #words = new Int32Array();
  readonly #stride: number;
  #texts: (string | undefined)[] = [];
  /** Entry + 1, 0 is free. */
  #slots = new Int32Array(128);
  #free: number[] = [];
  #used = 0;
  #capacity = 0;
  readonly #heap = new DueHeap();
  readonly #onGrow: (capacity: number) => void;

  constructor(keys: KeyReader, maxKeys: number, onGrow: (capacity: number) => void) {
    this.keys = keys;
    this.#stride = keys.size + 1;
    this.maxKeys = maxKeys;
    this.#onGrow = onGrow;
    this.#grow(64);
  }

  get size(): number {
    return this.#used - this.#free.length;
  }

  get full(): boolean {
    return this.size >= this.maxKeys;
  }

  /** The entry of the key under the reader, -1 where there is none. */
  find(): number {
    const { hash } = this.keys;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return -1;
      if (this.#words[entry * this.#stride] === hash && this.#same(entry)) return entry;
    }
  }

  /** A new entry for the key under the reader, which must not have one. The caller makes room first where it is `full`. */
  add(dueUs: number): number {
    const entry = this.#free.pop() ?? this.#used++;
    if (entry >= this.#capacity) this.#grow(this.#capacity * 2);
    const { keys } = this;
    this.#due[entry] = dueUs;
    this.#words[entry * this.#stride] = keys.hash;
    this.#words.set(keys.words, entry * this.#stride + 1);
    const textSize = keys.texts.length;
    for (let i = 0; i < textSize; i++) this.#texts[entry * textSize + i] = keys.texts[i];
    this.#insert(entry);
    this.#heap.push(dueUs, entry);
    return entry;
  }

  dueOf(entry: number): number {
    return this.#due[entry] ?? Infinity;
  }

  /** Moves what is due of an entry. To later costs nothing: the heap learns of it when the old time comes. */
  setDue(entry: number, dueUs: number): void {
    if (dueUs < this.dueOf(entry)) this.#heap.sooner(dueUs, entry);
    this.#due[entry] = dueUs;
  }

  /** When the next entry is due, Infinity where none is. */
  nextDue(): number {
    for (;;) {
      const time = this.#heap.time;
      const entry = this.#heap.entry;
      if (entry < 0) return Infinity;
      const due = this.dueOf(entry);
      if (due <= time) return due;
      this.#heap.later(due);
    }
  }

  /** The entry that is due next: it must then be moved to later (`setDue`) or be taken out with `removeNext`. */
  nextEntry(): number {
    this.nextDue();
    return this.#heap.entry;
  }

  removeNext(): void {
    const entry = this.nextEntry();
    if (entry < 0) return;
    this.#heap.pop();
    const mask = this.#slots.length - 1;
    let slot = this.#hashOf(entry) & mask;
    while (this.#slots[slot] !== entry + 1) slot = (slot + 1) & mask;
    this.#closeGap(slot, mask);
    const textSize = this.keys.texts.length;
    for (let i = 0; i < textSize; i++) this.#texts[entry * textSize + i] = undefined;
    this.#free.push(entry);
  }

  remove(entry: number): void {
    this.setDue(entry, -Infinity);
    this.removeNext();
  }

  values(entry: number): KeyValue[] {
    const { keys } = this;
    return keys.valuesAt(this.#words, entry * this.#stride + 1, this.#texts, entry * keys.texts.length);
  }

  key(entry: number): Key {
    return this.keys.key(this.values(entry));
  }

  /** All entries in the order in which they are due: `add` them in this order to have the same table again. */
  inOrder(): readonly { readonly time: number; readonly entry: number }[] {
    return this.#heap.inOrder();
  }

  #hashOf(entry: number): number {
    return this.#words[entry * this.#stride] ?? 0;
  }

  #same(entry: number): boolean {
    const { words, texts, size } = this.keys;
    for (let i = 0, at = entry * this.#stride + 1; i < size; i++, at++) if (this.#words[at] !== words[i]) return false;
    for (let i = 0, at = entry * texts.length; i < texts.length; i++, at++) if (this.#texts[at] !== texts[i]) return false;
    return true;
  }

  #insert(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashOf(entry) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  /** Linear probing without tombstones: what comes after the gap moves into it where its own way led past it. */
  #closeGap(gap: number, mask: number): void {
    for (let slot = (gap + 1) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashOf((this.#slots[slot] ?? 0) - 1) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#slots[gap] = this.#slots[slot] ?? 0;
      gap = slot;
    }
    this.#slots[gap] = 0;
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    const old = this.#slots;
    this.#due = grown(this.#due, new Float64Array(capacity));
    this.#words = grown(this.#words, new Int32Array(capacity * this.#stride));
    this.#slots = new Int32Array(capacity * 2);
    for (const taken of old) if (taken > 0) this.#insert(taken - 1);
    this.#onGrow(capacity);
  }
}
