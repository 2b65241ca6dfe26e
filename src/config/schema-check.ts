import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { TSchema } from 'typebox';
import { error, type Problem } from '../problem/problem.ts';
import { didYouMean } from '../problem/suggest.ts';
import { durationHint, parseDuration } from './duration.ts';
import type { Path, Source } from './source.ts';

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, verbose: true, strictTypes: false });
const compiled = new WeakMap<TSchema, ValidateFunction>();

/** What ajv says of a value, `source.value` unless given, that stands at `at`: each mistake once, where it stands, in words. */
export function checkSchema(source: Source, schema: TSchema, value: unknown = source.value, at: Path = []): Problem[] {
  let validate = compiled.get(schema);
  if (validate === undefined) compiled.set(schema, (validate = ajv.compile(schema)));
  if (validate(value)) return [];
  const problems = new Map<string, Problem>();
  for (const wrong of withoutBranches(validate.errors ?? [])) {
    const problem = problemOf(source, wrong, [...at, ...pathOf(wrong, value)]);
    const key = `${problem.place?.line} ${problem.place?.column} ${problem.code} ${wrong.keyword === 'required' ? problem.message : ''}`;
    if (!problems.has(key)) problems.set(key, problem);
  }
  return [...problems.values()];
}

/** Of a union only the union itself is told, or what is wrong in the one branch whose type fits. */
function withoutBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  const unions = errors.filter(
    (each) => each.keyword === 'anyOf' && !(each.parentSchema?.['anyOf'] as { const?: unknown }[]).every((branch) => 'const' in branch),
  );
  const constants = errors.filter((each) => each.keyword === 'anyOf' && !unions.includes(each));
  const inside = (each: ErrorObject, union: ErrorObject) => each !== union && each.schemaPath.startsWith(`${union.schemaPath}/`);
  return errors.flatMap((each) => {
    if (constants.some((union) => inside(each, union))) return [];
    const union = unions.find((candidate) => inside(each, candidate));
    if (union === undefined) return unions.includes(each) && fitting(errors, each).length > 0 ? [] : [each];
    return fitting(errors, union).includes(each) ? [each] : [];
  });
}

/** Mistakes inside the only branch of a union that takes values of this type. */
function fitting(errors: readonly ErrorObject[], union: ErrorObject): ErrorObject[] {
  const branches = new Map<string, ErrorObject[]>();
  for (const each of errors) {
    if (each === union || !each.schemaPath.startsWith(`${union.schemaPath}/`)) continue;
    const branch = each.schemaPath.slice(union.schemaPath.length + 1).split('/')[0] ?? '';
    branches.set(branch, [...(branches.get(branch) ?? []), each]);
  }
  const fit = [...branches.values()].filter(
    (branch) => !branch.some((each) => each.keyword === 'type' && each.instancePath === union.instancePath),
  );
  return fit.length === 1 ? (fit[0] ?? []) : [];
}

