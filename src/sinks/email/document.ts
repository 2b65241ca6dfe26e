import { isIP } from 'node:net';
import type { AlertBody, Item, RecordBody } from '../../alerts/item.ts';
import { printable } from '../../problem/printable.ts';
import { connectionOf, endpointInSubject, headline, otherFields, processOf, seriesOf } from '../facts.ts';
import { clockSeconds, clockTime, dateTime, offsetText, roughly, span, usOf, type Zone } from '../times.ts';
import { isTest } from '../testmessage.ts';

/** What a mail says, before it is text or HTML. Every string is printable already: shown as it is, escaped for HTML only. */
export interface MailDocument {
  readonly subject: string;
  /** What a list of mails shows beside the subject. */
  readonly preheader: string;
  readonly tone: 'firing' | 'warning' | 'resolved' | 'digest' | 'test';
  /** First line of the text. */
  readonly opening: string;
  /** The same for the coloured bar, short: a shape, a word, the time. */
  readonly bar: string;
  /** One sentence: who, what, value. */
  readonly heading: string;
  readonly paragraphs: readonly string[];
  readonly facts: readonly { readonly label: string; readonly lines: readonly string[] }[];
  readonly groups: readonly MailGroup[];
  readonly links: readonly { readonly label: string; readonly url: string }[];
  readonly commands: readonly string[];
  readonly records: readonly string[];
  readonly footer: readonly string[];
}

/** Alerts or records of one rule in a digest. */
export interface MailGroup {
  readonly title: string;
  readonly summary: string;
  readonly rows: readonly string[];
  readonly more: number;
}

export interface MailScene {
  readonly sink: string;
  readonly hostname: string;
  readonly zone: Zone;
}

/** A value from a kernel or a rule, fit for one cell: printable, and never so long that it becomes the whole mail. */
export const cell = (text: string, most = 300): string => {
  const shown = printable(text);
  return shown.length <= most ? shown : `${shown.slice(0, most).replace(/[\ud800-\udbff]$/, '')} [${shown.length - most} more characters]`;
};

/** With the state before it a subject stays within 78 characters (RFC 5322 2.1.1). */
const identityMost = 56;

/** The end, the rule's name, matters more than the middle. */
function fitting(identity: string): string {
  const characters = [...identity];
  if (characters.length <= identityMost) return identity;
  return `${characters.slice(0, 28).join('')}...${characters.slice(-(identityMost - 31)).join('')}`;
}

/** "api-7 -> 10.0.3.21:443 postgres: RetransmitTimeoutGrew": the part of a subject that is the same for firing and resolved. */
export function subjectIdentity(body: AlertBody): string {
  const fields = body.records.at(-1)?.fields ?? {};
  const host = body.hosts.length === 1 ? (body.hosts[0] ?? '') : `${body.hosts.length} hosts`;
  const peer = fields['daddr'] === undefined ? '' : ` -> ${endpointInSubject(String(fields['daddr']), String(fields['dport'] ?? ''))}`;
  const process = fields['comm'] === undefined ? '' : ` ${cell(String(fields['comm']), 32)}`;
  const name = cell(body.alertname, 60);
  const short = cell(host, 24) + cell(peer, 56);
  const whole = `${short}${process}: ${name}`;
  return fitting(whole.length <= identityMost ? whole : `${short}: ${name}`);
}

/** The mail of one alert: firing, resolved, or a test. */
export function alertDocument(item: Item, body: AlertBody, scene: MailScene): MailDocument {
  const { zone } = scene;
  const startUs = usOf(body.starts_at);
  const severity = item.severity;
  const resolved = body.state === 'resolved';
  const endUs = usOf(body.ends_at ?? body.time);
  const lasted = span(endUs - startUs);
  const value = headline(body);
  const summary = cell(item.summary, 500);
  const base = {
    heading: summary,
    paragraphs: paragraphsOf(body, summary),
    groups: [],
    links: runbook(body),
    footer: footerOf(item, body, scene),
  };
  if (isTest(item))
    return {
      ...base,
      ...{
        tone: 'test',
        subject: `[TEST] Tapline on ${cell(scene.hostname, 40)}: sink ${scene.sink}`,
        preheader: summary,
        facts: [],
        commands: [],
        records: [],
      },
      opening: `TEST  ${dateTime(startUs, zone)}`,
      bar: `\u25cf TEST \u00b7 ${clockSeconds(startUs, zone)}`,
    };
  const facts = factsOf(body, zone);
  const records = body.records.toReversed().map((record) => recordLine(record, zone));
  if (resolved)
    return {
      ...base,
      tone: 'resolved',
      subject: `[OK after ${roughly(endUs - startUs)}] ${subjectIdentity(body)}`,
      preheader: `Over at ${clockSeconds(endUs, zone)}. ${body.total} in all.`,
      opening: `RESOLVED  ${severity}  ${clockSeconds(startUs, zone)} to ${clockSeconds(endUs, zone)} ${offsetText(endUs, zone)} (${lasted})`,
      bar: `\u2714 RESOLVED \u00b7 after ${roughly(endUs - startUs)}`,
      facts: [...facts, { label: 'How it ended', lines: [`not seen any more for as long as the rule asks (keep_firing_for)`] }],
      commands: [],
      records,
    };
  return {
    ...base,
    tone: ['emerg', 'alert', 'crit', 'err'].includes(severity) ? 'firing' : 'warning',
    subject: `[FIRING${value === undefined ? '' : ` ${value}`}] ${subjectIdentity(body)}`,
    preheader: `${body.count} of: ${cell(body.condition, 80)}. ${summary}`,
    opening: `FIRING${body.repeat > 0 ? ' STILL' : ''}  ${severity}  since ${dateTime(startUs, zone)}`,
    bar: `\u25b2 FIRING \u00b7 ${severity} \u00b7 ${clockSeconds(startUs, zone)}`,
    facts,
    commands: commandsOf(body.records),
    records,
  };
}

