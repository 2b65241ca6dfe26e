import type { Batch } from '../decode/batch.ts';
import { formatAddress, parseAddress } from '../goals/address.ts';
import { fieldOf, type Goal } from '../goals/goal.ts';
import { contains, parseNetwork } from '../goals/network.ts';
import type { Expression } from '../rules/where.ts';
import { FieldReader } from './field.ts';

/** False, true, or unknown: what CEL would call an error (semantics 2). */
export type Tri = 0 | 1 | 2;
export const unknown = 2;

export type NumberOf = (row: number) => number;
export type TextOf = (row: number) => string | undefined;
export type TriOf = (row: number) => Tri;

/** A part of a condition, compiled. A number is NaN where unknown; an address is text, as RFC 5952 has it. */
export type Compiled =
  | { readonly type: 'int'; readonly at: NumberOf; readonly field?: FieldReader }
  | { readonly type: 'text' | 'address'; readonly at: TextOf; readonly field?: FieldReader }
  | { readonly type: 'bool'; readonly at: TriOf };

/** The fields that a condition reads; bound to one batch after the other. */
export class Fields {
  readonly #goal: Goal;
  readonly #readers = new Map<string, FieldReader>();

  constructor(goal: Goal) {
    this.#goal = goal;
  }

  reader(name: string): FieldReader {
    let reader = this.#readers.get(name);
    if (reader === undefined) this.#readers.set(name, (reader = new FieldReader(this.#goal, name)));
    return reader;
  }

  bind(batch: Batch): void {
    for (const reader of this.#readers.values()) reader.bind(batch);
  }

  release(): void {
    for (const reader of this.#readers.values()) reader.release();
  }

  field(name: string): Compiled {
    const reader = this.reader(name);
    const type = fieldOf(this.#goal, name)?.type;
    if (type === 'bool') return { type: 'bool', at: (row) => triOf(reader.values[row] ?? NaN) };
    if (type === 'int') return { type: 'int', at: (row) => reader.values[row] ?? NaN, field: reader };
    if (type === 'address') return { type: 'address', at: (row) => reader.text(row), field: reader };
    return { type: 'text', at: (row) => reader.text(row), field: reader };
  }
}

export const triOf = (value: number): Tri => (value === 1 ? 1 : value === 0 ? 0 : unknown);
export const triFrom = (value: boolean): Tri => (value ? 1 : 0);

/** Outside +-2^53 a number is unknown (semantics 1, 2). */
const within = (value: number): number => (Number.isSafeInteger(value) ? value + 0 : NaN);

/** CEL's int operators: division truncates, a remainder has the sign of the dividend; by zero and overflow are unknown. */
export function arithmetic(op: '+' | '-' | '*' | '/' | '%', left: NumberOf, right: NumberOf): NumberOf {
  switch (op) {
    case '+':
      return (row) => within(left(row) + right(row));
    case '-':
      return (row) => within(left(row) - right(row));
    case '*':
      return (row) => within(left(row) * right(row));
    case '/':
      return (row) => {
        const by = right(row);
        return by === 0 ? NaN : within(Math.trunc(left(row) / by));
      };
    case '%':
      return (row) => {
        const by = right(row);
        return by === 0 ? NaN : within(left(row) % by);
      };
  }
}

export type Order = '==' | '!=' | '<' | '<=' | '>' | '>=';

export function compareNumbers(op: Order, left: NumberOf, right: NumberOf): TriOf {
  const decide = deciding(op);
  return (row) => {
    const a = left(row);
    const b = right(row);
    return Number.isNaN(a) || Number.isNaN(b) ? unknown : triFrom(decide(a < b ? -1 : a > b ? 1 : 0));
  };
}

export function compareTexts(op: Order, left: TextOf, right: TextOf): TriOf {
  const decide = deciding(op);
  const order = op === '==' || op === '!=' ? (a: string, b: string) => (a === b ? 0 : 1) : byCodePoint;
  return (row) => {
    const a = left(row);
    const b = right(row);
    return a === undefined || b === undefined ? unknown : triFrom(decide(order(a, b)));
  };
}

export function deciding(op: Order): (order: number) => boolean {
  switch (op) {
    case '==':
      return (order) => order === 0;
    case '!=':
      return (order) => order !== 0;
    case '<':
      return (order) => order < 0;
    case '<=':
      return (order) => order <= 0;
    case '>':
      return (order) => order > 0;
    case '>=':
      return (order) => order >= 0;
  }
}

/** CEL orders texts by code points; JavaScript by UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    // Within a pair the low surrogate decides, and it orders as the code point does.
    return (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0) || a.charCodeAt(i) - b.charCodeAt(i);
  }
  return a.length - b.length;
}

/** An address literal in the one form that all texts of addresses here have; undefined where it is none. */
export function canonicalAddress(text: string | undefined): string | undefined {
  const bytes = text === undefined ? undefined : parseAddress(text);
  return bytes && formatAddress(bytes);
}

/** Rows whose field equals one literal, without making text: by 16 bytes, or by the index of an enum's value. */
export function equalsLiteral(field: FieldReader, literal: string): TriOf | undefined {
  if (field.shape === 'address') {
    const bytes = parseAddress(literal);
    if (bytes === undefined) return undefined;
    const [a, b, c, d] = new Int32Array(bytes.slice().buffer);
    return (row) => {
      if (field.known[row] !== 1) return unknown;
      const { words } = field;
      const at = 4 * row;
      return triFrom(words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a);
    };
  }
  if (field.field.type !== 'enum') return undefined;
  const index = (field.field.values ?? []).indexOf(literal);
  return (row) => {
    const value = field.values[row] ?? -1;
    return value < 0 ? unknown : triFrom(value === index);
  };
}

/** Rows whose address lies in a network. */
export function withinNetwork(address: Compiled, written: string): TriOf {
  const network = parseNetwork(written);
  if (network === undefined || address.type !== 'address') throw new TypeError(`"${written}" is no network, or beside no address`);
  const { at, field } = address;
  if (field) return (row) => (field.known[row] === 1 ? triFrom(contains(network, field.bytes, 16 * row)) : unknown);
  return (row) => {
    const bytes = parseAddress(at(row) ?? '');
    return bytes === undefined ? unknown : triFrom(contains(network, bytes));
  };
}

export const literalText = (expression: Expression): string | undefined =>
  expression.op === 'literal' && expression.type === 'text' ? expression.value : undefined;