function problemOf(source: Source, wrong: ErrorObject, path: Path): Problem {
  const { keyword, params, parentSchema } = wrong as ErrorObject<string, Record<string, unknown>>;
  const schema = (parentSchema ?? {}) as { readonly [key: string]: unknown; readonly description?: string; readonly pattern?: unknown };
  const place = source.place(path);
  const name = nameOf(path);
  const takes = schema.description === undefined ? {} : { hint: `${name}: ${schema.description}` };
  switch (keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys(schema['properties'] ?? {});
      const owner = typeof path.at(-1) === 'string' ? `in ${name}` : 'here';
      return error('CONFIG_UNKNOWN_KEY', `There is no key "${key}" ${owner}${didYouMean(key, known)}`.replace(/([^?])$/, '$1.'), {
        place: source.place([...path, key], 'key'),
        hint: known.length > 0 ? `Keys: ${known.join(', ')}.` : 'It takes no keys.',
      });
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const about = ((schema['properties'] ?? {}) as Record<string, { description?: string } | undefined>)[key]?.description;
      return error('CONFIG_MISSING_KEY', `The key "${key}" is missing${typeof path.at(-1) === 'string' ? ` in ${name}` : ''}.`, {
        place,
        ...(about !== undefined && { hint: `${key}: ${about}` }),
      });
    }
    case 'type':
      return error('CONFIG_WRONG_TYPE', `${name} must be ${typeWords(params['type'])}; this is ${wordsFor(wrong.data)}.`, {
        place,
        ...(/password|secret|token/i.test(name) ? takes : typeHint(params['type'], wrong.data, takes, takesDuration(schema))),
      });
    case 'anyOf':
    case 'enum':
    case 'const': {
      const members = (params['allowedValues'] ??
        (schema['anyOf'] as { const?: unknown }[] | undefined)?.map((each) => each.const) ?? [params['allowedValue']]) as unknown[];
      if (members.includes(undefined)) return error('CONFIG_WRONG_TYPE', `${name} cannot be ${wordsFor(wrong.data)}.`, { place, ...takes });
      const words = members.map(String);
      const near = typeof wrong.data === 'string' ? didYouMean(wrong.data, words) : '';
      return error('CONFIG_WRONG_VALUE', `${name} must be one of ${words.join(', ')}${near === '' ? '.' : near}`, { place, ...takes });
    }
    case 'pattern':
      if (takesDuration(schema))
        return error('CONFIG_BAD_DURATION', `"${String(wrong.data)}" is no duration.`, { place, hint: durationHint });
      return error('CONFIG_WRONG_VALUE', `${name} does not have the form that it needs.`, { place, ...takes });
    case 'minLength':
      if (takesDuration(schema)) return error('CONFIG_BAD_DURATION', 'The duration is empty.', { place, hint: durationHint });
      return error('CONFIG_WRONG_VALUE', `${name} must not be empty.`, { place, ...takes });
    case 'minItems':
      return error('CONFIG_WRONG_VALUE', `${name} needs at least ${count(params['limit'], 'entry', 'entries')}.`, { place, ...takes });
    case 'minimum':
    case 'maximum':
      return error('CONFIG_WRONG_VALUE', `${name} must be ${keyword === 'minimum' ? 'at least' : 'at most'} ${String(params['limit'])}.`, {
        place,
        ...takes,
      });
    default:
      return error('CONFIG_WRONG_VALUE', `${name} ${wrong.message ?? 'is wrong'}.`, { place, ...takes });
  }
}

/** Sinks have a looser pattern of their own for durations; both take "5m". */
const takesDuration = (schema: { readonly pattern?: unknown }): boolean =>
  typeof schema.pattern === 'string' &&
  ['5m', '500ms', '1w'].every((text) => new RegExp(String(schema.pattern), 'u').test(text) && parseDuration(text) !== undefined) &&
  !new RegExp(schema.pattern, 'u').test('five');

const count = (limit: unknown, one: string, many: string) => `${String(limit)} ${limit === 1 ? one : many}`;

function nameOf(path: Path): string {
  const key = path.findLast((step) => typeof step === 'string');
  const last = path.at(-1);
  if (key === undefined) return 'the file';
  return typeof last === 'number' ? `entry ${last + 1} of \`${key}\`` : `\`${key}\``;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text', integer: 'a whole number', number: 'a number', boolean: 'true or false', array: 'a list', object: 'a map', null: 'nothing',
}; // prettier-ignore
const typeWords = (types: unknown): string =>
  [types]
    .flat()
    .map((type) => typeNames[String(type)] ?? String(type))
    .join(' or ');

function wordsFor(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' && !Number.isInteger(value)) return `the fraction ${value}`;
  return { string: 'text', number: 'a number', boolean: 'true or false', object: 'a map' }[typeof value as string] ?? 'something else';
}

function typeHint(type: unknown, value: unknown, otherwise: { hint?: string }, duration: boolean): { hint?: string } {
  if (duration && typeof value === 'number') return { hint: `A duration has a unit: ${value}s, ${value}m, ${value}h.` };
  if (type === 'array' && typeof value === 'string') return { hint: `A list of one: [${value}]` };
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return { hint: `In quotes it is text: "${String(value)}"` };
  if ((type === 'integer' || type === 'number') && typeof value === 'string' && /^\d+$/.test(value))
    return { hint: `Without quotes it is a number: ${value}` };
  if (type === 'boolean' && typeof value === 'string') return { hint: 'YAML 1.2 knows true and false; yes, no, on and off are text.' };
  return otherwise;
}

/** ajv's JSON pointer as steps; a step is a number where the value there is a list. */
function pathOf(wrong: ErrorObject, value: unknown): Path {
  const path: (string | number)[] = [];
  let inside = value;
  for (const part of wrong.instancePath.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const step = Array.isArray(inside) ? Number(key) : key;
    path.push(step);
    inside = (inside as Record<string | number, unknown> | null)?.[step];
  }
  return path;
}