function paragraphsOf(body: AlertBody, summary: string): string[] {
  const description = cell(body.annotations['description'] ?? '', 2000);
  const more = Object.entries(body.annotations)
    .filter(([name]) => name !== 'summary' && name !== 'description')
    .map(([name, text]) => `${cell(name, 60)}: ${cell(text, 500)}`);
  return [...(description !== '' && description !== summary ? [description] : []), ...more];
}

function factsOf(body: AlertBody, zone: Zone): MailDocument['facts'] {
  const last = body.records.at(-1);
  const facts: { label: string; lines: string[] }[] = [];
  const add = (label: string, ...lines: string[]) => facts.push({ label, lines });
  if (last !== undefined) {
    const connection = connectionOf(last.fields);
    const state = last.fields['state'] === undefined ? '' : ` (${cell(String(last.fields['state']))})`;
    if (connection?.local !== undefined) add('Connection', cell(connection.local), `-> ${cell(connection.remote)}${state}`);
    else if (connection !== undefined) add('Peer', cell(connection.remote) + state);
    add('Process', processText(last));
    for (const { label, values, unit } of seriesOf(body.records)) if (values.length > 0) add(label, `${values.join(' > ')} ${unit}`);
    for (const [name, value] of otherFields(last.fields)) if (name !== 'state') add(cell(name, 32), cell(value));
  }
  if (body.hosts.length > 1)
    add('Hosts', cell(body.hosts.slice(0, 20).join(', ')) + (body.hosts.length > 20 ? ` and ${body.hosts.length - 20} more` : ''));
  const now = body.state === 'firing' ? `${body.count} now, ` : '';
  add('How often', `${now}${body.total} in all (rule: ${cell(body.condition)})`);
  add(
    'First seen',
    dateTime(usOf(body.first_seen), zone),
    `(${body.first_seen.slice(11, 23)} UTC${last === undefined ? '' : `, +-${Math.max(1, Math.ceil(last.time_error_us / 1000))} ms`})`,
  );
  add('Last seen', dateTime(usOf(body.last_seen), zone));
  const { unmatched, unchanged, suppressed, lost } = body.not_counted;
  add('Not counted', `${unmatched} not matched by the rule; ${unchanged} unchanged;`, `${suppressed} suppressed; ${lost} lost`);
  if (last !== undefined)
    add('Seen by', `${cell(last.engine)}, ${last.fidelity === 'event' ? 'every event' : 'sampled: between two looks'}`);
  return facts;
}

function processText({ fields }: RecordBody): string {
  if (processOf(fields) === undefined) return 'unknown';
  const parts = [
    ...(fields['comm'] === undefined ? [] : [cell(String(fields['comm']))]),
    ...(fields['pid'] === undefined ? [] : [`pid ${cell(String(fields['pid']))}`]),
  ];
  return parts.join(', ');
}

const runbook = (body: AlertBody): MailDocument['links'] =>
  body.runbook_url === undefined ? [] : [{ label: 'Runbook', url: cell(body.runbook_url, 1000) }];

/** Commands to paste. Only an address that is one gets into a command line. */
function commandsOf(records: readonly RecordBody[]): string[] {
  const peer = String(records.at(-1)?.fields['daddr'] ?? '');
  return isIP(peer) === 0 ? [] : [`ss -tino dst ${isIP(peer) === 6 ? `'[${peer}]'` : peer}`];
}

/** "14:03:13.698  rto_was_ms 1728  rto_ms 3456  backoff 4" */
export function recordLine(record: RecordBody, zone: Zone): string {
  const values = Object.entries(record.fields)
    .filter(([name]) => name.endsWith('_ms') || !['saddr', 'sport', 'daddr', 'dport', 'comm', 'pid', 'netns'].includes(name))
    .map(([name, value]) => `${cell(name, 32)} ${cell(String(value), 80)}`);
  return `${clockTime(usOf(record.time), zone)}  ${values.join('  ')}`;
}

function footerOf(item: Item, body: AlertBody, scene: MailScene): string[] {
  return [
    `Rule ${cell(body.rule, 80)}, ${cell(body.place, 120)}, group ${cell(body.group, 40)}, sink ${scene.sink}.`,
    ...(body.state === 'firing' && !isTest(item) ? ['Next mail about it: when it is over, or as a reminder while it still fires.'] : []),
    `Sent by Tapline on ${cell(scene.hostname, 80)}.`,
  ];
}
