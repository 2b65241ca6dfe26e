import { parseBpftrace } from '../../engine/bpftrace/json.ts';
import { lineTag, mapPrefix } from '../../generate/bpftrace.ts';
import type { Goal } from '../../goals/goal.ts';
import type { ColumnWriter, RowWriter } from '../columns.ts';
import { emptyBeat, forEachLine, type Beat, type LineDialect, type LineReader, type LineVisitor } from '../lines.ts';
import { Disks, isDisk } from './bpftrace-disks.ts';
import { Intervals, isTick } from './bpftrace-interval.ts';
import { Pieces } from './pieces.ts';
import { bytesOfWords, isCount } from './rows.ts';

/**
 * What `bpftrace -f json` prints for the templates. A tuple's first member says what it is and whose:
 * `["r:GOAL",cpu,seq,ns,unknown,columns...]`: a record; bit i of `unknown` says that column i is not known. An enum is the
 * index of its value, a bool 0 or 1, an address what ntop() prints,
 * or its four 32-bit words. A bool field named `X_cut` after the text X gives X's true length in bytes.
 * `["f:GOAL",cpu,seq,ns,columns...]`: what the goal's `forget` fields name has ended; numbered like a record.
 * `["p:GOAL",cpu,seq,k,text]`: piece k of that X, printed before its record (a string of bpftrace's is short). The same by printf,
 * of any bytes of the text in column `column`: `p:GOAL cpu seq column offset HEX`; a NUL between two arguments is told as a space.
 * `["m:GOAL",ns,number]`, `["b:GOAL",ns]` ... maps ... `["z:GOAL",ns]`: mark, and beat with its counts between.
 * `["e:GOAL",ns]` ... maps: the goodbye; bpftrace prints all maps once more when everything is drained, and the engine adds `{"type":"end"}`.
 * An interval goal has no records, but maps of sums between `["i:GOAL",ns,tick]` and `["j:GOAL",ns]` (bpftrace-interval.ts).
 * GOAL is generate's lineTag. The engine also adds `{"type":"skipped","data":n}` (misses that the kernel counts) and
 * `{"type":"disks","data":{NUMBER:NAME}}` (a disk's name comes as its number), and hands on bpftrace's own lost_events.
 */
export const bpftraceLines: LineDialect = { name: 'bpftrace', reader: (goal, asked) => makeReader(goal, lineTag(goal.id, asked)) };

function makeReader(goal: Goal, name: string): LineReader {
  let counts: Beat = emptyBeat;
  let endedUs = NaN;
  let lost = 0;
  const pieces = new Pieces();
  const disks = new Disks();
  const tag = mapPrefix(name);
  const intervals = goal.interval && new Intervals(goal, goal.interval, tag, disks);
  const counted = (): Beat => (intervals === undefined ? counts : { ...counts, emitted: intervals.emitted });
  const onMap = (maps: object): boolean => {
    for (const [name, value] of Object.entries(maps) as [string, unknown][]) {
      if (intervals?.map(name, value)) continue;
      if (name === `@${tag}_seq`) counts = { ...counts, emitted: lanes(value) };
      else if (name === `@${tag}_filtered`) counts = { ...counts, filtered: total(value) };
      else if (name === `@${tag}_full`) counts = { ...counts, mapFull: total(value) };
    }
    return true;
  };
  return (chunk, row, visitor) =>
    forEachLine(chunk, (start, end) => {
      if (start === end) return;
      const line = parseBpftrace(chunk, start, end);
      if (!understood(line)) visitor.broken(chunk.subarray(start, end));

      function understood(value: unknown): boolean {
        if (typeof value !== 'object' || value === null) return false;
        const { type, data } = value as { type?: unknown; data?: unknown };
        if (type === 'value' && Array.isArray(data)) return tuple(data);
        if (type === 'printf' && typeof data === 'string') return pieces.addBytes(name, data);
        if ((type === 'map' || type === 'stats') && typeof data === 'object' && data !== null) return onMap(data);
        if (type === 'lost_events' && typeof data === 'object' && data !== null) {
          const events = (data as { events?: unknown }).events;
          lost += isCount(events) ? events : 0;
          counts = { ...counts, lost };
          intervals?.lostLines(lost);
          return true;
        }
        if (type === 'skipped' && isCount(data)) {
          counts = { ...counts, skipped: data };
          return true;
        }
        if (type === 'disks') return disks.told(data);
        if (type === 'end') {
          intervals?.end(row, visitor, endedUs * 1000);
          visitor.bye(endedUs, counted());
        }
        return type === 'end' || type === 'attached_probes';
      }

      function tuple(data: readonly unknown[]): boolean {
        const [kind, a, b, c] = data;
        const what = typeof kind === 'string' && kind.slice(2) === name ? kind.slice(0, 2) : '';
        if (what === 'r:') return readRecord(data, row, visitor, { pieces, disks }, chunk.subarray(start, end));
        if (what === 'f:') return readEnded(data, row, visitor, disks, chunk.subarray(start, end));
        if (what === 'p:') return isCount(a) && isCount(b) && isCount(c) && typeof data[4] === 'string' && pieces.addText(a, b, c, data[4]);
        if (typeof a !== 'number') return false;
        if (what === 'm:' && typeof b === 'number') {
          intervals?.began(a);
          visitor.mark(a / 1000, b);
        } else if (what === 'z:') visitor.beat(a / 1000, counted());
        else if (what === 'i:' && isTick(a, b)) intervals?.begin(a, b);
        else if (what === 'j:') intervals?.end(row, visitor);
        else if (what === 'e:') endedUs = a / 1000;
        else return what === 'b:';
        return true;
      }
    });
}

