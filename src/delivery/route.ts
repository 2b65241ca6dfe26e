import type { Item } from '../alerts/item.ts';
import type { Goal } from '../goals/goal.ts';
import type { ForwardRule, Rule } from '../rules/rule.ts';
import { isOwnGoal } from '../stream/reentry.ts';

/** The sinks of one item, each once. What Tapline says of itself and has no sink goes to `taplineTo`. */
export function route(item: Pick<Item, 'to' | 'goal'>, taplineTo: readonly string[]): readonly string[] {
  const to = item.to.length === 0 && isOwnGoal(item.goal) ? taplineTo : item.to;
  return to.length < 2 ? to : [...new Set(to)];
}

/** Goals that tell of Tapline's own blindness; what dedupe suppressed on request is not among them. */
const blindness = new Set(['tapline.lost', 'tapline.evicted', 'tapline.degraded']);

/** The default route (semantics 16): a forward rule for each goal of Tapline's own blindness that no rule takes. */
export function defaultRules(rules: readonly Rule[], goals: Iterable<Goal>, taplineTo: readonly string[]): ForwardRule[] {
  if (taplineTo.length === 0) return [];
  const taken = new Set(rules.map((rule) => rule.goal));
  const made: ForwardRule[] = [];
  for (const goal of goals) {
    if (!blindness.has(goal.id) || taken.has(goal.id)) continue;
    const place = { file: 'built in', line: 1, column: 1 };
    made.push({ kind: 'forward', name: goal.id, group: 'tapline', goal: goal.id, by: goal.key, labels: {}, to: taplineTo, place });
  }
  return made;
}
