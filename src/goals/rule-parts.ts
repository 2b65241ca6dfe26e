import type { Path } from '../config/source.ts';
import { nearest } from '../problem/suggest.ts';
import { parseWhere } from '../rules/cel.ts';
import type { RawRule } from '../rules/load.ts';
import type { Where } from '../rules/where.ts';
import { fieldOf, type Goal } from './goal.ts';
import type { Tell } from './tell.ts';
import { parseTemplate, templateMistakes } from './template.ts';
import { checkWhere, fieldNames, unknownField } from './typecheck.ts';

/** The condition, parsed, and checked against the goal where there is one. */
export function resolveWhere({ body }: RawRule, goal: Goal | undefined, tell: Tell): Where | undefined {
  if (body.where === undefined) return undefined;
  const parsed = parseWhere(body.where);
  const mistakes = parsed.ok ? (goal === undefined ? [] : checkWhere(parsed.tree, goal)) : parsed.mistakes;
  for (const { code, message, start, end, hint } of mistakes) tell.errorWithin(code, message, ['where'], start, end, hint);
  return parsed.ok && mistakes.length === 0 ? { text: body.where, tree: parsed.tree } : undefined;
}

/** Names of fields, each once. */
export function fieldList(goal: Goal, names: readonly string[], path: Path, tell: Tell): readonly string[] {
  names.forEach((name, i) => {
    if (fieldOf(goal, name) === undefined) tell.error('RULE_UNKNOWN_FIELD', unknownField(goal, name), [...path, i], `Fields: ${fieldNames(goal).join(', ')}.`);
    else if (names.indexOf(name) !== i) tell.error('RULE_DUPLICATE_FIELD', `"${name}" stands here twice.`, [...path, i]);
  });
  return names;
}

/** `{field: tolerance}` or a list of fields. */
export function resolveChanged(goal: Goal, changed: Readonly<Record<string, number>> | readonly string[] | undefined, tell: Tell): ReadonlyMap<string, number> | undefined {
  if (changed === undefined) return undefined;
  if (isList(changed)) return new Map(fieldList(goal, changed, ['changed'], tell).map((name) => [name, 0]));
  const entries = Object.entries(changed);
  for (const [name, tolerance] of entries) {
    const field = fieldOf(goal, name);
    if (field === undefined) tell.errorAtKey('RULE_UNKNOWN_FIELD', unknownField(goal, name), ['changed', name], `Fields: ${fieldNames(goal).join(', ')}.`);
    else if (field.type !== 'int' && tolerance > 0)
      tell.error('RULE_BAD_CHANGED', `${name} is no number, so it cannot change by ${tolerance}.`, ['changed', name], `Write changed: [${name}].`);
  }
  return new Map(entries);
}

const isList = (value: Readonly<Record<string, number>> | readonly string[]): value is readonly string[] => Array.isArray(value);

/** Labels as text. A label may not shadow a field, nor be the alert's name. */
export function checkLabels(goal: Goal, labels: Readonly<Record<string, string | number | boolean>> | undefined, owner: Path, tell: Tell): Record<string, string> {
  const made: Record<string, string> = {};
  for (const [name, value] of Object.entries(labels ?? {})) {
    const at = [...owner, 'labels', name];
    if (fieldOf(goal, name) !== undefined) tell.errorAt('RULE_LABEL_SHADOWS_FIELD', `The label "${name}" would shadow the field ${name} of ${goal.id}.`, at, 'Give it another name.');
    else if (name === 'alertname') tell.errorAt('RULE_LABEL_SHADOWS_FIELD', '"alertname" is the name of the alert.', at, 'Give it another name.');
    else if (!/^[A-Za-z_]\w*$/.test(name)) tell.errorAt('RULE_BAD_LABEL', `"${name}" is no name for a label.`, at, 'Letters, digits and _; no digit first.');
    made[name] = String(value);
  }
  return made;
}

/** Annotations name fields that exist. */
export function checkAnnotations(goal: Goal, annotations: Readonly<Record<string, string>> | undefined, tell: Tell): void {
  for (const [name, text] of Object.entries(annotations ?? {})) {
    for (const { code, message, hint, start, end } of templateMistakes(text)) tell.errorWithin(code, message, ['annotations', name], start, end, hint);
    for (const part of parseTemplate(text)) {
      if (part.kind !== 'field' || fieldOf(goal, part.name) !== undefined) continue;
      const near = nearest(part.name, fieldNames(goal));
      tell.errorWithin('RULE_UNKNOWN_VARIABLE', `${goal.id} has no field "${part.name}"${near === undefined ? '' : `; did you mean "${near}"?`}`, ['annotations', name], part.start, part.end, `Fields: ${fieldNames(goal).join(', ')}.`);
    }
  }
}
