import type { Batch } from '../decode/batch.ts';
import type { Signal } from '../decode/signal.ts';

export interface RuleTimeSnapshot {
  /** null before the first record or heartbeat. */
  readonly nowUs: number | null;
  readonly resumedUs: number | null;
  readonly ready: readonly string[];
}

/**
 * Stream time of one rule: the latest record or heartbeat of its goal's runs (semantics 6). It stands still while no engine
 * of the goal is ready (semantics 12).
 */
export class RuleTime {
  /** -Infinity before the first record or heartbeat. */
  nowUs = -Infinity;
  /** When the last outage ended: nothing that depends on what was seen turns earlier. */
  resumedUs = -Infinity;
  readonly #goal: string;
  readonly #with: string | undefined;
  #ready = new Set<string>();
  #looked = 0;
  #batch: Batch | undefined;

  /** `asked`: the rule's parameters of the goal, where they are not its defaults. */
  constructor(goal: string, asked: string | undefined) {
    this.#goal = goal;
    this.#with = asked;
  }

  get standing(): boolean {
    return this.#ready.size === 0;
  }

  /** Rows before `end` have come. */
  advance(batch: Batch, end: number): void {
    if (this.#batch !== batch) {
      this.#batch = batch;
      this.#looked = 0;
    }
    const { timeUs } = batch;
    let latest = this.nowUs;
    for (let row = this.#looked; row < end; row++) if ((timeUs[row] ?? 0) > latest) latest = timeUs[row] ?? 0;
    this.nowUs = latest;
    this.#looked = end;
    if (end >= batch.length) this.#batch = undefined;
  }

  /** Anything but rows. Undefined where it says nothing to this rule. */
  hear(signal: Exclude<Signal, { kind: 'batch' | 'forget' }>): 'advanced' | 'resumed' | 'standing' | undefined {
    if (signal.kind === 'time') {
      if (!this.#ready.has(signal.run)) return undefined;
      this.nowUs = Math.max(this.nowUs, signal.timeUs);
      return 'advanced';
    }
    if (signal.run.goal !== this.#goal || signal.run.with !== this.#with || signal.kind === 'lost') return undefined;
    if (signal.kind === 'ready') {
      const resumes = this.standing;
      this.#ready.add(signal.run.id);
      this.nowUs = Math.max(this.nowUs, signal.timeUs);
      if (resumes) this.resumedUs = this.nowUs;
      return resumes ? 'resumed' : 'advanced';
    }
    if (!this.#ready.delete(signal.run.id)) return undefined;
    if (!this.standing) return 'advanced';
    if (this.nowUs === -Infinity) this.nowUs = signal.timeUs;
    return 'standing';
  }

  snapshot(): RuleTimeSnapshot {
    const finite = (value: number) => (Number.isFinite(value) ? value : null);
    return { nowUs: finite(this.nowUs), resumedUs: finite(this.resumedUs), ready: [...this.#ready] };
  }

  restore(snapshot: RuleTimeSnapshot): void {
    this.nowUs = snapshot.nowUs ?? -Infinity;
    this.resumedUs = snapshot.resumedUs ?? -Infinity;
    this.#ready = new Set(snapshot.ready);
  }
}
