import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { error, type Problem } from '../problem/problem.ts';
import { didYouMean } from '../problem/suggest.ts';
import type { SinkConfig } from './config.ts';
import { parseDuration } from './duration.ts';
import { checkSchema } from './schema-check.ts';
import { sinkSchema, type SinkType } from './schema.ts';
import { putVariables, withoutSecrets, type Env } from './secrets.ts';
import type { Source } from './source.ts';

type Options = Record<string, unknown>;
type Keys = TSchema & { readonly properties?: Readonly<Record<string, { readonly default?: unknown; readonly pattern?: string }>> };

const schemas = new WeakMap<SinkType, TSchema>();

/** One sink of tapline.yaml: variables put in, checked, defaults filled in, paths absolute. undefined where something was wrong, which is told. */
export function readSink(
  source: Source,
  name: string,
  written: { readonly type: string },
  ports: { readonly sinkTypes: readonly SinkType[]; readonly env: Env },
  problems: Problem[],
): SinkConfig | undefined {
  const at = ['sinks', name];
  const type = ports.sinkTypes.find((each) => each.type === written.type);
  if (type === undefined) {
    const known = ports.sinkTypes.map((each) => each.type);
    const message = `There is no type of sink "${written.type}"${didYouMean(written.type, known) || '.'}`;
    problems.push(
      error('CONFIG_UNKNOWN_SINK_TYPE', message, { place: source.place([...at, 'type']), hint: `Types: ${known.join(', ')}.` }),
    );
    return undefined;
  }
  const variables = putVariables(source, written, at, ports.env);
  let schema = schemas.get(type);
  if (schema === undefined) schemas.set(type, (schema = sinkSchema(type)));
  const found = [...variables.problems, ...checkSchema(source, schema, variables.value, at)];
  const options = withDefaults(type.schema, variables.value as Options);
  // What the sink itself checks may only see what its schema allows, and no variable that was not put in.
  if (found.length === 0) {
    resolveFiles(source, at, options, found);
    for (const { path, problem } of type.check?.(options as never) ?? []) found.push({ ...problem, place: source.place([...at, ...path]) });
  }
  problems.push(...found.map((problem) => withoutSecrets(problem, variables.put)));
  return found.length > 0 ? undefined : { name, type: type.type, options, place: source.place(at, 'key') };
}

/** The sink's own options, `type` left out. */
function withDefaults(schema: Keys, value: Options): Options {
  const options: Options = {};
  for (const [key, { default: otherwise }] of Object.entries(schema.properties ?? {}))
    if (otherwise !== undefined) options[key] = otherwise;
  for (const [key, each] of Object.entries(value)) if (key !== 'type') options[key] = each;
  return options;
}

/** Keys that name files: relative ones count from tapline.yaml; those with a secret or a certificate must be readable now. Durations must be ones. */
function resolveFiles(source: Source, at: readonly string[], options: Options, problems: Problem[]): void {
  for (const [key, value] of Object.entries(options)) {
    if (typeof value !== 'string' || !(key === 'path' || key.endsWith('_file'))) continue;
    const path = resolve(dirname(source.file), value);
    options[key] = path;
    if (key === 'path') continue;
    const place = source.place([...at, key]);
    try {
      accessSync(path, constants.R_OK);
      if (statSync(path).isDirectory()) problems.push(error('CONFIG_NAMED_FILE', `${path} is a directory.`, { place }));
    } catch (cause) {
      problems.push(
        error('CONFIG_NAMED_FILE', `${path} cannot be read.`, { place, cause: cause instanceof Error ? cause.message : String(cause) }),
      );
    }
  }
  for (const key of ['digest', 'group_wait']) {
    const value = options[key];
    if (typeof value === 'string' && parseDuration(value) === undefined)
      problems.push(
        error('CONFIG_BAD_DURATION', `"${value}" is no duration.`, { place: source.place([...at, key]), hint: 'Like 10s, 5m or 1h30m.' }),
      );
  }
}
