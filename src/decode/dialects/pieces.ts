import { bytesOf, textOf } from '../../goals/text.ts';

/** What came of a record's long texts before the record itself. */
class Waiting {
  /** Pieces 1, 2 ... that follow the text in the record. */
  readonly texts: string[] = [];
  /** By column: bytes from an offset on. */
  readonly bytes = new Map<number, { readonly offset: number; readonly data: Buffer }[]>();

  /** The text in that column, with its pieces as far as they came without a gap, and how many of its bytes there are. */
  whole(column: number, begin: string): { readonly text: string; readonly size: number } {
    const pieces = this.bytes.get(column);
    if (pieces !== undefined) return wholeBytes(pieces);
    if (this.texts.length === 0) return { text: wellJoined(begin), size: bytesOf(begin).length };
    const parts = [begin, ...this.texts].map((part, i) => ({ offset: textBytes * i, data: Buffer.from(bytesOf(part ?? '')) }));
    return wholeBytes(parts);
  }
}

/** Where piece k of a text begins: at this many bytes, times k. bpftrace 0.17 ends a piece there, 0.27 one byte later. */
const textBytes = 95;

function wholeBytes(pieces: readonly { readonly offset: number; readonly data: Buffer }[]) {
  const parts: Buffer[] = [];
  let size = 0;
  for (const { offset, data } of pieces) {
    if (offset > size) break;
    const more = data.subarray(size - offset);
    parts.push(more);
    size += more.length;
  }
  const bytes = Buffer.concat(parts);
  const end = bytes.at(-1) === 0 ? size - 1 : size;
  for (let i = 0; i < end; i++) if (bytes[i] === 0) bytes[i] = 0x20;
  return { text: textOf(bytes.subarray(0, end)), size };
}

/** A character that was cut in two by the end of a piece is put together again. */
const wellJoined = (text: string): string => (/[\udc80-\udcff]/.test(text) ? textOf(bytesOf(text)) : text);

const nothing = new Waiting();
const bytesLine = /^p:([\w.]+) (\d+) (\d+) (\d+) (\d+) ((?:[0-9a-f]{2} ?)*)$/;
const mostBytes = 8192;

/** Pieces of long texts that wait for their record; a record that never comes leaves them, so they are bounded. */
export class Pieces {
  readonly #waiting = new Map<string, Waiting>();

  /** Piece `k` (1, 2 ...) of the one long text of a record. */
  addText(lane: number, seq: number, k: number, text: string): boolean {
    if (k >= 1 && k <= 64) this.#of(lane, seq).texts[k - 1] = text;
    return true;
  }

  /** A line `p:GOAL cpu seq column offset HEX`; false where it is none. One of another goal is left alone. */
  addBytes(goal: string, line: string): boolean {
    const [, whose, lane, seq, column, offset, hex] = bytesLine.exec(line) ?? [];
    if (whose === undefined || hex === undefined) return false;
    if (whose !== goal || Number(offset) > mostBytes) return true;
    const waiting = this.#of(Number(lane), Number(seq));
    const piece = { offset: Number(offset), data: Buffer.from(hex.replaceAll(' ', ''), 'hex') };
    waiting.bytes.set(Number(column), [...(waiting.bytes.get(Number(column)) ?? []), piece]);
    return true;
  }

  take(lane: number, seq: number): Waiting {
    const key = `${lane}:${seq}`;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return nothing;
    this.#waiting.delete(key);
    return waiting;
  }

  #of(lane: number, seq: number): Waiting {
    const key = `${lane}:${seq}`;
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      if (this.#waiting.size >= 1024) this.#waiting.clear();
      this.#waiting.set(key, (waiting = new Waiting()));
    }
    return waiting;
  }
}
