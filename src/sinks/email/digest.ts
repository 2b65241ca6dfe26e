import type { AlertBody, Item, ItemBody } from '../../alerts/item.ts';
import type { Notification } from '../../delivery/sink.ts';
import { connectionOf, endpoint, headline, lastRecord, processOf } from '../facts.ts';
import { clockSeconds, dateOf, offsetText, span, usOf } from '../times.ts';
import { cell, type MailDocument, type MailGroup, type MailScene } from './document.ts';

const mostRows = 20;
const firstRowsOfARule = 3;

interface AlertItem extends Item {
  readonly body: AlertBody;
}
const isAlert = (item: Item): item is AlertItem => item.body.kind === 'alert';

/** The mail of several items: each alert once, in its last state, worst first; records counted by rule with the latest shown. */
export function digestDocument(notification: Notification, scene: MailScene): MailDocument {
  const { zone } = scene;
  const { items, heldBack } = notification;
  const alerts = [...new Map(items.filter(isAlert).map((item) => [item.body.fingerprint, item])).values()];
  const others = items.filter((item) => item.body.kind !== 'alert');
  const firing = alerts.filter(({ body }) => body.state === 'firing').length;
  const fromUs = heldBack?.windowFromUs ?? Math.min(...items.map(({ timeUs }) => timeUs));
  const toUs = heldBack?.windowToUs ?? Math.max(...items.map(({ timeUs }) => timeUs));
  const time = `${clockSeconds(fromUs, zone)} to ${clockSeconds(toUs, zone)} ${offsetText(toUs, zone)}`;
  const counts = [
    ...(alerts.length > 0 ? [stateCounts(firing, alerts.length - firing)] : []),
    ...(others.length > 0 ? [recordCounts(others)] : []),
  ].join(', ');
  const most = mostOfIt(alerts.length > 0 ? alerts : others);
  const what = alerts.length > 0 ? `${plural(alerts.length, 'alert')}, ${firing} firing` : recordCounts(others);
  return {
    subject: `[${what}] Tapline ${scene.sink} digest ${dateOf(toUs, zone)}`,
    preheader: most ?? counts,
    tone: 'digest',
    opening: `DIGEST  ${time}   ${counts}`,
    bar: `\u25a0 DIGEST \u00b7 ${clockSeconds(toUs, zone)}`,
    heading: most ?? `${counts} in ${span(toUs - fromUs)}`,
    paragraphs: [],
    facts: [],
    groups: shortened([...alertGroups(alerts, scene), ...recordGroups(others, scene)]),
    links: [],
    commands: [],
    records: [],
    footer: [
      ...notCounted(alerts),
      `Why a digest: ${heldBack?.digestOf ?? items.length} notifications in ${span(toUs - fromUs)}; sink ${scene.sink} collects them.`,
      `Sent by Tapline on ${cell(scene.hostname, 80)}.`,
    ],
  };
}

const stateCounts = (firing: number, resolved: number): string =>
  [...(firing > 0 ? [`${firing} firing`] : []), ...(resolved > 0 ? [`${resolved} resolved`] : [])].join(', ');

const plural = (count: number, word: string, many = `${word}s`): string => `${count} ${count === 1 ? word : many}`;

function recordCounts(items: readonly Item[]): string {
  const of = (kind: ItemBody['kind']) => items.filter((item) => item.kind === kind);
  const told = (kind: 'suppressed' | 'lost') => of(kind).reduce((sum, { body }) => sum + (body.kind === kind ? (body.count ?? 0) : 0), 0);
  const unknown = of('lost').filter(({ body }) => body.kind === 'lost' && body.count === undefined).length;
  return [
    ...(of('record').length > 0 ? [plural(of('record').length, 'record')] : []),
    ...(of('suppressed').length > 0 ? [`${told('suppressed')} suppressed`] : []),
    ...(told('lost') > 0 ? [`${told('lost')} lost`] : []),
    ...(unknown > 0 ? [`${plural(unknown, 'loss', 'losses')} of unknown size`] : []),
  ].join(', ');
}

/** The peer that a good part shares: the cause that a flood of mails should name. */
function mostOfIt(items: readonly Item[]): string | undefined {
  const peers = new Map<string, Item[]>();
  for (const item of items) {
    const fields = lastRecord(item.body)?.fields;
    if (fields?.['daddr'] === undefined) continue;
    const peer = endpoint(String(fields['daddr']), String(fields['dport'] ?? ''));
    peers.set(peer, [...(peers.get(peer) ?? []), item]);
  }
  const [peer, of] = [...peers].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  if (peer === undefined || of === undefined || of.length < 2 || of.length * 3 < items.length) return undefined;
  const hosts = new Set(of.flatMap(({ body }) => (body.kind === 'alert' ? body.hosts : [body.record.host])));
  const word = of[0]?.kind === 'alert' ? 'alerts' : 'records';
  return `Most of it: ${cell(peer)} (${of.length} of ${items.length} ${word}, ${plural(hosts.size, 'host')})`;
}

