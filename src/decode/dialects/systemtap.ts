import type { ColumnWriter, RowWriter } from '../columns.ts';
import { forEachLine, type Beat, type LineDialect, type LineReader, type LineVisitor } from '../lines.ts';

/**
 * The lines of SystemTap modules, as scripts-stp/lib/record.stp writes them: fields divided by tabs, `\N` unknown, texts with
 * `\t`, `\n`, `\\` and `\xNN`, addresses as 32 hex digits, enums by index. One lane: the module numbers all its records.
 */
export const systemtapLines: LineDialect = { name: 'systemtap', reader: () => readLines };

const [tab, minus, backslash] = [0x09, 0x2d, 0x5c];
const lane = 0;
/** last_seq, lost, skipped, errors, filtered, map_full */
const beatColumns = 6;

const readLines: LineReader = (chunk, row, visitor) =>
  forEachLine(chunk, (start, end) => {
    if (!readLine(new Cursor(chunk, start, end), row, visitor)) visitor.broken(chunk.subarray(start, end));
  });

/** Walks over the fields of one line: after `next`, the field is `bytes[from .. to)`. */
class Cursor {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  from: number;
  to: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.from = start;
    this.to = start - 1;
  }

  /** False where the line has no further field. */
  next(): boolean {
    if (this.to >= this.end) return false;
    this.from = this.to + 1;
    const found = this.bytes.indexOf(tab, this.from);
    this.to = found < 0 || found > this.end ? this.end : found;
    return true;
  }

  get atEnd(): boolean {
    return this.to >= this.end;
  }

  /** The next field as a whole number; NaN where it is none or beyond 2^53. */
  number(): number {
    return this.next() ? wholeNumber(this.bytes, this.from, this.to) : NaN;
  }
}

function readLine(line: Cursor, row: RowWriter, visitor: LineVisitor): boolean {
  line.next();
  if (line.to - line.from !== 1) return false;
  const kind = line.bytes[line.from];
  if (kind === 0x72 /* r */ || kind === 0x66 /* f */) return readNumbered(line, row, visitor, kind === 0x66);
  if (kind === 0x74 /* t */) return readDropped(line, visitor);
  const clockUs = line.number();
  if (!(clockUs >= 0)) return false;
  if (kind === 0x6d /* m */) {
    const marker = line.number();
    if (Number.isNaN(marker) || !line.atEnd) return false;
    visitor.mark(clockUs, marker);
    return true;
  }
  const beat = kind === 0x62 /* b */ || kind === 0x65 /* e */ ? readBeat(line) : undefined;
  if (beat === undefined) return false;
  if (kind === 0x62) visitor.beat(clockUs, beat);
  else visitor.bye(clockUs, beat);
  return true;
}

/** A record, or (`ended`) what names something that has ended. */
function readNumbered(line: Cursor, row: RowWriter, visitor: LineVisitor, ended: boolean): boolean {
  const seq = line.number();
  if (!(seq > 0)) return false;
  const clockUs = line.number();
  const columns = ended ? row.ended : row.columns;
  const fits = clockUs >= 0 && columns.length > 0 && columns.every((each) => line.next() && putField(each, line.bytes, line.from, line.to));
  if (fits && line.atEnd) {
    if (ended) visitor.forgotten(lane, seq, clockUs);
    else visitor.record(lane, seq, clockUs, NaN, 1);
  } else visitor.broken(line.bytes.subarray(line.start, line.end), lane, seq);
  return true;
}

/** `t<TAB>number`, added by the engine: staprun tells only at its end how many lines the transport dropped. */
function readDropped(line: Cursor, visitor: LineVisitor): boolean {
  const lines = line.number();
  if (!(lines >= 0) || !line.atEnd) return false;
  visitor.dropped(lines);
  return true;
}

function readBeat(line: Cursor): Beat | undefined {
  const counts = Array.from({ length: beatColumns }, () => line.number());
  if (!line.atEnd || !counts.every((count) => count >= 0)) return undefined;
  const [lastSeq = 0, lost = 0, skipped = 0, errors = 0, filtered = 0, mapFull = 0] = counts;
  // A handler that failed made no record, like one that could not run.
  return { emitted: [[lane, lastSeq]], lost, skipped: skipped + errors, filtered, missed: 0, mapFull };
}

function putField(column: ColumnWriter, bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from === 2 && bytes[from] === backslash && bytes[from + 1] === 0x4e /* N */) return column.putUnknown();
  switch (column.field.type) {
    case 'text':
      return putText(column, bytes, from, to);
    case 'address':
      return to - from === 32 && readHex(bytes, from, address) && column.putAddress(address, 0);
    default: {
      const value = wholeNumber(bytes, from, to);
      return !Number.isNaN(value) && column.putNumber(value);
    }
  }
}

const address = new Uint8Array(16);
let unescaped = new Uint8Array(256);

function putText(column: ColumnWriter, bytes: Uint8Array, from: number, to: number): boolean {
  let plain = true;
  for (let at = from; at < to && plain; at++) plain = bytes[at] !== backslash;
  if (plain) return column.putBytes(bytes, from, to);
  if (unescaped.length < to - from) unescaped = new Uint8Array(2 * (to - from));
  let length = 0;
  for (let at = from; at < to; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === backslash) {
      const letter = ++at < to ? bytes[at] : undefined;
      if (letter === backslash) byte = backslash;
      else if (letter === 0x74 /* t */) byte = tab;
      else if (letter === 0x6e /* n */) byte = 0x0a;
      else if (letter === 0x78 /* x */ && at + 2 < to) {
        byte = 16 * hexDigit(bytes[at + 1]) + hexDigit(bytes[at + 2]);
        at += 2;
      } else return false;
      if (Number.isNaN(byte)) return false;
    }
    unescaped[length++] = byte;
  }
  return column.putBytes(unescaped, 0, length);
}

function readHex(bytes: Uint8Array, from: number, into: Uint8Array): boolean {
  for (let i = 0; i < into.length; i++) {
    const byte = 16 * hexDigit(bytes[from + 2 * i]) + hexDigit(bytes[from + 2 * i + 1]);
    if (Number.isNaN(byte)) return false;
    into[i] = byte;
  }
  return true;
}

/** Lower case only, as the modules write it. */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : NaN;
}

function wholeNumber(bytes: Uint8Array, from: number, to: number): number {
  const digits = bytes[from] === minus ? from + 1 : from;
  if (to <= digits || to - digits > 16) return NaN;
  let value = 0;
  for (let at = digits; at < to; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? (digits > from ? 0 - value : value) : NaN;
}
