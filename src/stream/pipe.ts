import type { Batch } from '../decode/batch.ts';
import type { Signal } from '../decode/signal.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleAccount } from '../telemetry/ledger.ts';
import type { ChangedSnapshot } from './changed.ts';
import type { DedupeSnapshot } from './dedupe.ts';
import type { Secret } from './key.ts';
import type { RuleOutput } from './output.ts';
import type { RuleTimeSnapshot } from './rule-time.ts';
import type { ThresholdSnapshot } from './threshold.ts';

/** What became of a row, for the decision hook (`why`). */
export type Verdict = 'self' | 'unmatched' | 'unchanged' | 'deduped' | 'passed';
/** An operator that keeps state by key. */
export type KeyedStage = 'changed' | 'dedupe' | 'threshold';

export interface RulePipeDeps {
  readonly account: RuleAccount;
  /** Of this install; the same over restarts. */
  readonly secret: Secret;
  /** Keys of each operator with state, at most. */
  readonly maxKeys: number;
  /** Whether a row is about one of Tapline's own connections (semantics 23). */
  readonly self?: (batch: Batch, row: number) => boolean;
  /** Keys were dropped because the state was full; told once for each signal and stage. Not called for rules on Tapline's own goals. */
  readonly onEvicted?: (stage: KeyedStage, count: number, timeUs: number) => void;
  readonly decide?: (batch: Batch, row: number, verdict: Verdict) => void;
}

/** Plain data that JSON can carry. */
export interface RulePipeSnapshot {
  readonly time: RuleTimeSnapshot;
  readonly changed?: ChangedSnapshot;
  readonly dedupe?: DedupeSnapshot;
  readonly threshold?: ThresholdSnapshot;
}

/** One rule at work: where -> changed -> dedupe -> threshold (semantics 7). A pure function of the rule and the signals. */
export interface RulePipe {
  readonly rule: Rule;
  push(signal: Signal): RuleOutput[];
  /** Closes all windows. Nothing is resolved by it. */
  stop(timeUs: number): RuleOutput[];
  snapshot(): RulePipeSnapshot;
  /** Into a fresh pipe of the same rule. */
  restore(snapshot: RulePipeSnapshot): void;
}
