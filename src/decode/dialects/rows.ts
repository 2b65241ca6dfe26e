import { overlongMark } from '../../engine/child.ts';
import { textOf } from '../../goals/text.ts';
import { putJson, type RowWriter } from '../columns.ts';
import { emptyBeat, forEachLine, type Beat, type LineReader, type LineVisitor } from '../lines.ts';

/**
 * The dialects `procfs` and `tapline`: a JSON array a line.
 * `["r",lane,seq,clock_us,since_us|null,n,[columns, null = unknown]]`, `["m",clock_us,number]`,
 * `["f",lane,seq,clock_us,[forget columns]]` (what they name has ended; numbered like a record),
 * `["b",clock_us,{"emitted":[[lane,last_seq]],"lost":0,"skipped":0,"filtered":0,"missed":0}]`, and `["e",...]` like a beat,
 * its time that of the last look.
 */
export const rowReader: LineReader = (chunk, row, visitor) =>
  forEachLine(chunk, (start, end) => {
    const line = parseLine(chunk, start, end);
    if (!Array.isArray(line) || !readRowLine(line, row, visitor, chunk, start, end)) visitor.broken(chunk.subarray(start, end));
  });

function readRowLine(
  line: readonly unknown[],
  row: RowWriter,
  visitor: LineVisitor,
  chunk: Uint8Array,
  start: number,
  end: number,
): boolean {
  const [type, a, b, c, d, n, values] = line;
  if (type === 'r') {
    if (line.length !== 7 || !isCount(a) || !isCount(b) || typeof c !== 'number' || !(d === null || typeof d === 'number') || !isCount(n))
      return false;
    if (Array.isArray(values) && putRow(row, values)) visitor.record(a, b, c, d ?? NaN, n);
    else visitor.broken(chunk.subarray(start, end), a, b);
    return true;
  }
  if (type === 'f') {
    if (line.length !== 5 || !isCount(a) || !isCount(b) || typeof c !== 'number') return false;
    const ended: readonly unknown[] = Array.isArray(d) ? d : [];
    if (row.ended.length > 0 && ended.length === row.ended.length && row.ended.every((column, i) => putJson(column, ended[i])))
      visitor.forgotten(a, b, c);
    else visitor.broken(chunk.subarray(start, end), a, b);
    return true;
  }
  if (type === 'm' && line.length === 3 && typeof a === 'number' && typeof b === 'number') {
    visitor.mark(a, b);
    return true;
  }
  const beat = type === 'b' || type === 'e' ? readBeat(b) : undefined;
  if (beat === undefined || typeof a !== 'number') return false;
  if (type === 'b') visitor.beat(a, beat);
  else visitor.bye(a, beat);
  return true;
}

/** All columns in the order of the manifest; false where one does not fit. */
export function putRow(row: RowWriter, values: readonly unknown[]): boolean {
  if (values.length !== row.columns.length) return false;
  for (let i = 0; i < values.length; i++) {
    const column = row.columns[i];
    if (column === undefined || !putJson(column, values[i])) return false;
  }
  return true;
}

/** JSON of one line, undefined where it is none. Bytes that are no UTF-8 are lone surrogates in its texts. */
export function parseLine(chunk: Uint8Array, start: number, end: number): unknown {
  if (chunk[start] === overlongMark) return undefined;
  try {
    return JSON.parse(textOf(chunk, start, end));
  } catch {
    return undefined;
  }
}

function readBeat(value: unknown): Beat | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { emitted = [], ...counts } = value as Record<string, unknown>;
  if (!Array.isArray(emitted) || !emitted.every((each: unknown) => Array.isArray(each) && each.length === 2 && each.every(isCount)))
    return undefined;
  const of = (name: string) => (counts[name] === undefined ? 0 : counts[name]);
  const [lost, skipped, filtered, missed, mapFull] = ['lost', 'skipped', 'filtered', 'missed', 'mapFull'].map(of);
  if (!isCount(lost) || !isCount(skipped) || !isCount(filtered) || !isCount(missed) || !isCount(mapFull)) return undefined;
  return { ...emptyBeat, emitted: emitted as [number, number][], lost, skipped, filtered, missed, mapFull };
}

export const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** An address from its words as a little-endian machine reads them (the templates assume one). */
export function bytesOfWords(words: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(16);
  words.forEach((word, i) => bytes.writeUInt32LE(word >>> 0, 4 * i));
  return bytes;
}
