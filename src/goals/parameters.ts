import type { Goal } from './goal.ts';

/** What a rule may ask of a goal beside its records. Bounds and default of a duration are in milliseconds. */
export interface Parameter {
  readonly name: string;
  readonly type: 'duration' | 'int' | 'enum';
  readonly unit?: string;
  /** Members of an enum: lower-case letters, digits and _, so that they may stand in source. */
  readonly values?: readonly string[];
  readonly default: number | string;
  readonly min?: number;
  readonly max?: number;
  readonly description: string;
}

/** Parameters of which at least one is not the default. Equal texts mean equal values. */
export interface Asked {
  /** Those that differ from the default, in the manifest's order: `interval=5000 syscall=fsync`; durations in milliseconds. */
  readonly text: string;
  /** All parameters of the goal. */
  readonly values: ReadonlyMap<string, number | string>;
}

export const defaultValues = (goal: Goal): ReadonlyMap<string, number | string> =>
  new Map(goal.parameters.map((parameter) => [parameter.name, parameter.default]));

/** The values that a module of this goal is made for. */
export const valuesOf = (goal: Goal): ReadonlyMap<string, number | string> => goal.asked?.values ?? defaultValues(goal);

/** The goal, asked with these parameters. */
export const goalWith = (goal: Goal, asked: Asked | undefined): Goal => (asked === undefined ? goal : { ...goal, asked });

/** Names a goal together with its parameters: two rules with the same name share a module. */
export const askedName = (goal: string, asked: Pick<Asked, 'text'> | undefined): string =>
  asked === undefined ? goal : `${goal} (${asked.text})`;

/** "From 1 s to 1 h." for people. */
export function bounds({ type, unit, min = 0, max, values }: Parameter): string {
  if (type === 'enum') return `One of ${(values ?? []).join(', ')}.`;
  const shown = (value: number) => (type === 'duration' ? durationText(value) : `${value}${unit === undefined ? '' : ` ${unit}`}`);
  return max === undefined ? `At least ${shown(min)}.` : `From ${shown(min)} to ${shown(max)}.`;
}

/** Milliseconds as a person writes them: 1500 -> `1500ms`, 60000 -> `1m`. */
export function durationText(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
