import type { Item } from '../alerts/item.ts';
import type { Notification } from './sink.ts';

/** Milliseconds. */
export interface DigestSettings {
  /** How long the first of a group waits for company. */
  readonly groupWaitMs: number;
  /** At most one notification in this time. */
  readonly digestMs: number;
}

interface Waiting {
  readonly item: Item;
  readonly number: number;
}

/**
 * Collects what goes to one sink (semantics 27): all of it is one group. The first notification leaves `groupWaitMs`
 * after its first item, later ones at least `digestMs` after the last. A digest of one is a normal notification; every
 * item is in exactly one. Holds at most `maxItems`: records make room before alerts do, the oldest first.
 */
export class Digest {
  readonly #settings: DigestSettings;
  readonly #maxItems: number;
  #alerts: Waiting[] = [];
  #others: Waiting[] = [];
  #number = 0;
  #firstMs: number | undefined;
  #leftMs = -Infinity;

  constructor(settings: DigestSettings, maxItems: number) {
    this.#settings = settings;
    this.#maxItems = maxItems;
  }

  get size(): number {
    return this.#alerts.length + this.#others.length;
  }

  /** Answers what had to be dropped to make room. */
  add(items: readonly Item[], nowMs: number): readonly Item[] {
    if (items.length > 0) this.#firstMs ??= nowMs;
    for (const item of items) (item.kind === 'alert' ? this.#alerts : this.#others).push({ item, number: this.#number++ });
    const excess = Math.max(0, this.size - this.#maxItems);
    const others = this.#others.splice(0, excess);
    const alerts = this.#alerts.splice(0, excess - others.length);
    return [...others, ...alerts].map((waiting) => waiting.item);
  }

  /** When the next notification leaves; undefined while nothing waits. */
  get dueMs(): number | undefined {
    if (this.#firstMs === undefined) return undefined;
    return Math.max(this.#firstMs + this.#settings.groupWaitMs, this.#leftMs + this.#settings.digestMs);
  }

  /** All that waits, as one notification. */
  take(nowMs: number): { readonly items: readonly Item[]; readonly heldBack?: NonNullable<Notification['heldBack']> } | undefined {
    const fromMs = this.#firstMs;
    if (fromMs === undefined) return undefined;
    const items = [...this.#alerts, ...this.#others].sort((a, b) => a.number - b.number).map((waiting) => waiting.item);
    this.#alerts = [];
    this.#others = [];
    this.#firstMs = undefined;
    this.#leftMs = nowMs;
    if (items.length <= 1) return { items };
    return { items, heldBack: { digestOf: items.length, windowFromUs: fromMs * 1000, windowToUs: nowMs * 1000 } };
  }

  waiting(): readonly Item[] {
    return [...this.#alerts, ...this.#others].sort((a, b) => a.number - b.number).map((waiting) => waiting.item);
  }
}
