import type { Batch, Selection } from '../decode/batch.ts';
import type { RuleOutput } from './output.ts';

/** Collects the rows of a batch that a forward rule lets through, until something else must be told in between. */
export class Passed {
  #batch: Batch | undefined;
  #rows: Uint32Array = new Uint32Array();
  #held = new Float64Array();
  #from = 0;
  #to = 0;
  readonly #withHeld: boolean;

  /** `withHeld`: the rule has `changed`, so each row says how many were held back before it. */
  constructor(withHeld: boolean) {
    this.#withHeld = withHeld;
  }

  begin(batch: Batch): void {
    this.#batch = batch;
    this.#from = this.#to = 0;
  }

  end(): void {
    this.#batch = undefined;
    this.#rows = new Uint32Array();
    this.#held = new Float64Array();
    this.#from = this.#to = 0;
  }

  all(selection: Selection): void {
    this.#rows = selection.rows;
    this.#to = selection.count;
  }

  add(row: number, held: number): void {
    if (this.#to === 0) {
      const length = this.#batch?.length ?? 0;
      this.#rows = new Uint32Array(length);
      if (this.#withHeld) this.#held = new Float64Array(length);
    }
    if (this.#withHeld) this.#held[this.#to] = held;
    this.#rows[this.#to++] = row;
  }

  /** What has come together since it was asked last. */
  take(timeUs: number): RuleOutput | undefined {
    const count = this.#to - this.#from;
    if (count === 0 || this.#batch === undefined) return undefined;
    const rows = this.#rows.subarray(this.#from, this.#to);
    const heldBack = this.#withHeld ? { heldBack: this.#held.subarray(this.#from, this.#to) } : {};
    this.#from = this.#to;
    return { kind: 'rows', batch: this.#batch, selection: { rows, count }, timeUs, ...heldBack };
  }
}
