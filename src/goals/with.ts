import { durationHint, parseDuration } from '../config/duration.ts';
import { didYouMean } from '../problem/suggest.ts';
import type { Goal } from './goal.ts';
import { bounds, defaultValues, type Asked, type Parameter } from './parameters.ts';
import type { Tell } from './tell.ts';

/** What a rule says under `with`, checked; undefined where it says nothing that differs from the defaults. */
export function resolveWith(goal: Goal, written: Readonly<Record<string, unknown>> | undefined, tell: Tell): Asked | undefined {
  const values = new Map(defaultValues(goal));
  for (const [name, value] of Object.entries(written ?? {})) {
    const parameter = goal.parameters.find((each) => each.name === name);
    if (parameter === undefined) {
      const names = goal.parameters.map((each) => each.name);
      const hint = names.length === 0 ? `${goal.id} has no parameters.` : `Parameters: ${names.join(', ')}.`;
      const message = `${goal.id} has no parameter "${name}"${didYouMean(name, names) || '.'}`;
      tell.errorAtKey('RULE_UNKNOWN_PARAMETER', message, ['with', name], hint);
      continue;
    }
    const read = readParameter(parameter, value);
    if (typeof read === 'object') tell.error('RULE_BAD_PARAMETER', read.wrong, ['with', name], read.hint);
    else values.set(name, read);
  }
  const other = goal.parameters.filter(({ name, default: usual }) => values.get(name) !== usual);
  return other.length === 0 ? undefined : { text: other.map(({ name }) => `${name}=${values.get(name)}`).join(' '), values };
}

/** A duration in milliseconds, a whole number, or a member of the enum; within the parameter's bounds. */
export function readParameter(parameter: Parameter, value: unknown): number | string | { readonly wrong: string; readonly hint: string } {
  const { name, type, values = [] } = parameter;
  if (type === 'enum') {
    if (typeof value === 'string' && values.includes(value)) return value;
    return {
      wrong: `${name} cannot be "${String(value)}"${didYouMean(String(value), values) || '.'}`,
      hint: `One of ${values.join(', ')}.`,
    };
  }
  const number = type === 'duration' ? (typeof value === 'string' ? parseDuration(value) : undefined) : value;
  if (type === 'duration' && number === undefined)
    return { wrong: `${name} is a duration; this is "${String(value)}".`, hint: durationHint };
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    return { wrong: `${name} is a whole number; this is "${String(value)}".`, hint: bounds(parameter) };
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = parameter;
  return number < min || number > max ? { wrong: `${name} cannot be ${String(value)}.`, hint: bounds(parameter) } : number;
}
