import type { TapRecord } from '../decode/batch.ts';
import type { Goal } from '../goals/goal.ts';

type Fields = TapRecord['fields'];
type Phrase = (fields: Fields, spent: Set<string>) => string | undefined;

/** A value that is known, marked as said. */
const say = (fields: Fields, spent: Set<string>, name: string): string | undefined => {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined) return undefined;
  spent.add(name);
  return String(value);
};

/** `[2001:db8::1]:443`, as in a URL (RFC 3986 3.2.2), or `192.0.2.1:443`. */
const endpoint = (address: string | undefined, port: string | undefined): string | undefined => {
  if (address === undefined) return undefined;
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
};

const process: Phrase = (fields, spent) => {
  const name = say(fields, spent, 'comm');
  const pid = say(fields, spent, 'pid');
  if (name === undefined) return pid === undefined ? undefined : `pid ${pid}`;
  return pid === undefined ? name : `${name}[${pid}]`;
};

const connection: Phrase = (fields, spent) => {
  const from = endpoint(say(fields, spent, 'saddr'), say(fields, spent, 'sport'));
  const to = endpoint(say(fields, spent, 'daddr'), say(fields, spent, 'dport'));
  if (from !== undefined && to !== undefined) return `${from} -> ${to}`;
  return to !== undefined ? `-> ${to}` : from;
};

const path: Phrase = (fields, spent) => {
  const text = say(fields, spent, 'path');
  if (text === undefined) return undefined;
  return fields['path_cut'] === true ? `${text} (cut)` : text;
};

/** `RTO 204 -> 408 ms` from rto_was_ms and rto_ms, `RTO 408 ms` from rto_ms alone. */
const measure = (fields: Fields, spent: Set<string>, name: string, unit: string): string | undefined => {
  const stem = name.slice(0, -unit.length - 1);
  const now = say(fields, spent, name);
  const was = say(fields, spent, `${stem}_was_${unit}`);
  if (now === undefined) return undefined;
  const title = stem.length <= 4 ? stem.toUpperCase() : stem.replaceAll('_', ' ');
  return was === undefined ? `${title} ${now} ${unit}` : `${title} ${was} -> ${now} ${unit}`;
};

const measuredUnits = new Set(['ms', 'us', 'ns', 's', 'bytes']);
/** Said by none: they are in the record for those who look there. */
const quiet = ['netns', 'uid', 'segs', 'backoff', 'flags', 'path_cut'];

/** One line for a person about one record, made from the names and units of its goal's fields: whose, which, what. */
export function recordSentence(goal: Goal, record: Pick<TapRecord, 'fields'>): string {
  const { fields } = record;
  const spent = new Set(quiet);
  // Of a connection the state is a detail; of anything else it is the news.
  if (Object.hasOwn(fields, 'daddr')) spent.add('state');
  const resent = goal.fields.some((field) => field.name === 'segs');
  const subject = [process, connection, path].map((phrase) => phrase(fields, spent)).filter((text) => text !== undefined);
  const facts: string[] = [];
  for (const field of goal.fields) {
    if (spent.has(field.name) || field.name.includes('_was_')) continue;
    const unit = field.unit ?? '';
    const value = Object.hasOwn(fields, field.name) ? fields[field.name] : undefined;
    if (value === undefined) continue;
    if (measuredUnits.has(unit) && field.name.endsWith(`_${unit}`) && typeof value === 'number' && !/^(from|to)_us$/.test(field.name)) {
      const text = measure(fields, spent, field.name, unit);
      if (text !== undefined) facts.push(text);
    } else if (unit === 'errno' || unit === 'fd' || unit === 'result') {
      if (typeof value === 'number' && value < 0) facts.push(errnoText(value));
    } else if (field.type === 'enum') {
      facts.push(resent && field.name === 'kind' ? `${value} again` : String(value));
    } else if (field.name === 'count' && unit !== '') {
      facts.push(`${value} ${unit}`);
    } else if (!/_us$/.test(field.name)) {
      facts.push(`${field.name.replaceAll('_', ' ')} ${value}`);
    }
  }
  const sentence = [subject.join('  '), facts.join(', ')].filter((text) => text !== '').join('  ');
  return sentence === '' ? goal.title : sentence;
}

/** errno(3), the ones a person meets in probes of files and sockets. */
const errnoNames: Readonly<Record<number, string>> = {
  1: 'not permitted',
  2: 'no such file',
  4: 'interrupted',
  11: 'try again',
  13: 'permission denied',
  17: 'exists already',
  20: 'not a directory',
  21: 'is a directory',
  24: 'too many open files',
  28: 'no space left',
  30: 'read-only file system',
  40: 'too many symbolic links',
  100: 'network is down',
  101: 'network unreachable',
  105: 'no buffer space',
  113: 'no route to host',
};

const errnoText = (value: number): string => {
  const name = errnoNames[-value];
  return name === undefined ? `failed (${value})` : `failed: ${name} (${value})`;
};
