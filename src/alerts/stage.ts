import type { Goal } from '../goals/goal.ts';
import type { AlertRule, ForwardRule, Rule } from '../rules/rule.ts';
import type { RuleOutput } from '../stream/output.ts';
import type { RuleAccount } from '../telemetry/ledger.ts';
import { alertItems } from './alert-item.ts';
import { closingItem, recordItems } from './forward-item.ts';
import type { Item } from './item.ts';
import { Lifecycle, type LifecycleSnapshot } from './lifecycle.ts';

/** A firing alert is told again this often, in stream time (semantics 27). */
const repeatIntervalUs = 4 * 3600 * 1_000_000;

export interface StageDeps {
  /** This machine; listed where an alert has no record that names a host. */
  readonly host: string;
  /** The rule's account in the ledger. */
  readonly account: Readonly<Pick<RuleAccount, 'unmatched' | 'unchanged' | 'deduped'>>;
  /** How many records of a goal were lost so far. */
  lostOf(goal: string): number;
}

/** Turns what one rule's pipe tells into items. Starts no timer and asks no clock; stopping resolves nothing, so it needs no word. */
export interface Stage {
  push(output: RuleOutput): Item[];
  /** Plain data; null where there is nothing to keep. */
  snapshot(): LifecycleSnapshot | null;
  restore(snapshot: LifecycleSnapshot | null): void;
}

export const createStage = (rule: Rule, goal: Goal, deps: StageDeps): Stage =>
  rule.kind === 'alert' ? createAlertStage(rule, goal, deps) : createForwardStage(rule, goal);

export function createAlertStage(rule: AlertRule, goal: Goal, deps: StageDeps): Stage {
  const counts = () => ({
    unmatched: deps.account.unmatched,
    unchanged: deps.account.unchanged,
    suppressed: deps.account.deduped,
    lost: deps.lostOf(rule.goal),
  });
  const lifecycle = new Lifecycle(
    { forUs: rule.forMs * 1000, keepUs: rule.keepFiringForMs * 1000, repeatUs: repeatIntervalUs, maxAlerts: rule.maxAlerts },
    counts,
  );
  const make = alertItems(rule, goal, deps.host, counts);
  return {
    push(output) {
      if (output.kind === 'condition') return lifecycle.condition(output.condition).map(make);
      if (output.kind === 'time') return lifecycle.time(output.timeUs, output.standing).map(make);
      // Closing records of an alert rule: the alert itself says how many were suppressed.
      return [];
    },
    snapshot: () => lifecycle.snapshot(),
    restore: (snapshot) => {
      if (snapshot !== null) lifecycle.restore(snapshot);
    },
  };
}

export function createForwardStage(rule: ForwardRule, goal: Goal): Stage {
  return {
    push(output) {
      if (output.kind === 'rows') return recordItems(rule, goal, output.batch, output.selection);
      if (output.kind === 'closing') return [closingItem(rule, goal, output.closing)];
      return [];
    },
    snapshot: () => null,
    restore: () => undefined,
  };
}
