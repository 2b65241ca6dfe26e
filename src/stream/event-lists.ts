import { grown } from '../decode/column-stores.ts';

/**
 * Many short lists of (time, n) in one set of typed arrays: the events that a sliding window may still count. Node 0 is nil.
 */
export class EventLists {
  #times = new Float64Array(256);
  #counts = new Float64Array(256);
  #next = new Int32Array(256);
  #free = 0;
  #used = 1;

  timeOf(node: number): number {
    return this.#times[node] ?? 0;
  }

  countOf(node: number): number {
    return this.#counts[node] ?? 0;
  }

  after(node: number): number {
    return this.#next[node] ?? 0;
  }

  add(node: number, count: number): void {
    this.#counts[node] = this.countOf(node) + count;
  }

  /** A new node behind `tail` (0: the first of its list). */
  append(tail: number, timeUs: number, count: number): number {
    let node = this.#free;
    if (node > 0) this.#free = this.after(node);
    else if ((node = this.#used++) === this.#times.length) this.#grow();
    this.#times[node] = timeUs;
    this.#counts[node] = count;
    this.#next[node] = 0;
    if (tail > 0) this.#next[tail] = node;
    return node;
  }

  /** Frees the first node of a list and answers the second. */
  drop(head: number): number {
    const second = this.after(head);
    this.#next[head] = this.#free;
    this.#free = head;
    return second;
  }

  #grow(): void {
    const size = this.#times.length * 2;
    this.#times = grown(this.#times, new Float64Array(size));
    this.#counts = grown(this.#counts, new Float64Array(size));
    this.#next = grown(this.#next, new Int32Array(size));
  }
}