const by = <K, T>(items: readonly T[], key: (item: T) => K): [K, T[]][] => {
  const map = new Map<K, T[]>();
  for (const item of items) {
    const name = key(item);
    const of = map.get(name);
    if (of === undefined) map.set(name, [item]);
    else of.push(item);
  }
  return [...map];
};

function alertGroups(alerts: readonly AlertItem[], scene: MailScene): MailGroup[] {
  const worth = ({ body }: AlertItem) => Number.parseFloat(headline(body) ?? '0');
  return by(alerts, ({ rule }) => rule)
    .map(([rule, of]) => {
      const firing = of.filter(({ body }) => body.state === 'firing').length;
      const hosts = new Set(of.flatMap(({ body }) => body.hosts));
      const sorted = of.toSorted((a, b) => Number(b.body.state === 'firing') - Number(a.body.state === 'firing') || worth(b) - worth(a));
      const worst = headline(of.toSorted((a, b) => worth(b) - worth(a))[0]?.body ?? of[0]!.body);
      const states = stateCounts(firing, of.length - firing);
      return {
        title: cell(rule, 60),
        summary: `${states}, ${plural(hosts.size, 'host')}${worst === undefined ? '' : `, worst ${worst}`}`,
        rows: sorted.map(({ body, summary }) => alertRow(body, summary, scene)),
        more: 0,
        firing,
      };
    })
    .toSorted((a, b) => b.firing - a.firing || b.rows.length - a.rows.length);
}

function alertRow(body: AlertBody, summary: string, { zone }: MailScene): string {
  const fields = body.records.at(-1)?.fields ?? {};
  const process = processOf(fields);
  const peer = connectionOf(fields)?.remote;
  const who = body.hosts.length === 1 ? cell(body.hosts[0] ?? '', 40) : plural(body.hosts.length, 'host');
  const what = peer === undefined ? cell(summary, 100) : `-> ${cell(peer, 60)}${process === undefined ? '' : `  ${cell(process, 40)}`}`;
  const value = headline(body);
  const when =
    body.state === 'firing'
      ? `since ${clockSeconds(usOf(body.starts_at), zone)}`
      : `over at ${clockSeconds(usOf(body.ends_at ?? body.time), zone)}`;
  return [`${who} ${what}`, ...(value === undefined ? [] : [value]), when].join('  ');
}

function recordGroups(items: readonly Item[], { zone }: MailScene): MailGroup[] {
  return by(items, ({ rule }) => rule).map(([rule, of]) => ({
    title: cell(rule, 60),
    summary: recordCounts(of),
    rows: of.toReversed().map((item) => `${clockSeconds(usOf(item.body.time), zone)}  ${cell(item.summary, 160)}`),
    more: 0,
  }));
}

/** At most twenty rows in all: three a rule at first, what room is left goes to the first rules. */
function shortened(groups: readonly MailGroup[]): MailGroup[] {
  const shown = groups.slice(0, mostRows);
  const given = shown.map(({ rows }) => Math.min(rows.length, firstRowsOfARule));
  let used = 0;
  for (const [index, rows] of given.entries()) {
    given[index] = Math.max(0, Math.min(rows, mostRows - used));
    used += given[index] ?? 0;
  }
  for (const [index, { rows }] of shown.entries()) {
    const extra = Math.min(rows.length - (given[index] ?? 0), mostRows - used);
    given[index] = (given[index] ?? 0) + extra;
    used += extra;
  }
  const cut = shown.map((group, index) => ({
    ...group,
    rows: group.rows.slice(0, given[index]),
    more: group.rows.length - (given[index] ?? 0),
  }));
  const left = groups.slice(mostRows);
  if (left.length === 0) return cut;
  const rest = left.reduce((sum, { rows }) => sum + rows.length, 0);
  return [...cut, { title: `and ${plural(left.length, 'more rule')}`, summary: `${rest} more`, rows: [], more: 0 }];
}

/** A rule's counts stand in each of its alerts: taken once a rule, the largest. */
function notCounted(alerts: readonly AlertItem[]): string[] {
  if (alerts.length === 0) return [];
  const sum = { unmatched: 0, suppressed: 0, lost: 0 };
  for (const [, of] of by(alerts, ({ rule }) => rule)) {
    const most = (pick: (body: AlertBody) => number) => Math.max(...of.map(({ body }) => pick(body)));
    sum.unmatched += most(({ not_counted }) => not_counted.unmatched);
    sum.suppressed += most(({ not_counted }) => not_counted.suppressed);
    sum.lost += most(({ not_counted }) => not_counted.lost);
  }
  return [`Not counted by these rules: ${sum.unmatched} not matched, ${sum.suppressed} suppressed, ${sum.lost} lost.`];
}
