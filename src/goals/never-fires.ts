import type { AlertRule } from '../rules/rule.ts';
import type { Goal } from './goal.ts';
import type { Tell } from './tell.ts';

/**
 * A threshold that dedupe keeps from ever being reached while records stand for one event each (semantics 13): an error, or a
 * warning where an engine of the goal samples, because its records may stand for more.
 */
export function neverFires(rule: AlertRule, goal: Goal, tell: Tell): void {
  const { threshold, dedupeMs, forMs } = rule;
  if (threshold === undefined || dedupeMs === undefined) return;
  if (!rule.by.every((field) => rule.alertBy.includes(field))) return;
  const { count, withinMs } = threshold;
  const most = Math.ceil(withinMs / dedupeMs);
  const never = count > most;
  const notForLong = forMs > 0 && count > Math.floor(withinMs / dedupeMs) && forMs >= withinMs - (count - 1) * dedupeMs;
  if (!never && !notForLong) return;
  const message = never
    ? `dedupe lets at most ${most} ${most === 1 ? 'record' : 'records'} of a key through within the threshold's window, so ${count} can never be reached`
    : `with this dedupe, ${count} records never stay within the threshold's window for as long as \`for\` asks`;
  const sampled = Object.entries(goal.engines).flatMap(([name, engine]) => (engine.fidelity === 'sampled' ? [name] : []));
  const hint = 'Make dedupe shorter, the window longer, or count by fewer fields (threshold.by).';
  if (sampled.length === 0) tell.error('RULE_NEVER_FIRES', `${message}.`, ['threshold', 'count'], hint);
  else
    tell.warning(
      'RULE_NEVER_FIRES',
      `${message}, except on ${sampled.join(' and ')}, where a record may stand for several events.`,
      ['threshold', 'count'],
      hint,
    );
}
