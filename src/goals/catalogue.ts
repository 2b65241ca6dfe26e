import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { engineNames } from '../config/config.ts';
import { checkSchema } from '../config/schema-check.ts';
import { readSource, type Source } from '../config/source.ts';
import { error, fail, ok, type Problem, type Result } from '../problem/problem.ts';
import { fieldOf, type Goal, type GoalEngine } from './goal.ts';
import { ManifestSchema, type Manifest } from './manifest.ts';

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
  for (const name of engineNames) {
    const engine = name === 'replay' ? undefined : manifest.engines?.[name];
    if (engine !== undefined) engines[name] = { ...engine, unknown: engine.unknown ?? [], push: engine.push ?? [] };
  }
  return {
    id: manifest.id,
    title: manifest.title,
    description: manifest.description.trim(),
    symptoms: manifest.symptoms,
    cost: manifest.cost,
    fields: Object.entries(manifest.fields).map(([name, field]) => ({ name, ...field, optional: field.optional ?? false })),
    key: manifest.key,
    engines,
    folder,
  };
}

/** What a schema cannot say: names that must be fields, enums that need members, templates that must be there. */
function checkGoal(goal: Goal, folderName: string, source: Source): Problem[] {
  const problems: Problem[] = [];
  const wrong = (message: string, path: readonly (string | number)[]) =>
    problems.push(error('GOAL_MANIFEST_WRONG', message, { place: source.place(path) }));
  if (goal.id !== folderName) wrong(`The goal ${goal.id} stands in a folder named ${folderName}.`, ['id']);
  goal.key.forEach((name, i) => fieldOf(goal, name) ?? wrong(`${goal.id} has no field "${name}".`, ['key', i]));
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
