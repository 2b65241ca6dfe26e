import type { Goal, Interval } from '../../goals/goal.ts';
import type { RowWriter } from '../columns.ts';
import type { LineVisitor } from '../lines.ts';
import { isDisk, type Disks } from './bpftrace-disks.ts';
import { bytesOfWords, isCount } from './rows.ts';

type Entries = Readonly<Record<string, unknown>>;

/**
 * Interval goals on bpftrace: each interval the maps of its side are printed between `["i:GOAL",ns,tick]` and `["j:GOAL",ns]`:
 * `keys` has one entry for each key, the others the value of theirs. Key text is what bpftrace joins by commas, a text last; an
 * address is its four words, a disk its number; -1, or an empty text, is an unknown value of a field that may be unknown.
 * What was printed cannot be numbered in the kernel, so the rows are numbered here, and an interval that does not come,
 * or not whole, leaves a hole of one number for each row that is known to be missing, at least one. bpftrace reads and empties
 * a map when it comes to it; where it is so late that the next interval but one was added to the same side meanwhile (the
 * map `tick` says so), sums of keys that are whole are told, and a hole is left for what was emptied unread.
 */
export class Intervals {
  readonly #interval: Interval;
  readonly #fields: Goal['fields'];
  readonly #prefix: string;
  readonly #disks: Disks;
  #maps = new Map<string, Entries>();
  /** Last number given to a row, or left out for one that is missing. */
  #seq = 0;
  #tick = 0;
  /** The kernel's own count when the maps of `#tick` had been told and emptied. */
  #tickNow = 0;
  #tickNs = NaN;
  #sinceNs = NaN;
  #lost = 0;
  #lostBefore = 0;

  /** `prefix`: what the names of the goal's maps begin with (generate/bpftrace.ts: mapPrefix). */
  constructor(goal: Goal, interval: Interval, prefix: string, disks: Disks) {
    this.#interval = interval;
    this.#fields = goal.fields;
    this.#disks = disks;
    this.#prefix = `@${prefix}_iv_`;
  }

  get emitted(): readonly (readonly [number, number])[] {
    return this.#seq === 0 ? [] : [[0, this.#seq]];
  }

  /** bpftrace says that it lost so many lines since it began. */
  lostLines(lost: number): void {
    this.#lost = lost;
  }

  /** The probes were attached then, at the latest: the first interval begins. */
  began(ns: number): void {
    if (Number.isNaN(this.#sinceNs)) this.#sinceNs = ns;
  }

  /** True where the map is one of an interval's. */
  map(name: string, value: unknown): boolean {
    if (!name.startsWith(this.#prefix)) return false;
    const field = name.slice(this.#prefix.length).replace(/_[01]$/, '');
    if (field === 'tick') this.#tickNow = isCount(value) ? value : this.#tickNow;
    else if (typeof value === 'object' && value !== null) this.#maps.set(field, { ...this.#maps.get(field), ...(value as Entries) });
    return true;
  }

  begin(ns: number, tick: number): void {
    this.#seq += Math.max(0, tick - this.#tick - 1);
    this.#tick = tick;
    this.#tickNow = tick;
    this.#tickNs = ns;
    this.#maps.clear();
  }

  /** The maps that were told since `begin`, or with the goodbye, become rows. */
  end(row: RowWriter, visitor: LineVisitor, endNs = this.#tickNs): void {
    const keys = Object.keys(this.#maps.get('keys') ?? {});
    const always = Object.entries(this.#interval.values).flatMap(([name, how]) => (how === 'last' ? [] : [name]));
    const whole = keys.filter((key) => always.every((name) => this.#maps.get(name)?.[key] !== undefined));
    const missed = this.#lost > this.#lostBefore && whole.length < Math.max(1, keys.length);
    const late = this.#tickNow > this.#tick;
    const told = missed ? [] : late ? whole : keys;
    for (const key of told) this.#row(key, row, visitor, endNs);
    if (missed || late) this.#seq += Math.max(1, keys.length - told.length);
    this.#lostBefore = this.#lost;
    this.#sinceNs = endNs;
    this.#maps.clear();
  }

  /** The parts of a key: four for an address, one for each other field. */
  #split(text: string): string[][] | undefined {
    const widths = this.#interval.key.map((name) => (this.#fields.find((field) => field.name === name)?.type === 'address' ? 4 : 1));
    const parts = cut(text, widths.reduce((sum, width) => sum + width, 0) - 1);
    return parts && widths.map((width) => parts.splice(0, width));
  }

  #row(text: string, row: RowWriter, visitor: LineVisitor, endNs: number): void {
    const { key, values } = this.#interval;
    const parts = this.#split(text);
    const fits =
      parts !== undefined &&
      row.columns.every((column, i) => {
        const name = this.#fields[i]?.name ?? '';
        if (name === 'interval_ms') return column.putNumber(Math.max(0, Math.round((endNs - this.#sinceNs) / 1e6) || 0));
        if (name in values) {
          const value = this.#maps.get(name)?.[text];
          // A function of the kernel, with how far into it.
          if (typeof value === 'string' && values[name] === 'last') return column.putText(value.replace(/\+\d+$/, ''));
          return typeof value === 'number' ? column.putNumber(value) : column.field.optional && column.putUnknown();
        }
        const [part = '', ...words] = parts[key.indexOf(name)] ?? [];
        if (column.field.optional && (part === '-1' || part === '')) return column.putUnknown();
        if (isDisk(column.field)) return column.putText(this.#disks.name(Number(part)));
        if (column.field.type === 'address') return column.putAddress(bytesOfWords([part, ...words].map(Number)), 0);
        return column.field.type === 'text' ? column.putText(part) : column.putNumber(Number(part));
      });
    const seq = ++this.#seq;
    if (fits) visitor.record(0, seq, endNs / 1000, NaN, 1);
    else visitor.broken(Buffer.from(text), 0, seq);
  }
}

/** The first `count` parts of "12,0,a,b" and the rest: for two, 12, 0 and "a,b". Undefined where there are fewer. */
function cut(text: string, count: number): string[] | undefined {
  const parts: string[] = [];
  let from = 0;
  while (parts.length < count) {
    const comma = text.indexOf(',', from);
    if (comma < 0) return undefined;
    parts.push(text.slice(from, comma));
    from = comma + 1;
  }
  return [...parts, text.slice(from)];
}

/** Of `["i:GOAL",ns,tick]`: whether both are what they should be. */
export const isTick = (ns: unknown, tick: unknown): tick is number => typeof ns === 'number' && isCount(tick);
