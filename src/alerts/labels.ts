import { createHash } from 'node:crypto';
import type { AlertRule } from '../rules/rule.ts';
import type { Key } from '../stream/output.ts';

export type Labels = Readonly<Record<string, string>>;

/** alertname, the key fields, the rule's own labels (semantics 14). Unknown key fields have no label. */
export const alertLabels = (rule: AlertRule, key: Key): Labels => ({ ...key.labels, ...rule.labels, alertname: rule.name });

/** 16 hex digits over the sorted labels: the same on every machine for the same labels. */
export function fingerprint(labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sha256(sorted).slice(0, 16);
}

/** Hex SHA-256 of a value's JSON, which is ASCII-safe: JSON.stringify writes a lone surrogate (a byte that is no UTF-8) as an escape. */
export const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');
