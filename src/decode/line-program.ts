import { bytesOf } from '../goals/text.ts';
import type { LinePart, LineValue } from '../goals/script.ts';

/** Instructions of a small machine that reads a line byte by byte (Thompson's construction). */
export const ops = { set: 0, split: 1, save: 2, match: 3 } as const;

export interface LineProgram {
  readonly op: Uint8Array;
  /** set: which set. split: the better way. save: which slot. */
  readonly a: Int32Array;
  /** split: the other way. */
  readonly b: Int32Array;
  /** Sets of bytes, 256 entries each: 1 where the byte belongs to it. */
  readonly sets: readonly Uint8Array[];
  /** The wanted values; value i lies between the slots 2i and 2i + 1. */
  readonly values: readonly (LineValue & { readonly name: string })[];
}

const blank = [0x20, 0x09];

/** The program for a pattern. Its size, and so its work for one byte, is bounded by the pattern's. */
export function lineProgram(parts: readonly LinePart[]): LineProgram {
  const code = new Code();
  const values: (LineValue & { readonly name: string })[] = [];
  if (!(parts[0]?.kind === 'value' && parts[0].type === 'text')) code.blanks(0);
  parts.forEach((part, i) => {
    if (part.kind === 'literal') for (const byte of bytesOf(part.text)) code.one(code.bytes([byte]));
    else if (part.kind === 'blanks') code.blanks(1, isColumn(parts[i + 1]) ? 'few' : 'many');
    else {
      // Numbers come padded: "%6d", "%-6d".
      const padded = isPadded(part);
      if (padded && parts[i - 1]?.kind !== 'blanks') code.blanks(0);
      const { name } = part;
      const slot = name === undefined ? undefined : 2 * (values.push({ ...part, name }) - 1);
      if (slot !== undefined) code.save(slot);
      value(code, part);
      if (slot !== undefined) code.save(slot + 1);
      if (padded && parts[i + 1]?.kind !== 'blanks') code.blanks(0);
    }
  });
  const last = parts.at(-1);
  if (!(last?.kind === 'value' && last.type === 'text')) code.blanks(0);
  return code.finish(values);
}

const isPadded = (part: LinePart | undefined): boolean => part?.kind === 'value' && part.type !== 'text' && part.type !== 'word';

/** Its own blanks belong to a column of fixed width: "%6d %16s" has one before it. */
const isColumn = (part: LinePart | undefined): boolean => part?.kind === 'value' && part.width !== undefined;

function value(code: Code, part: LineValue): void {
  if (part.unknown === undefined) return content(code, part);
  const unknown = part.unknown;
  code.either(
    () => content(code, part),
    () => literal(code, unknown),
  );
}

function content(code: Code, { type, width, longest, values = [] }: LineValue): void {
  const digits = range('0', '9');
  switch (type) {
    case 'text':
      if (longest !== undefined) code.upTo(code.any(), longest);
      else if (width === undefined) code.repeat(code.any(), 0, 'few');
      else for (let i = 0; i < width; i++) code.one(code.any());
      return;
    case 'word':
      code.repeat(code.bytes(blank, true), 1, 'many');
      return;
    case 'int':
      code.maybe(() => code.one(code.bytes([0x2d])));
      code.repeat(code.bytes(digits), 1, 'many');
      return;
    case 'hex':
      code.maybe(() => literal(code, '0x'));
      code.repeat(code.bytes([...digits, ...range('a', 'f'), ...range('A', 'F')]), 1, 'many');
      return;
    case 'address':
      code.repeat(code.bytes([...digits, ...range('a', 'f'), ...range('A', 'F'), 0x2e, 0x3a]), 1, 'many');
      return;
    case 'bool':
      return oneOf(code, Object.keys(boolWords));
    case 'enum':
      return oneOf(code, values);
    default:
      // decimal, time_*
      code.maybe(() => code.one(code.bytes([0x2d])));
      code.repeat(code.bytes(digits), 1, 'many');
      code.maybe(() => {
        code.one(code.bytes([0x2e]));
        code.repeat(code.bytes(digits), 1, 'many');
      });
  }
}

export const boolWords: Readonly<Record<string, 0 | 1>> = { true: 1, false: 0, yes: 1, no: 0, 1: 1, 0: 0 };

const literal = (code: Code, text: string) => bytesOf(text).forEach((byte) => code.one(code.bytes([byte])));
const range = (from: string, to: string): number[] =>
  Array.from({ length: to.charCodeAt(0) - from.charCodeAt(0) + 1 }, (_, i) => from.charCodeAt(0) + i);

function oneOf(code: Code, words: readonly string[]): void {
  const [first = '', ...rest] = words;
  if (rest.length === 0) return literal(code, first);
  code.either(
    () => literal(code, first),
    () => oneOf(code, rest),
  );
}

class Code {
  readonly #op: number[] = [];
  readonly #a: number[] = [];
  readonly #b: number[] = [];
  readonly #sets: Uint8Array[] = [];
  readonly #known = new Map<string, number>();

  /** The index of a set; `not`: of all bytes but these. */
  bytes(members: readonly number[], not = false): number {
    const key = `${not ? '^' : ''}${members.join(' ')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const set = new Uint8Array(256).fill(not ? 1 : 0);
    for (const byte of members) set[byte] = not ? 0 : 1;
    this.#known.set(key, this.#sets.length);
    return this.#sets.push(set) - 1;
  }

  any = (): number => this.bytes([], true);

  one(set: number): void {
    this.#emit(ops.set, set);
  }

  save(slot: number): void {
    this.#emit(ops.save, slot);
  }

  /** `prefer`: as many as fit before fewer are tried, or the other way round. */
  repeat(set: number, least: 0 | 1, prefer: 'many' | 'few'): void {
    if (least === 1) this.one(set);
    const split = this.#emit(ops.split);
    this.one(set);
    const back = this.#emit(ops.split, split, split);
    const [into, past] = [split + 1, back + 1];
    this.#a[split] = prefer === 'many' ? into : past;
    this.#b[split] = prefer === 'many' ? past : into;
  }

  blanks(least: 0 | 1, prefer: 'many' | 'few' = 'many'): void {
    this.repeat(this.bytes(blank), least, prefer);
  }

  /** As few as fit, at most so many. */
  upTo(set: number, most: number): void {
    const splits = Array.from({ length: most }, () => {
      const split = this.#emit(ops.split);
      this.one(set);
      return split;
    });
    for (const split of splits) {
      this.#a[split] = this.#op.length;
      this.#b[split] = split + 1;
    }
  }

  maybe(what: () => void): void {
    const split = this.#emit(ops.split);
    what();
    this.#a[split] = split + 1;
    this.#b[split] = this.#op.length;
  }

  either(better: () => void, other: () => void): void {
    const split = this.#emit(ops.split);
    better();
    const over = this.#emit(ops.split);
    this.#a[split] = split + 1;
    this.#b[split] = this.#op.length;
    other();
    this.#a[over] = this.#b[over] = this.#op.length;
  }

  finish(values: LineProgram['values']): LineProgram {
    this.#emit(ops.match);
    return { op: Uint8Array.from(this.#op), a: Int32Array.from(this.#a), b: Int32Array.from(this.#b), sets: this.#sets, values };
  }

  #emit(op: number, a = 0, b = 0): number {
    this.#a.push(a);
    this.#b.push(b);
    return this.#op.push(op) - 1;
  }
}
