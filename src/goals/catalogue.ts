import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { engineNames } from '../config/config.ts';
import { checkSchema } from '../config/schema-check.ts';
import { readSource, type Source } from '../config/source.ts';
import { error, fail, ok, type Problem, type Result } from '../problem/problem.ts';
import { fieldOf, type Goal, type GoalEngine, type Interval } from './goal.ts';
import { ManifestSchema, type Manifest } from './manifest.ts';
import type { Parameter } from './parameters.ts';
import { readParameter } from './with.ts';
import { parseDuration } from '../config/duration.ts';

/** Goals by id, in the order of their ids. */
export type Catalogue = ReadonlyMap<string, Goal>;

/** Every folder with a goal.yaml in it is a goal. */
export function loadGoals(folder: string): Result<Catalogue> {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (cause) {
    return fail(error('GOAL_FOLDER_MISSING', `The folder of goals, ${folder}, cannot be read.`, { cause: String(cause) }));
  }
  const goals = new Map<string, Goal>();
  const problems: Problem[] = [];
  for (const name of names) {
    const file = join(folder, name, 'goal.yaml');
    if (!existsSync(file)) continue;
    const read = readSource(file);
    problems.push(...read.problems);
    if (!read.ok) continue;
    const wrong = checkSchema(read.value, ManifestSchema);
    problems.push(...wrong);
    if (wrong.length > 0) continue;
    const goal = goalOf(read.value.value as Manifest, join(folder, name));
    problems.push(...checkGoal(goal, name, read.value));
    goals.set(goal.id, goal);
  }
  return problems.some((problem) => problem.severity === 'error') ? fail(...problems) : ok(goals, problems);
}

function goalOf(manifest: Manifest, folder: string): Goal {
  const engines: Partial<Record<(typeof engineNames)[number], GoalEngine>> = {};
  const cannot: Partial<Record<(typeof engineNames)[number], string>> = {};
  for (const name of engineNames) {
    const engine = name === 'replay' ? undefined : manifest.engines?.[name];
    if (engine?.cannot !== undefined) cannot[name] = engine.cannot.trim();
    else if (engine !== undefined)
      engines[name] = { ...engine, fidelity: engine.fidelity ?? 'event', unknown: engine.unknown ?? [], push: engine.push ?? [] };
  }
  return {
    id: manifest.id,
    title: manifest.title,
    description: manifest.description.trim(),
    ...(manifest.how !== undefined && { how: manifest.how.trim() }),
    symptoms: manifest.symptoms,
    cost: manifest.cost,
    fields: Object.entries(manifest.fields).map(([name, field]) => ({ name, ...field, optional: field.optional ?? false })),
    key: manifest.key,
    ...(manifest.forget && { forget: manifest.forget }),
    engines,
    cannot,
    parameters: Object.entries(manifest.parameters ?? {}).map(([name, parameter]): Parameter => {
      const { min, max, default: usual, ...more } = parameter;
      const number = (value: string | number | undefined) => (typeof value === 'string' ? (parseDuration(value) ?? NaN) : value);
      const [least, most] = [number(min), number(max)];
      return {
        name,
        ...more,
        default: parameter.type === 'duration' ? (number(usual) ?? NaN) : usual,
        ...(least !== undefined && { min: least }),
        ...(most !== undefined && { max: most }),
      };
    }),
    ...(manifest.interval && { interval: manifest.interval }),
    folder,
  };
}

/** What a schema cannot say: names that must be fields, enums that need members, templates that must be there. */
function checkGoal(goal: Goal, folderName: string, source: Source): Problem[] {
  const problems: Problem[] = [];
  const wrong = (message: string, path: readonly (string | number)[]) =>
    problems.push(error('GOAL_MANIFEST_WRONG', message, { place: source.place(path) }));
  checkParameters(goal, source, wrong);
  if (goal.interval !== undefined) checkInterval(goal, goal.interval, wrong);
  const written = (source.value as Manifest).engines ?? {};
  for (const name of Object.keys(goal.cannot))
    if (Object.keys(written[name as keyof typeof written] ?? {}).length > 1)
      wrong('An engine that cannot answer says nothing else.', ['engines', name]);
  if (goal.id !== folderName) wrong(`The goal ${goal.id} stands in a folder named ${folderName}.`, ['id']);
  goal.key.forEach((name, i) => fieldOf(goal, name) ?? wrong(`${goal.id} has no field "${name}".`, ['key', i]));
  goal.forget?.fields.forEach((name, i) => {
    const field = goal.fields.find((each) => each.name === name);
    if (field === undefined || field.optional || field.type === 'text')
      wrong(`${name} cannot name what ended: it must be a field that is always known, and no text.`, ['forget', 'fields', i]);
  });
  for (const field of goal.fields)
    if ((field.type === 'enum') !== (field.values !== undefined))
      wrong(`${field.name}: an enum, and only an enum, has values.`, ['fields', field.name]);
  for (const [name, engine] of Object.entries(goal.engines)) {
    const at = (key: string, i?: number) => ['engines', name, key, ...(i === undefined ? [] : [i])];
    for (const key of ['push', 'unknown'] as const)
      engine[key].forEach((field, i) => {
        const found = goal.fields.find((each) => each.name === field);
        if (found === undefined) wrong(`${goal.id} has no field "${field}".`, at(key, i));
        else if ((key === 'push') === found.optional)
          wrong(
            key === 'push'
              ? `${field} may be unknown, so no condition on it can be pushed.`
              : `${field} is not optional, so it cannot be unknown.`,
            at(key, i),
          );
      });
    if (engine.template !== undefined && !existsSync(join(goal.folder ?? '', engine.template)))
      wrong(`The template ${engine.template} is not there.`, at('template'));
    if ((engine.template === undefined) === (engine.reader === undefined))
      wrong('An engine has either a template or a reader.', ['engines', name]);
  }
  return problems;
}

type Wrong = (message: string, path: readonly (string | number)[]) => void;

function checkParameters(goal: Goal, source: Source, wrong: Wrong): void {
  const written = (source.value as Manifest).parameters ?? {};
  for (const parameter of goal.parameters) {
    if ((parameter.type === 'enum') !== (parameter.values !== undefined))
      wrong(`${parameter.name}: an enum, and only an enum, has values.`, ['parameters', parameter.name]);
    const usual = readParameter(parameter, written[parameter.name]?.default);
    if (typeof usual === 'object')
      wrong(`${parameter.name}: its own default is wrong: ${usual.wrong}`, ['parameters', parameter.name, 'default']);
  }
}

/** Every field of an interval goal is part of its key, made of its events, or the length of the interval. */
function checkInterval(goal: Goal, interval: Interval, wrong: Wrong): void {
  const made = ['interval_ms', ...interval.key, ...Object.keys(interval.values)];
  for (const { name } of goal.fields)
    if (!made.includes(name)) wrong(`${name} is neither key nor value of the interval.`, ['fields', name]);
  for (const name of made) if (!goal.fields.some((field) => field.name === name)) wrong(`${goal.id} has no field "${name}".`, ['interval']);
  if (!goal.parameters.some(({ name, type }) => name === 'interval' && type === 'duration'))
    wrong('An interval goal has a parameter `interval`, a duration.', ['interval']);
  const early = interval.key.slice(0, -1).map((name) => goal.fields.find((field) => field.name === name));
  // A disk's name has no commas in it.
  if (early.some((field) => field?.type === 'text' && field.unit !== 'disk'))
    wrong('A text in the key of an interval stands last.', ['interval', 'key']);
}
