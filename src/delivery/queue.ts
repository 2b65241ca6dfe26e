import { notificationId } from '../alerts/ids.ts';
import type { Item } from '../alerts/item.ts';
import type { Problem } from '../problem/problem.ts';
import type { Notification, SendResult } from './sink.ts';

/** An item that was refused for good or given up, and why. */
export interface DeadLetter {
  readonly item: Item;
  readonly problem: Problem;
}

export interface Settled {
  readonly sent: readonly Item[];
  readonly rejected: readonly DeadLetter[];
}

/**
 * The queue before one sink; in memory, or on disk. Calls are in order and return when the change is kept.
 *
 * The head is the notification to be sent now. Its boundaries are fixed when it is cut: `head` answers the very same
 * until an item of it was sent, rejected or given up; an answer of `retry` for all leaves it as it is. What then remains
 * is a notification of its own. Nothing is dropped out of the head.
 */
export interface Queue {
  /** Items that wait, those of the head included. */
  readonly size: number;
  /**
   * At the end; with `digest` as one notification of its own, whatever its size. Answers what had to be dropped to make
   * room, oldest first.
   */
  append(items: readonly Item[], digest?: { readonly heldBack?: Notification['heldBack'] }): readonly Item[];
  head(maxItems: number): Notification | undefined;
  /** One answer for each item of the head, in order. */
  settle(results: readonly SendResult[]): Settled;
  /** Makes the whole head dead letters. */
  giveUp(problem: Problem): readonly DeadLetter[];
  /** All that waits, in order. */
  waiting(): readonly Item[];
  /** The latest dead letters, oldest first. */
  deadLetters(): readonly DeadLetter[];
}

interface Unit {
  readonly items: readonly Item[];
  readonly digest?: { readonly heldBack?: Notification['heldBack'] };
}

const deadLettersKept = 1000;

/** A queue that dies with the process. Holds at most `maxItems` behind the head and drops the oldest of them. */
export class MemoryQueue implements Queue {
  readonly #sink: string;
  readonly #maxItems: number;
  #units: Unit[] = [];
  /** Index of the first unit that is still there; what is before it was taken. */
  #first = 0;
  #behind = 0;
  #head: Notification | undefined;
  #dead: DeadLetter[] = [];

  constructor(sink: string, maxItems: number) {
    this.#sink = sink;
    this.#maxItems = maxItems;
  }

  get size(): number {
    return this.#behind + (this.#head?.items.length ?? 0);
  }

  append(items: readonly Item[], digest?: Unit['digest']): readonly Item[] {
    if (digest !== undefined) {
      if (items.length > 0) this.#units.push({ items, digest });
    } else {
      for (const item of items) this.#units.push({ items: [item] });
    }
    this.#behind += items.length;
    const dropped: Item[] = [];
    // The last unit stays even where it alone is too large: a digest is bounded where it is collected.
    while (this.#behind > this.#maxItems && this.#first < this.#units.length - 1) dropped.push(...this.#shift().items);
    return dropped;
  }

  head(maxItems: number): Notification | undefined {
    if (this.#head !== undefined) return this.#head;
    const next = this.#units[this.#first];
    if (next === undefined) return undefined;
    if (next.digest !== undefined) {
      const { items, digest } = this.#shift();
      return (this.#head = this.#notification(items, digest?.heldBack));
    }
    const items: Item[] = [];
    for (
      let unit = this.#units[this.#first];
      unit !== undefined && unit.digest === undefined && items.length < maxItems;
      unit = this.#units[this.#first]
    )
      items.push(...this.#shift().items);
    return (this.#head = this.#notification(items));
  }

  settle(results: readonly SendResult[]): Settled {
    const head = this.#head;
    const sent: Item[] = [];
    const rejected: DeadLetter[] = [];
    const left: Item[] = [];
    for (const [at, item] of (head?.items ?? []).entries()) {
      const result = results[at];
      if (result?.outcome === 'sent') sent.push(item);
      else if (result?.outcome === 'reject') rejected.push({ item, problem: result.problem });
      else left.push(item);
    }
    this.#bury(rejected);
    if (left.length === 0) this.#head = undefined;
    else if (head !== undefined && left.length < head.items.length) this.#head = this.#notification(left, head.heldBack);
    return { sent, rejected };
  }

  giveUp(problem: Problem): readonly DeadLetter[] {
    const letters = (this.#head?.items ?? []).map((item) => ({ item, problem }));
    this.#bury(letters);
    this.#head = undefined;
    return letters;
  }

  waiting(): readonly Item[] {
    return [...(this.#head?.items ?? []), ...this.#units.slice(this.#first).flatMap((unit) => unit.items)];
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#dead;
  }

  #bury(letters: readonly DeadLetter[]): void {
    if (letters.length > 0) this.#dead = [...this.#dead, ...letters].slice(-deadLettersKept);
  }

  #shift(): Unit {
    const unit = this.#units[this.#first++] ?? { items: [] };
    this.#behind -= unit.items.length;
    if (this.#first > 1024 && this.#first * 2 > this.#units.length) {
      this.#units = this.#units.slice(this.#first);
      this.#first = 0;
    }
    return unit;
  }

  #notification(items: readonly Item[], heldBack?: Notification['heldBack']): Notification {
    const id = notificationId(
      this.#sink,
      items.map((item) => item.id),
    );
    return { id, sink: this.#sink, items, ...(heldBack === undefined ? {} : { heldBack }) };
  }
}
