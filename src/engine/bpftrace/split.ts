import { lineTag, mapPrefix, printedMaps } from '../../generate/bpftrace.ts';
import type { Goal } from '../../goals/goal.ts';

const quote = 0x22;
const at = 0x40;
const bracket = 0x5b;

/**
 * One process prints the lines of several modules; each says in its first member, or in its map's name, whose it is. What
 * says nothing (lost events, a line that is broken) goes to every module: the one that misses a number takes it.
 */
export class LineSplitter {
  readonly #owner = new Map<string, number>();
  readonly #count: number;

  constructor(goals: readonly Goal[]) {
    this.#count = goals.length;
    goals.forEach((goal, i) => {
      const tag = lineTag(goal.id, goal.asked?.text);
      this.#owner.set(tag, i);
      for (const name of printedMaps(goal)) this.#owner.set(`@${mapPrefix(tag)}_${name}`, i);
    });
  }

  /** For each module its lines, in order; undefined where it has none in this chunk. */
  split(chunk: Uint8Array): (Uint8Array | undefined)[] {
    if (this.#count === 1) return [chunk];
    const parts = Array.from({ length: this.#count }, (): Uint8Array[] => []);
    for (let start = 0; start < chunk.length;) {
      const found = chunk.indexOf(10, start);
      const end = found < 0 ? chunk.length : found + 1;
      if (end - start > 1) {
        const owner = this.#owner.get(nameIn(chunk, start, end));
        const line = chunk.subarray(start, end);
        if (owner === undefined) parts.forEach((part) => part.push(line));
        else parts[owner]?.push(line);
      }
      start = end;
    }
    return parts.map((part) => (part.length === 0 ? undefined : Buffer.concat(part)));
  }
}

/** `tcp.retransmit` of `{"type": "value", "data": ["r:tcp.retransmit",...`, or the name of the first map. */
function nameIn(chunk: Uint8Array, start: number, end: number): string {
  for (let i = start; i < Math.min(end, start + 48); i++) {
    // A tuple begins with `["r:GOAL"`, what printf printed with `"p:GOAL `.
    const isTuple = chunk[i] === bracket && chunk[i + 1] === quote;
    const isPrinted = chunk[i] === quote && chunk[i + 1] === 0x70 && chunk[i + 2] === 0x3a;
    if (!isTuple && !isPrinted && chunk[i] !== at) continue;
    const from = isTuple ? i + 4 : isPrinted ? i + 3 : i;
    const to = chunk.indexOf(isPrinted ? 0x20 : quote, from);
    return to < 0 || to > end || to - from > 80 ? '' : Buffer.from(chunk.buffer, chunk.byteOffset + from, to - from).toString('latin1');
  }
  return '';
}
