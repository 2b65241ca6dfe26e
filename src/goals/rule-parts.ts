import { durationHint, parseDuration } from '../config/duration.ts';
import type { Path } from '../config/source.ts';
import { parseWhere } from '../rules/cel.ts';
import type { Where } from '../rules/where.ts';
import { fieldHint, unknownField } from './field-names.ts';
import { fieldOf, type Goal } from './goal.ts';
import type { Tell } from './tell.ts';
import { readTemplate } from './template.ts';
import { checkWhere } from './typecheck.ts';

/** The condition, parsed, and checked against the goal where there is one. */
export function resolveWhere(text: string | undefined, goal: Goal | undefined, tell: Tell): Where | undefined {
  if (text === undefined) return undefined;
  const parsed = parseWhere(text);
  const mistakes = parsed.ok ? (goal === undefined ? [] : checkWhere(parsed.tree, goal)) : parsed.mistakes;
  for (const { code, message, start, end, hint } of mistakes) tell.errorWithin(code, message, ['where'], start, end, hint);
  return parsed.ok && mistakes.length === 0 ? { text, tree: parsed.tree } : undefined;
}

/** Names of fields, each once. */
export function fieldList(goal: Goal, names: readonly string[], path: Path, tell: Tell): readonly string[] {
  names.forEach((name, i) => {
    if (fieldOf(goal, name) === undefined) tell.error('RULE_UNKNOWN_FIELD', unknownField(goal, name), [...path, i], fieldHint(goal));
    else if (names.indexOf(name) !== i) tell.error('RULE_DUPLICATE_FIELD', `"${name}" stands here twice.`, [...path, i]);
  });
  return names;
}

type Changed = Readonly<Record<string, number>> | readonly string[];

/** `{field: tolerance}` or a list of fields; nothing in it would let one record of a key through and then never another. */
export function resolveChanged(goal: Goal, changed: Changed | undefined, tell: Tell): ReadonlyMap<string, number> | undefined {
  if (changed === undefined) return undefined;
  const entries = isList(changed) ? fieldList(goal, changed, ['changed'], tell).map((name) => [name, 0] as const) : Object.entries(changed);
  if (entries.length === 0) tell.error('RULE_BAD_CHANGED', '`changed` names no field.', ['changed'], 'Leave it out, or name one.');
  if (!isList(changed))
    for (const [name, tolerance] of entries) {
      const field = fieldOf(goal, name);
      if (field === undefined) tell.errorAtKey('RULE_UNKNOWN_FIELD', unknownField(goal, name), ['changed', name], fieldHint(goal));
      else if (field.type !== 'int' && tolerance > 0)
        tell.error(
          'RULE_BAD_CHANGED',
          `${name} is no number, so it cannot change by ${tolerance}.`,
          ['changed', name],
          `Write changed: [${name}].`,
        );
    }
  return new Map(entries);
}

const isList = (value: Changed): value is readonly string[] => Array.isArray(value);

/** Annotations name fields that exist; without a goal only their braces are looked at. */
export function checkAnnotations(goal: Goal | undefined, annotations: Readonly<Record<string, string>> | undefined, tell: Tell): void {
  for (const [name, text] of Object.entries(annotations ?? {})) {
    const { parts, mistakes } = readTemplate(text);
    const at = ['annotations', name];
    for (const { message, start, end } of mistakes)
      tell.errorWithin(
        'RULE_BAD_TEMPLATE',
        message,
        at,
        start,
        end,
        `Write {{ field }}.${goal === undefined ? '' : ` ${fieldHint(goal)}`}`,
      );
    for (const part of parts) {
      if (part.kind !== 'field' || goal === undefined || fieldOf(goal, part.name) !== undefined) continue;
      tell.errorWithin('RULE_UNKNOWN_VARIABLE', unknownField(goal, part.name), at, part.start, part.end, fieldHint(goal));
    }
  }
}

/** Milliseconds. Its form was checked by the schema; what is left are durations that are too long to be meant. */
export function durationOf(text: string | undefined, path: Path, tell: Tell): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) tell.error('CONFIG_BAD_DURATION', `"${text}" is no duration of at most a century.`, path, durationHint);
  return ms;
}
