import type { Batch, Selection, TapRecord } from '../decode/batch.ts';
import { recordAt } from '../decode/record.ts';
import type { Goal } from '../goals/goal.ts';
import type { ForwardRule } from '../rules/rule.ts';
import type { Closing } from '../stream/output.ts';
import { closingId, recordId } from './ids.ts';
import { itemSchemaVersion, type Item } from './item.ts';
import { recordSentence } from './sentence.ts';
import { durationText, rfc3339 } from './time.ts';
import { fieldValue, recordBody } from './wire.ts';

/** The goal whose records tell of losses; its forwarded records have a kind of their own. */
const lostGoal = 'tapline.lost';

/** Semantics 17: values in `by` order as a JSON array, unknown as null. */
export const keyText = (by: readonly string[], record: TapRecord): string =>
  JSON.stringify(by.map((name) => fieldValue(record, name) ?? null));

/** Items of the rows that a forward rule let pass. */
export function recordItems(rule: ForwardRule, goal: Goal, batch: Batch, selection: Selection): Item[] {
  const items: Item[] = [];
  for (let i = 0; i < selection.count; i++) items.push(recordItem(rule, goal, recordAt(batch, selection.rows[i] ?? 0)));
  return items;
}

export function recordItem(rule: ForwardRule, goal: Goal, record: TapRecord): Item {
  const id = recordId(rule.name, record);
  const key = keyText(rule.by, record);
  const lost = goal.id === lostGoal;
  const severity = lost ? 'warning' : 'info';
  const base = {
    schema: itemSchemaVersion,
    id,
    rule: rule.name,
    goal: goal.id,
    key,
    severity,
    labels: { ...rule.labels },
    time: rfc3339(record.timeUs),
    record: recordBody(record),
  } as const;
  const count = record.fields['count'];
  const body = lost
    ? { ...base, kind: 'lost' as const, ...(typeof count === 'number' && { count }) }
    : { ...base, kind: 'record' as const };
  return {
    id,
    kind: body.kind,
    rule: rule.name,
    goal: goal.id,
    severity,
    key,
    to: rule.to,
    timeUs: record.timeUs,
    summary: recordSentence(goal, record),
    body,
  };
}

/** The item that tells what a dedupe window of a forward rule held back (semantics 10, 15). */
export function closingItem(rule: ForwardRule, goal: Goal, closing: Closing): Item {
  const id = closingId(rule.name, closing.key.text, closing.t0Us);
  const key = closing.key.text;
  const within = durationText((closing.endUs - closing.t0Us) / 1000);
  return {
    id,
    kind: 'suppressed',
    rule: rule.name,
    goal: goal.id,
    severity: 'info',
    key,
    to: rule.to,
    timeUs: closing.endUs,
    summary: `${closing.count} more in ${within}, last: ${recordSentence(goal, closing.last)}`,
    body: {
      schema: itemSchemaVersion,
      kind: 'suppressed',
      id,
      rule: rule.name,
      goal: goal.id,
      key,
      severity: 'info',
      labels: { ...rule.labels },
      time: rfc3339(closing.endUs),
      count: closing.count,
      first: rfc3339(closing.firstUs),
      last: rfc3339(closing.lastUs),
      record: recordBody(closing.last),
    },
  };
}
