import { parseAddress } from '../goals/address.ts';
import type { Goal } from '../goals/goal.ts';
import { timeUnitUs } from '../goals/pattern-types.ts';
import type { LineValue } from '../goals/script.ts';
import type { ColumnWriter } from './columns.ts';
import type { LineMatcher } from './line-matcher.ts';
import { boolWords } from './line-program.ts';

/** Puts the values of a script's line into the columns of its goal. Every `from` answers the time in the line, NaN where it has none; undefined where a value does not fit. */
export class LineValues {
  readonly #index: ReadonlyMap<string, number>;
  readonly #goal: Goal;

  constructor(goal: Goal) {
    this.#goal = goal;
    this.#index = new Map(goal.fields.map(({ name }, i) => [name, i]));
  }

  /** The line that `matcher` fitted last. */
  fromLine(bytes: Uint8Array, { values, slots }: LineMatcher, columns: readonly ColumnWriter[]): number | undefined {
    let timeUs = NaN;
    let put = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value === undefined) return undefined;
      const [from, to] = trimmed(bytes, slots[2 * i] ?? 0, slots[2 * i + 1] ?? 0, value);
      const unit = timeUnitUs(value.type);
      if (unit !== undefined) timeUs = microseconds(ascii(bytes, from, to), unit);
      else {
        const column = columns[this.#index.get(value.name) ?? -1];
        if (column === undefined || !putBytes(column, value, bytes, from, to)) return undefined;
        put++;
      }
    }
    if (put < columns.length) {
      const there = new Set(values.map(({ name }) => name));
      for (const column of columns) if (!there.has(column.field.name) && !column.putUnknown()) return undefined;
    }
    return this.#timed(timeUs);
  }

  /** A JSON object's wanted keys. What is not there, or null, is unknown. */
  fromJson(line: unknown, columns: readonly ColumnWriter[]): number | undefined {
    const lines = this.#goal.script?.lines;
    if (typeof line !== 'object' || line === null || Array.isArray(line) || lines?.form !== 'json') return undefined;
    let timeUs = NaN;
    for (const value of lines.values) {
      const given = Object.hasOwn(line, value.name) ? (line as Record<string, unknown>)[value.name] : null;
      const unit = timeUnitUs(value.type);
      if (unit !== undefined) timeUs = typeof given === 'number' || typeof given === 'string' ? microseconds(String(given), unit) : NaN;
      else {
        const column = columns[this.#index.get(value.name) ?? -1];
        if (column === undefined || !putJsonValue(column, value, given)) return undefined;
      }
    }
    return this.#timed(timeUs);
  }

  /** A record that should have a time and has none is no record. */
  #timed(timeUs: number): number | undefined {
    return this.#goal.script?.clock === 'none' || Number.isFinite(timeUs) ? timeUs : undefined;
  }
}

function putBytes(column: ColumnWriter, value: LineValue, bytes: Uint8Array, from: number, to: number): boolean {
  if (value.unknown !== undefined && ascii(bytes, from, to) === value.unknown) return column.putUnknown();
  if (value.type === 'text' || value.type === 'word') return column.putBytes(bytes, from, to);
  return putText(column, value, ascii(bytes, from, to));
}

function putText(column: ColumnWriter, { type, times }: LineValue, text: string): boolean {
  switch (type) {
    case 'int':
      return column.putNumber(Number(text) + 0);
    case 'hex':
      return column.putNumber(parseInt(text, 16));
    case 'decimal':
      return column.putNumber(Math.round(Number(text) * times) + 0);
    case 'bool': {
      const value = Object.hasOwn(boolWords, text) ? boolWords[text] : undefined;
      return value !== undefined && column.putNumber(value);
    }
    case 'address':
      return parseAddress(text) !== undefined && column.putText(text);
    default:
      return column.putText(text);
  }
}

function putJsonValue(column: ColumnWriter, value: LineValue, given: unknown): boolean {
  if (given === null) return column.putUnknown();
  if ((typeof given === 'string' || typeof given === 'number') && String(given) === value.unknown) return column.putUnknown();
  switch (typeof given) {
    case 'number':
      if (value.type === 'decimal') return column.putNumber(Math.round(given * value.times) + 0);
      return value.type === 'int' && column.putNumber(given + 0);
    case 'boolean':
      return value.type === 'bool' && column.putNumber(given ? 1 : 0);
    case 'string': {
      if (value.type === 'text' || (value.type === 'word' && !/[ \t]/.test(given))) return column.putText(given);
      if (value.type === 'enum' || value.type === 'address') return putText(column, value, given);
      return value.type === 'hex' && /^(0x)?[0-9a-f]+$/i.test(given) && putText(column, value, given);
    }
    default:
      return false;
  }
}

/** Blanks at the ends of a column of fixed width are padding. */
function trimmed(bytes: Uint8Array, from: number, to: number, { width }: LineValue): readonly [number, number] {
  if (width === undefined) return [from, to];
  while (from < to && bytes[from] === 0x20) from++;
  while (to > from && bytes[to - 1] === 0x20) to--;
  return [from, to];
}

/** Digits, seconds with a fraction among them, as microseconds; 19 digits of nanoseconds keep their microsecond. */
function microseconds(text: string, unitUs: number): number {
  if (!/^\d{1,20}(\.\d+)?$/.test(text)) return NaN;
  return unitUs < 1 && !text.includes('.') ? Number(BigInt(text) / 1000n) : Number(text) * unitUs;
}

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
