import type { RawScript } from '../rules/load.ts';
import type { Field } from './goal.ts';
import { fieldType, lineTypes, type LineType, type Placeholder } from './pattern-types.ts';
import type { LineValue } from './script.ts';
import type { Tell } from './tell.ts';

/** What `fields` says about a field. */
export type FieldBody = Exclude<NonNullable<RawScript['body']['fields']>[string], string>;

/** `fields` of a script with short forms (`pid: int`) made long; names and types that are none are told. */
export function readFieldBodies(body: RawScript['body'], tell: Tell): Map<string, FieldBody> {
  const bodies = new Map<string, FieldBody>();
  for (const [name, written] of Object.entries(body.fields ?? {})) {
    const long: FieldBody = typeof written === 'string' ? { type: written as LineType } : written;
    if (!/^[a-z][a-z0-9_]{0,39}$/.test(name) || name === 'host')
      tell.errorAtKey(
        'SCRIPT_BAD_FIELD',
        name === 'host' ? 'The name "host" is taken: every record has its host.' : `"${name}" is no name of a field.`,
        ['fields', name],
        'A small letter first, then small letters, digits and _, at most 40.',
      );
    else if (long.type !== undefined && !(lineTypes as readonly string[]).includes(long.type))
      tell.error('SCRIPT_BAD_FIELD', `There is no type "${String(long.type)}".`, ['fields', name], `Types: ${lineTypes.join(', ')}.`);
    else bodies.set(name, long);
  }
  return bodies;
}

/** A value of a line, as its field says; what does not go together is told. */
export function lineValue({ name, width, longest }: Placeholder, type: LineType, body: FieldBody | undefined): LineValue {
  return {
    ...(name !== undefined && { name }),
    type,
    ...(width !== undefined && { width }),
    ...(longest !== undefined && { longest }),
    ...(body?.values !== undefined && { values: body.values }),
    ...(body?.unknown !== undefined && { unknown: body.unknown }),
    times: body?.times ?? 1,
  };
}

/** What contradicts itself in one field, told once. */
export function checkFieldBody(name: string, type: LineType, body: FieldBody | undefined, tell: Tell): void {
  const wrong = (key: string, message: string, hint?: string) =>
    tell.error('SCRIPT_BAD_FIELD', message, body !== undefined && key in body ? ['fields', name, key] : ['fields', name], hint);
  const values = body?.values;
  if ((type === 'enum') !== (values !== undefined))
    wrong('values', `${name}: an enum, and only an enum, has values.`, `fields: { ${name}: { type: enum, values: [A, B] } }`);
  if (values !== undefined && (values.length === 0 || values.length > 200 || new Set(values).size < values.length))
    wrong('values', `${name}: an enum has 1 to 200 different values.`);
  if (body?.times !== undefined && type !== 'decimal') wrong('times', `${name}: only a decimal is held times something.`);
}

/** The goal's field of a value; a time is none. */
export function fieldFrom(
  { name = '', type, values, times }: LineValue,
  body: FieldBody | undefined,
  sometimes: boolean,
  from: string,
): Field[] {
  const kind = fieldType(type);
  if (kind === undefined) return [];
  return [
    {
      name,
      type: kind,
      ...(body?.unit !== undefined && { unit: body.unit }),
      ...(values !== undefined && { values }),
      optional: sometimes || body?.unknown !== undefined || body?.optional === true,
      description: body?.description ?? `\`${name}\` as ${from} prints it${times === 1 ? '' : `, times ${times}`}.`,
    },
  ];
}
