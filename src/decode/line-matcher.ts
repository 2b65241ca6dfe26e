import { lineProgram, ops, type LineProgram } from './line-program.ts';
import type { LinePart } from '../goals/script.ts';

/**
 * Fits lines to one pattern. All ways to read the line are followed at once, one byte after the other (Pike's machine), so the
 * work is at most the line's length times the pattern's size, whatever stands in the line: there is no backtracking. Where a line
 * can be read in several ways, the first text is as short, and a word or number as long, as the whole pattern allows.
 */
export class LineMatcher {
  readonly values: LineProgram['values'];
  /** Bounds of value i, as offsets of the line that fitted last: [2i, 2i + 1). */
  readonly slots: Int32Array;
  /** Instructions executed so far: what the promise above is tested by. */
  steps = 0;
  readonly #program: LineProgram;
  #now: Threads;
  #next: Threads;

  constructor(parts: readonly LinePart[]) {
    this.#program = lineProgram(parts);
    this.values = this.#program.values;
    this.slots = new Int32Array(2 * this.values.length);
    this.#now = new Threads(this.#program.op.length, this.slots.length);
    this.#next = new Threads(this.#program.op.length, this.slots.length);
  }

  get size(): number {
    return this.#program.op.length;
  }

  /** Whether `bytes[start .. end)` is such a line, whole. */
  fits(bytes: Uint8Array, start: number, end: number): boolean {
    const { op, a, sets } = this.#program;
    this.#now.clear();
    this.slots.fill(-1);
    this.#follow(this.#now, 0, start);
    for (let at = start; at < end && this.#now.count > 0; at++) {
      const byte = bytes[at] ?? 0;
      this.#next.clear();
      for (let i = 0; i < this.#now.count; i++) {
        const pc = this.#now.pcs[i] ?? 0;
        this.steps++;
        if (op[pc] !== ops.set || sets[a[pc] ?? 0]?.[byte] !== 1) continue;
        this.#now.load(pc, this.slots);
        this.#follow(this.#next, pc + 1, at + 1);
      }
      [this.#now, this.#next] = [this.#next, this.#now];
    }
    const last = op.length - 1;
    if (!this.#now.has(last)) return false;
    this.#now.load(last, this.slots);
    return true;
  }

  /** Adds what can be reached from `pc` without reading a byte; `slots` are those of the way so far. */
  #follow(threads: Threads, pc: number, at: number): void {
    if (threads.has(pc)) return;
    this.steps++;
    const { op, a, b } = this.#program;
    switch (op[pc]) {
      case ops.split:
        threads.pass(pc);
        this.#follow(threads, a[pc] ?? 0, at);
        this.#follow(threads, b[pc] ?? 0, at);
        return;
      case ops.save: {
        threads.pass(pc);
        const slot = a[pc] ?? 0;
        const before = this.slots[slot] ?? -1;
        this.slots[slot] = at;
        this.#follow(threads, pc + 1, at);
        this.slots[slot] = before;
        return;
      }
      default:
        threads.add(pc, this.slots);
    }
  }
}

/** Where the machine stands: places in the program, the better ones first, each with the slots of the way that led there. */
class Threads {
  count = 0;
  readonly pcs: Int32Array;
  readonly #seen: Int32Array;
  readonly #slots: Int32Array;
  readonly #width: number;
  #turn = 1;

  constructor(size: number, width: number) {
    this.pcs = new Int32Array(size);
    this.#seen = new Int32Array(size);
    this.#slots = new Int32Array(size * width);
    this.#width = width;
  }

  clear(): void {
    this.count = 0;
    if (++this.#turn < 2 ** 31 - 1) return;
    this.#seen.fill(0);
    this.#turn = 1;
  }

  has(pc: number): boolean {
    return this.#seen[pc] === this.#turn;
  }

  pass(pc: number): void {
    this.#seen[pc] = this.#turn;
  }

  add(pc: number, slots: Int32Array): void {
    this.#seen[pc] = this.#turn;
    this.pcs[this.count++] = pc;
    this.#slots.set(slots, pc * this.#width);
  }

  load(pc: number, slots: Int32Array): void {
    for (let i = 0; i < this.#width; i++) slots[i] = this.#slots[pc * this.#width + i] ?? -1;
  }
}
