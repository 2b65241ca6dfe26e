import type { Path } from '../config/source.ts';
import type { RawScript } from '../rules/load.ts';
import type { Field } from './goal.ts';
import { parsePattern, type Pattern } from './pattern.ts';
import { fieldType, type LineType } from './pattern-types.ts';
import { checkFieldBody, fieldFrom, lineValue, readFieldBodies, type FieldBody } from './script-fields.ts';
import type { LinePart, LineValue, Script } from './script.ts';
import type { Tell } from './tell.ts';

export interface ScriptLines {
  readonly fields: readonly Field[];
  readonly lines: Script['lines'];
  readonly ignore: Script['ignore'];
  /** A value of its lines is the record's time. */
  readonly timed: boolean;
}

/** How the lines of a script are read, and which fields come of them. `from`: the script's name, for people. */
export function readScriptLines({ body, whole }: RawScript, from: string, tell: Tell): ScriptLines | undefined {
  const bodies = readFieldBodies(body, tell);
  const ignore = (body.ignore ?? []).map((text, i) => partsOf(parse(text, ['ignore', i], tell), bodies));
  const times = new Set<string>();
  const note = ({ name, type }: LineValue) => void (fieldType(type) === undefined && times.add(name ?? ''));
  const written = body.pattern === undefined ? [] : typeof body.pattern === 'string' ? [body.pattern] : body.pattern;
  if (whole && written.length > 0 === (body.json === true)) {
    const both = body.json === true;
    tell.error(
      'SCRIPT_BAD_PATTERN',
      both ? 'Its lines are JSON, or have a pattern, not both.' : 'Nothing says what its lines look like.',
      both ? ['json'] : [],
      "pattern: '{comm}({pid:int}) open', or json: true and the keys that are wanted in `fields`.",
    );
    return undefined;
  }
  if (body.json === true) {
    const values = [...bodies].map(([name, field]) => ({ ...lineValue({ name }, field.type ?? 'text', field), name }));
    if (values.length === 0) tell.error('SCRIPT_BAD_FIELD', 'JSON lines need `fields`: the keys that are wanted.', ['json']);
    values.forEach((value) => (checkFieldBody(value.name, value.type, bodies.get(value.name), tell), note(value)));
    oneTime(times, tell, ['fields']);
    const fields = values.flatMap((value) => fieldFrom(value, bodies.get(value.name), false, from));
    return { fields, lines: { form: 'json', values }, ignore, timed: times.size > 0 };
  }
  const path = (i: number): Path => (typeof body.pattern === 'string' ? ['pattern'] : ['pattern', i]);
  const typed = typesOf(
    written.map((text, i) => [parse(text, path(i), tell), path(i)] as const),
    bodies,
    tell,
  );
  const patterns = typed.map(({ pattern, path: at }) => {
    const parts = partsOf(pattern, bodies);
    checkTexts(parts, at, tell);
    return parts;
  });
  const byName = new Map<string, { value: LineValue; count: number }>();
  for (const part of patterns.flat()) {
    if (part.kind !== 'value' || part.name === undefined) continue;
    byName.set(part.name, { value: part, count: (byName.get(part.name)?.count ?? 0) + 1 });
    note(part);
  }
  for (const name of bodies.keys())
    if (!byName.has(name) && whole) tell.errorAtKey('SCRIPT_BAD_FIELD', `No pattern has {${name}}.`, ['fields', name]);
  for (const [name, { value }] of byName) checkFieldBody(name, value.type, bodies.get(name), tell);
  oneTime(times, tell, path(0));
  const fields = [...byName.values()].flatMap(({ value, count }) =>
    fieldFrom(value, bodies.get(value.name ?? ''), count < patterns.length, from),
  );
  if (fields.length === 0 && written.length > 0 && whole)
    tell.error('SCRIPT_BAD_PATTERN', 'The pattern names no field.', path(0), "For example '{comm}({pid:int}) open'.");
  return { fields, lines: { form: 'patterns', patterns }, ignore, timed: times.size > 0 };
}

function parse(text: string, path: Path, tell: Tell): Pattern {
  const { pattern, mistakes } = parsePattern(text);
  for (const { message, hint, start, end } of mistakes) tell.errorWithin('SCRIPT_BAD_PATTERN', message, path, start, end, hint);
  return pattern;
}

/** Types that stand in a pattern hold for the name everywhere. */
function typesOf(patterns: readonly (readonly [Pattern, Path])[], bodies: Map<string, FieldBody>, tell: Tell) {
  return patterns.map(([pattern, path]) => {
    const seen = new Set<string>();
    for (const part of pattern.parts) {
      if (part.kind !== 'value' || part.name === undefined) continue;
      const { name, type } = part;
      if (seen.has(name)) tell.error('SCRIPT_BAD_PATTERN', `{${name}} stands in it twice.`, path);
      seen.add(name);
      const before = bodies.get(name);
      if (type === undefined) continue;
      if (before?.type !== undefined && before.type !== type)
        tell.error('SCRIPT_BAD_FIELD', `{${name}} is ${type} here, and ${before.type} elsewhere.`, path);
      else bodies.set(name, { ...before, type });
    }
    return { pattern, path };
  });
}

const partsOf = ({ parts }: Pattern, bodies: ReadonlyMap<string, FieldBody>): LinePart[] =>
  parts.map((part) => {
    if (part.kind !== 'value') return part;
    const body = part.name === undefined ? undefined : bodies.get(part.name);
    const type: LineType = part.type ?? body?.type ?? 'text';
    return { kind: 'value', ...lineValue(part, type, body) };
  });

/** Takes any bytes, any number of them. */
const isFree = (part: LinePart | undefined): part is LinePart & { readonly kind: 'value' } =>
  part?.kind === 'value' && part.type === 'text' && part.width === undefined && part.longest === undefined;
const isOpen = (part: LinePart | undefined): part is LinePart & { readonly kind: 'value' } =>
  part?.kind === 'value' && (part.type === 'word' || isFree(part));
const shown = ({ name }: LineValue) => `{${name ?? ''}}`;

/** Where one text ends and the next begins must be said by what stands between them; what others may write there can still mislead. */
function checkTexts(parts: readonly LinePart[], path: Path, tell: Tell): void {
  parts.forEach((part, i) => {
    const next = parts[i + 1];
    if (isOpen(part) && isOpen(next))
      tell.error('SCRIPT_BAD_PATTERN', `Nothing stands between ${shown(part)} and ${shown(next)}, so nothing says where one ends.`, path);
  });
  const free = parts.filter(isFree);
  const [first, second] = free;
  if (first === undefined || second === undefined || free.every(({ name }) => name === undefined)) return;
  tell.warning(
    'SCRIPT_AMBIGUOUS',
    `${shown(first)} and ${shown(second)} may both hold anything: a name that looks like what stands between them moves the border.`,
    path,
    'Say more about one: {comm:word} has no blanks, {comm:text:16} is a column of 16 bytes, {comm:text:..15} has at most 15, as names of processes have.',
  );
}

function oneTime(times: ReadonlySet<string>, tell: Tell, path: Path): void {
  if (times.size > 1) tell.error('SCRIPT_BAD_FIELD', `A record has one time; here are ${[...times].join(' and ')}.`, path);
  if (times.has('')) tell.error('SCRIPT_BAD_FIELD', 'The time of a record needs a name in its braces: {at:time_s}.', path);
}
