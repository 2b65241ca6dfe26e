import type { Item, ItemBody, RecordBody } from '../alerts/item.ts';

/** What people ask first, read from the names that fields have in every goal. Text is raw: escape it where it is shown. */
type Fields = RecordBody['fields'];

/** Records of an item, oldest first. */
export const recordsOf = (body: ItemBody): readonly RecordBody[] => (body.kind === 'alert' ? body.records : [body.record]);
export const lastRecord = (body: ItemBody): RecordBody | undefined => recordsOf(body).at(-1);

/** The host that an item is about: the only one, or undefined where there are several. */
export function hostOf(body: ItemBody): string | undefined {
  if (body.kind !== 'alert') return body.record.host;
  return body.hosts.length === 1 ? body.hosts[0] : undefined;
}

/** "10.0.3.21:443", "[2001:db8::1]:443" */
export const endpoint = (address: string, port: string): string =>
  (address.includes(':') ? `[${address}]` : address) + (port === '' ? '' : `:${port}`);

/** Gmail throws away what stands in square brackets when it compares subjects: "2001:db8::1 port 443". */
export const endpointInSubject = (address: string, port: string): string =>
  address.includes(':') && port !== '' ? `${address} port ${port}` : address + (port === '' ? '' : `:${port}`);

const textOf = (value: number | string | boolean | undefined): string => (value === undefined ? '' : String(value));

/** Both ends of the connection that the record is about; the peer alone where the near end is not known. */
export function connectionOf(fields: Fields): { readonly local?: string; readonly remote: string } | undefined {
  const to = textOf(fields['daddr']);
  if (to === '') return undefined;
  const remote = endpoint(to, textOf(fields['dport']));
  const from = textOf(fields['saddr']);
  return from === '' ? { remote } : { local: endpoint(from, textOf(fields['sport'])), remote };
}

/** "node[5121]", "node", or undefined where the record does not know its process. */
export function processOf(fields: Fields): string | undefined {
  const name = textOf(fields['comm']);
  const pid = textOf(fields['pid']);
  if (name === '' && pid === '') return undefined;
  return pid === '' ? name : `${name === '' ? 'pid ' : name}[${pid}]`;
}

export interface Series {
  /** "RTO" for the fields rto_was_ms and rto_ms. */
  readonly label: string;
  readonly values: readonly number[];
  readonly unit: 'ms';
}

/** The course of every *_ms field over the records, repeats left out: a value holds until it changes. */
export function seriesOf(records: readonly RecordBody[]): Series[] {
  const last = records.at(-1);
  if (last === undefined) return [];
  const names = Object.keys(last.fields).filter((name) => name.endsWith('_ms') && !name.endsWith('_was_ms'));
  return names.map((name) => {
    const stem = name.slice(0, -'_ms'.length);
    const all = records.flatMap(({ fields }, index) => [
      ...(index === 0 ? numbers(fields[`${stem}_was_ms`]) : []),
      ...numbers(fields[name]),
    ]);
    return { label: stem.toUpperCase().replaceAll('_', ' '), values: all.filter((value, index) => value !== all[index - 1]), unit: 'ms' };
  });
}

const numbers = (value: unknown): number[] => (typeof value === 'number' ? [value] : []);

/** The value that a subject shows: the last *_ms, "3456 ms". */
export function headline(body: ItemBody): string | undefined {
  const series = seriesOf(recordsOf(body)).find(({ values }) => values.length > 0);
  return series === undefined ? undefined : `${series.values.at(-1)} ${series.unit}`;
}

/** Fields that the parts above do not show, as "name value", in the goal's order. */
export function otherFields(fields: Fields): [string, string][] {
  const shown = new Set(['saddr', 'sport', 'daddr', 'dport', 'comm', 'pid', 'host', 'netns']);
  return Object.entries(fields)
    .filter(([name]) => !shown.has(name) && !name.endsWith('_ms'))
    .map(([name, value]) => [name, String(value)]);
}

/** What an alert is called where records have only their goal. */
export const nameOf = (item: Item): string => (item.body.kind === 'alert' ? item.body.alertname : item.goal);
