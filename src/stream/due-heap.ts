import { grown } from '../decode/column-stores.ts';

/** Entries by the time at which something is due; equal times in the order in which they were put in. Packed. */
export class DueHeap {
  #times = new Float64Array(64);
  #orders = new Float64Array(64);
  #entries = new Int32Array(64);
  /** By entry: where it stands. */
  #places = new Int32Array(64);
  #length = 0;
  #next = 0;

  get length(): number {
    return this.#length;
  }

  /** Infinity when empty. */
  get time(): number {
    return this.#length === 0 ? Infinity : (this.#times[0] ?? Infinity);
  }

  get entry(): number {
    return this.#length === 0 ? -1 : (this.#entries[0] ?? -1);
  }

  push(time: number, entry: number): void {
    if (this.#length === this.#times.length) this.#grow();
    if (entry >= this.#places.length) this.#places = grown(this.#places, new Int32Array(Math.max(entry + 1, this.#places.length * 2)));
    this.#up(this.#length++, time, this.#next++, entry);
  }

  /** Moves an entry that is in the heap to an earlier time, if `time` is earlier. */
  sooner(time: number, entry: number): void {
    const at = this.#places[entry] ?? 0;
    if (time < (this.#times[at] ?? 0)) this.#up(at, time, this.#next++, entry);
  }

  /** Moves the first entry to a later time. */
  later(time: number): void {
    if (this.#length > 0) this.#down(time, this.#next++, this.entry);
  }

  pop(): void {
    if (this.#length === 0) return;
    const last = --this.#length;
    if (last > 0) this.#down(this.#times[last] ?? 0, this.#orders[last] ?? 0, this.#entries[last] ?? 0);
  }

  /** Everything in it, in order. */
  inOrder(): { readonly time: number; readonly entry: number }[] {
    const all = Array.from({ length: this.#length }, (_, i) => ({
      time: this.#times[i] ?? 0,
      order: this.#orders[i] ?? 0,
      entry: this.#entries[i] ?? 0,
    }));
    return all.sort((a, b) => a.time - b.time || a.order - b.order);
  }

  #grow(): void {
    const size = this.#times.length * 2;
    this.#times = grown(this.#times, new Float64Array(size));
    this.#orders = grown(this.#orders, new Float64Array(size));
    this.#entries = grown(this.#entries, new Int32Array(size));
  }

  #up(at: number, time: number, order: number, entry: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#after(parent, time, order)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, time, order, entry);
  }

  #down(time: number, order: number, entry: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#length) break;
      if (child + 1 < this.#length && this.#after(child, this.#times[child + 1] ?? 0, this.#orders[child + 1] ?? 0)) child++;
      if (this.#after(child, time, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, time, order, entry);
  }

  /** Whether what stands at `at` comes after (time, order). */
  #after(at: number, time: number, order: number): boolean {
    const other = this.#times[at] ?? 0;
    return other > time || (other === time && (this.#orders[at] ?? 0) > order);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from] ?? 0, this.#orders[from] ?? 0, this.#entries[from] ?? 0);
  }

  #set(at: number, time: number, order: number, entry: number): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#entries[at] = entry;
    this.#places[entry] = at;
  }
}