interface Known {
  readonly pieces: Pieces;
  readonly disks: Disks;
}

function readRecord(data: readonly unknown[], row: RowWriter, visitor: LineVisitor, { pieces, disks }: Known, line: Uint8Array): boolean {
  const [, lane, seq, ns, unknown] = data;
  if (!isCount(lane) || !isCount(seq) || typeof ns !== 'number' || typeof unknown !== 'number') return false;
  const waiting = pieces.take(lane, seq);
  let fits = data.length === 5 + row.columns.length;
  for (let i = 0; fits && i < row.columns.length; i++) {
    const column = row.columns[i];
    const value = data[5 + i];
    const textBefore = row.columns[i - 1];
    if (column === undefined) fits = false;
    else if ((unknown / 2 ** i) % 2 >= 1) fits = column.putUnknown();
    else if (column.field.type === 'bool' && column.field.name === `${textBefore?.field.name}_cut`) {
      const { text, size } = waiting.whole(i - 1, String(data[4 + i]));
      fits = typeof value === 'number' && (textBefore?.putText(text) ?? false) && column.putNumber(size < value ? 1 : 0);
    } else fits = putValue(column, value, disks);
  }
  if (fits) visitor.record(lane, seq, ns / 1000, NaN, 1);
  else visitor.broken(line, lane, seq);
  return true;
}

function readEnded(data: readonly unknown[], row: RowWriter, visitor: LineVisitor, disks: Disks, line: Uint8Array): boolean {
  const [, lane, seq, ns, ...values] = data;
  if (!isCount(lane) || !isCount(seq) || typeof ns !== 'number') return false;
  if (row.ended.length > 0 && values.length === row.ended.length && row.ended.every((column, i) => putValue(column, values[i], disks)))
    visitor.forgotten(lane, seq, ns / 1000);
  else visitor.broken(line, lane, seq);
  return true;
}

function putValue(column: ColumnWriter, value: unknown, disks: Disks): boolean {
  if (typeof value === 'number') return isDisk(column.field) ? column.putText(disks.name(value)) : column.putNumber(value);
  if (Array.isArray(value)) return value.length === 4 && value.every(isCount) && column.putAddress(bytesOfWords(value), 0);
  return typeof value === 'string' && (column.field.type === 'text' || column.field.type === 'address') && column.putText(value);
}

const lanes = (value: unknown): [number, number][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value as Record<string, unknown>).flatMap(([lane, seq]) => (isCount(seq) ? [[Number(lane), seq]] : []))
    : [];

const total = (value: unknown): number => (isCount(value) ? value : lanes(value).reduce((sum, [, count]) => sum + count, 0));
