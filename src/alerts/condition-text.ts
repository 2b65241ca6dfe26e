import type { AlertRule } from '../rules/rule.ts';
import { durationText } from './time.ts';

/** What an alert rule asks for, in words: `rto_ms >= 800, one in 10s counts, 3 in 1m`. */
export function conditionText(rule: AlertRule): string {
  const parts = [rule.where === undefined ? 'any record' : rule.where.text.trim().replace(/\s+/g, ' ')];
  for (const [field, by] of rule.changed ?? []) parts.push(by > 0 ? `${field} changed by ${by} or more` : `${field} changed`);
  if (rule.threshold !== undefined) {
    if (rule.dedupeMs !== undefined) parts.push(`one in ${durationText(rule.dedupeMs)} counts`);
    parts.push(`${rule.threshold.count} in ${durationText(rule.threshold.withinMs)}`);
  }
  if (rule.forMs > 0) parts.push(`for ${durationText(rule.forMs)}`);
  return parts.join(', ');
}
