import type { Batch, TapRecord } from '../decode/batch.ts';
import { grown } from '../decode/column-stores.ts';
import type { Goal } from '../goals/goal.ts';
import { EventLists } from './event-lists.ts';
import type { KeyReader, KeyValue } from './key.ts';
import { KeyTable } from './key-table.ts';
import { LastRows } from './last-rows.ts';
import type { Condition } from './output.ts';

/** A key counts this many instants beyond its threshold one by one; older ones are then told apart no more. */
const spareInstants = 64;

export interface ThresholdSnapshot {
  readonly keys: readonly {
    readonly key: readonly KeyValue[];
    readonly atUs: number;
    readonly dueUs: number;
    readonly lastUs: number;
    readonly holds: boolean;
    readonly told: boolean;
    readonly counted: number;
    /** Place in the order in which counted records are told; -1 where none wait. */
    readonly waiting: number;
    readonly events: readonly (readonly [timeUs: number, n: number])[];
    readonly records: readonly TapRecord[];
  }[];
}

/**
 * condition(t) of each key: at least `count` events lie in (t - within, t], exact and sliding (semantics 11). Turns are told
 * at once; records that count while nothing turns are told by `flush`.
 */
export class Threshold {
  readonly #count: number;
  readonly #withinUs: number;
  readonly #table: KeyTable;
  /** Records that counted since the last Condition. */
  readonly #rows: LastRows;
  readonly #events = new EventLists();
  readonly #tell: (condition: Condition) => void;
  readonly #onEvicted: () => void;
  #head = new Int32Array();
  #tail = new Int32Array();
  #length = new Int32Array();
  #sum = new Float64Array();
  #last = new Float64Array();
  #holds = new Uint8Array();
  /** Whether a Condition of this entry was ever told. */
  #told = new Uint8Array();
  #waiting: number[] = [];

