import type { FieldType } from './goal.ts';

/**
 * What a value in a line looks like. `int`: digits with or without a minus. `hex`: with or without 0x. `decimal`: with or without
 * a fraction; the record holds it times `times`. `word`: no blank in it. `text`: anything. `bool`: true or false, yes or no, 1 or 0.
 * `time_*`: the time of the record itself, in that unit; it is no field.
 */
export const lineTypes = [
  'text', 'word', 'int', 'hex', 'decimal', 'address', 'bool', 'enum', 'time_s', 'time_ms', 'time_us', 'time_ns',
] as const; // prettier-ignore
export type LineType = (typeof lineTypes)[number];

/** Microseconds in one of a time's units. */
const timeUnits: Partial<Readonly<Record<LineType, number>>> = { time_s: 1e6, time_ms: 1e3, time_us: 1, time_ns: 1e-3 };
export const timeUnitUs = (type: LineType): number | undefined => timeUnits[type];

/** The type of the goal's field; undefined for a time, which is no field. */
export function fieldType(type: LineType): FieldType | undefined {
  if (timeUnitUs(type) !== undefined) return undefined;
  if (type === 'hex' || type === 'decimal') return 'int';
  return type === 'word' ? 'text' : (type as FieldType);
}

/** `{name:type:width}`; without a name nobody wants the value. */
export interface Placeholder {
  readonly name?: string;
  /** Undefined: what `fields` says of the name, else text. */
  readonly type?: LineType;
  /** Bytes of a column of fixed width; blanks at its ends are padding. */
  readonly width?: number;
  /** At most so many bytes, nothing more is said: `..15` for a command's name. */
  readonly longest?: number;
}

const widest = 256;

/** The inside of a pair of braces; a text says what is wrong with it. */
export function readPart(inside: string): Placeholder | string {
  const [name = '', type, width, ...more] = inside.split(':');
  if (more.length > 0) return `{${inside}} has too many colons.`;
  if (name !== '' && !/^[a-z][a-z0-9_]{0,39}$/.test(name))
    return `"${name}" is no name of a field: a small letter first, then small letters, digits and _, at most 40.`;
  if (name === 'host') return 'The name "host" is taken: every record has its host.';
  if (type !== undefined && !(lineTypes as readonly string[]).includes(type)) return `There is no type "${type}".`;
  const [, upTo, bytes = ''] = /^(\.\.)?([1-9]\d{0,2})$/.exec(width ?? '') ?? [];
  if (width !== undefined && (type !== 'text' || bytes === '' || Number(bytes) > widest))
    return `Only a text has a width, of 1 to ${widest} bytes: {name:text:16}, or at most so many: {name:text:..15}.`;
  return {
    ...(name !== '' && { name }),
    ...(type !== undefined && { type: type as LineType }),
    ...(width !== undefined && (upTo === undefined ? { width: Number(bytes) } : { longest: Number(bytes) })),
  };
}