  constructor(
    goal: Goal,
    threshold: { readonly count: number; readonly withinMs: number },
    keys: KeyReader,
    maxKeys: number,
    tell: (condition: Condition) => void,
    onEvicted: () => void,
  ) {
    this.#count = threshold.count;
    this.#withinUs = threshold.withinMs * 1000;
    this.#rows = new LastRows(goal);
    this.#tell = tell;
    this.#onEvicted = onEvicted;
    this.#table = new KeyTable(keys, maxKeys, (capacity) => {
      this.#head = grown(this.#head, new Int32Array(capacity));
      this.#tail = grown(this.#tail, new Int32Array(capacity));
      this.#length = grown(this.#length, new Int32Array(capacity));
      this.#sum = grown(this.#sum, new Float64Array(capacity));
      this.#last = grown(this.#last, new Float64Array(capacity));
      this.#holds = grown(this.#holds, new Uint8Array(capacity));
      this.#told = grown(this.#told, new Uint8Array(capacity));
      this.#rows.grow(capacity);
    });
  }

  get size(): number {
    return this.#table.size;
  }

  bind(batch: Batch): void {
    this.#rows.bind(batch);
  }

  release(): void {
    this.#rows.release();
  }

  /** A record counts. The key reader stands on the row; what was due before the row's time was expired before. */
  add(batch: Batch, row: number): void {
    const recordUs = batch.timeUs[row] ?? 0;
    let entry = this.#table.find();
    if (entry < 0) {
      if (this.#table.full) this.#evict(recordUs);
      entry = this.#table.add(recordUs + this.#withinUs);
      this.#clear(entry, recordUs);
    }
    const timeUs = Math.max(recordUs, this.#last[entry] ?? 0);
    this.#last[entry] = timeUs;
    // What leaves at this very instant leaves before the record counts, and the condition is looked at once: (t - within, t].
    this.#leave(entry, timeUs);
    this.#append(entry, timeUs, batch.n[row] ?? 0);
    if (this.#rows.put(entry, batch, row) && this.#told[entry] === 1) this.#waiting.push(entry);
    const holds = (this.#sum[entry] ?? 0) >= this.#count;
    if (holds !== (this.#holds[entry] === 1)) {
      this.#holds[entry] = holds ? 1 : 0;
      this.#say(entry, timeUs);
    }
  }

  nextDue(): number {
    return this.#table.nextDue();
  }

  /** Events of the entry that is due next leave its window; a turn is told at `notBeforeUs` or later. */
  expireNext(notBeforeUs: number): void {
    const entry = this.#table.nextEntry();
    const dueUs = this.#table.dueOf(entry);
    this.#leave(entry, dueUs);
    if (this.#holds[entry] === 1 && (this.#sum[entry] ?? 0) < this.#count) {
      this.#holds[entry] = 0;
      this.#say(entry, Math.max(dueUs, notBeforeUs));
    }
    if (this.#head[entry] !== 0) return;
    this.#rows.forget(entry);
    this.#table.removeNext();
  }

  /** Tells of the records that counted without turning anything, for keys that were told of before. */
  flush(): void {
    for (const entry of this.#waiting)
      if (this.#told[entry] === 1 && this.#rows.counted(entry) > 0) this.#say(entry, this.#last[entry] ?? 0);
    this.#waiting = [];
  }

  snapshot(): ThresholdSnapshot {
    const waiting = new Map([...this.#waiting.entries()].reverse().map(([i, entry]) => [entry, i]));
    return {
      keys: this.#table.inOrder().map(({ time, entry }) => {
        const events: [number, number][] = [];
        for (let node = this.#head[entry] ?? 0; node > 0; node = this.#events.after(node))
          events.push([this.#events.timeOf(node), this.#events.countOf(node)]);
        return {
          key: this.#table.values(entry),
          atUs: time,
          dueUs: this.#table.dueOf(entry),
          lastUs: this.#last[entry] ?? 0,
          holds: this.#holds[entry] === 1,
          told: this.#told[entry] === 1,
          counted: this.#rows.counted(entry),
          waiting: waiting.get(entry) ?? -1,
          events,
          records: this.#rows.records(entry),
        };
      }),
    };
  }

  restore(snapshot: ThresholdSnapshot): void {
    const waiting: [number, number][] = [];
    for (const each of snapshot.keys) {
      this.#table.keys.loadValues(each.key);
      const entry = this.#table.add(each.atUs);
      this.#clear(entry, each.lastUs);
      for (const [timeUs, n] of each.events) this.#append(entry, timeUs, n);
      this.#table.setDue(entry, each.dueUs);
      this.#holds[entry] = each.holds ? 1 : 0;
      this.#told[entry] = each.told ? 1 : 0;
      this.#rows.restore(entry, each.counted, each.records);
      if (each.waiting >= 0) waiting.push([each.waiting, entry]);
    }
    this.#waiting = waiting.sort(([a], [b]) => a - b).map(([, entry]) => entry);
  }

  #clear(entry: number, timeUs: number): void {
    this.#head[entry] = this.#tail[entry] = this.#length[entry] = 0;
    this.#sum[entry] = this.#holds[entry] = this.#told[entry] = 0;
    this.#last[entry] = timeUs;
  }

  #append(entry: number, timeUs: number, n: number): void {
    const tail = this.#tail[entry] ?? 0;
    this.#sum[entry] = (this.#sum[entry] ?? 0) + n;
    if (tail > 0 && this.#events.timeOf(tail) === timeUs) {
      this.#events.add(tail, n);
      return;
    }
    const node = this.#events.append(tail, timeUs, n);
    this.#tail[entry] = node;
    if (tail === 0) this.#head[entry] = node;
    this.#length[entry] = (this.#length[entry] ?? 0) + 1;
    // The newest `count` instants decide alone whether the condition holds; the oldest two may therefore leave together.
    if ((this.#length[entry] ?? 0) > this.#count + spareInstants) {
      const head = this.#head[entry] ?? 0;
      this.#events.add(this.#events.after(head), this.#events.countOf(head));
      this.#dropHead(entry);
    }
    this.#table.setDue(entry, this.#events.timeOf(this.#head[entry] ?? 0) + this.#withinUs);
  }

  #leave(entry: number, timeUs: number): void {
    for (
      let head = this.#head[entry] ?? 0;
      head > 0 && this.#events.timeOf(head) + this.#withinUs <= timeUs;
      head = this.#head[entry] ?? 0
    ) {
      this.#sum[entry] = (this.#sum[entry] ?? 0) - this.#events.countOf(head);
      this.#dropHead(entry);
    }
    const head = this.#head[entry] ?? 0;
    if (head > 0) this.#table.setDue(entry, this.#events.timeOf(head) + this.#withinUs);
  }

  #dropHead(entry: number): void {
    const head = this.#events.drop(this.#head[entry] ?? 0);
    this.#head[entry] = head;
    if (head === 0) this.#tail[entry] = 0;
    this.#length[entry] = (this.#length[entry] ?? 0) - 1;
  }

  #say(entry: number, timeUs: number): void {
    const condition: Condition = {
      key: this.#table.key(entry),
      holds: this.#holds[entry] === 1,
      timeUs,
      count: this.#sum[entry] ?? 0,
      records: this.#rows.records(entry),
      counted: this.#rows.counted(entry),
    };
    this.#told[entry] = 1;
    this.#rows.forget(entry);
    this.#tell(condition);
  }

  /** The key whose oldest event is the oldest of all makes room; a condition that held is told to hold no more. */
  #evict(timeUs: number): void {
    const entry = this.#table.nextEntry();
    while (this.#head[entry] !== 0) this.#dropHead(entry);
    this.#sum[entry] = 0;
    if (this.#holds[entry] === 1) {
      this.#holds[entry] = 0;
      this.#say(entry, Math.max(timeUs, this.#last[entry] ?? 0));
    }
    this.#rows.forget(entry);
    this.#table.removeNext();
    this.#onEvicted();
  }
}
