import type { Item } from '../../alerts/item.ts';
import { printable } from '../../problem/printable.ts';
import { severities } from '../../rules/rule.ts';
import { hostOf, lastRecord, nameOf } from '../facts.ts';
import { isTest } from '../testmessage.ts';

/** RFC 5424 table 1, by the names that syslog.conf(5) and rsyslog use. The position is the code. */
export const facilities = [
  ...[
    'kern',
    'user',
    'mail',
    'daemon',
    'auth',
    'syslog',
    'lpr',
    'news',
    'uucp',
    'cron',
    'authpriv',
    'ftp',
    'ntp',
    'audit',
    'console',
    'clock',
  ],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
] as const;

export interface SyslogIdentity {
  readonly facility: string;
  readonly appName: string;
  /** IANA private enterprise number in the SD-ID; 32473 is the one for examples (RFC 5612). */
  readonly enterprise: number;
  /** Used where an item is not about one host. */
  readonly hostname: string;
  readonly procid: string;
  /** Bytes of a whole message. */
  readonly maxSize: number;
}

/** A message without its framing. `cut` is how many bytes of text had to stay out, 0 mostly; the message tells it too. */
export interface SyslogMessage {
  readonly bytes: Buffer;
  readonly cut: number;
}

/** PRI of RFC 5424 6.2.1: facility * 8 + severity. */
export const priority = (facility: string, item: Item): number =>
  Math.max(0, facilities.indexOf(facility as (typeof facilities)[number])) * 8 + severities.indexOf(item.severity);

/**
 * One message of RFC 5424: header, then the elements tapline@PEN (id, kind, rule, goal, key, then the fields of the alert
 * and of its last record), meta (sequenceId: a receiver sees holes) and timeQuality, then the text. `sequence` counts from
 * 1 and wraps at 2^31 - 1 (7.3.1). Where it is longer than `maxSize`, text is cut first, then fields from the last one on,
 * and truncated="BYTES" says so.
 */
export function rfc5424(item: Item, identity: SyslogIdentity, sequence: number): SyslogMessage {
  const head = `<${priority(identity.facility, item)}>1 ${item.body.time} ${header(hostOf(item.body) ?? identity.hostname, 255)} ${header(identity.appName, 48)} ${header(identity.procid, 128)} ${header(nameOf(item), 32)} `;
  const tail = `[meta sequenceId="${sequence}"][timeQuality tzKnown="1"]`;
  const text = messageText(item);
  const params = paramsOf(item);
  const build = (count: number, shown: string, cut: number) =>
    Buffer.from(
      `${head}[tapline@${identity.enterprise}${params.slice(0, count).join('')}${cut > 0 ? ` truncated="${cut}"` : ''}]${tail} ${withBom(shown)}`,
    );
  const whole = build(params.length, text, 0);
  if (whole.length <= identity.maxSize) return { bytes: whole, cut: 0 };
  const over = whole.length - identity.maxSize + truncationMark.length + ' truncated="0000000000"'.length + bom.length;
  const kept = cutBytes(text, Buffer.byteLength(text) - over);
  const cutText = Buffer.byteLength(text) - Buffer.byteLength(kept);
  let bytes = build(params.length, kept + truncationMark, cutText);
  let count = params.length;
  let cut = cutText;
  // Even without text it does not fit: long fields go, but never the first four, by which the item is found again.
  while (bytes.length > identity.maxSize && count > 4) {
    count -= 1;
    cut += Buffer.byteLength(params[count] ?? '');
    bytes = build(count, kept + truncationMark, cut);
  }
  return { bytes, cut };
}

const bom = '\ufeff';
const truncationMark = ' [cut]';

/** MSG-UTF8 of 6.4 begins with a BOM; plain ASCII is MSG-ANY and needs none, which older receivers would show. */
const withBom = (text: string): string => (/^[\x00-\x7f]*$/.test(text) ? text : bom + text);

/** What people read: one line, nothing in it that could start another message or move a terminal's cursor. */
export function messageText(item: Item): string {
  const { body } = item;
  const shown = printable(item.summary);
  if (isTest(item)) return `test: ${shown}`;
  if (body.kind === 'alert') return `${body.state}: ${shown}`;
  return body.kind === 'record' ? shown : `${body.kind}: ${shown}`;
}

/** ` name="value"` each, ready for an SD-ELEMENT. The most important come first. */
function paramsOf(item: Item): string[] {
  const { body } = item;
  const own: [string, string][] = [
    ['id', item.id],
    ['kind', item.kind],
    ['rule', item.rule],
    ['goal', item.goal],
    ['key', item.key],
  ];
  if (body.kind === 'alert') {
    own.push(['state', body.state], ['fingerprint', body.fingerprint], ['startsAt', body.starts_at]);
    if (body.ends_at !== undefined) own.push(['endsAt', body.ends_at]);
    own.push(['repeat', String(body.repeat)], ['count', String(body.count)], ['total', String(body.total)]);
  } else if (body.kind !== 'record') own.push(['count', String(body.count)]);
  const record = lastRecord(body);
  if (record !== undefined) {
    own.push(['engine', record.engine], ['fidelity', record.fidelity], ['n', String(record.n)]);
    for (const [name, value] of Object.entries(record.fields)) own.push([name, String(value)]);
  }
  const taken = new Set<string>();
  return own
    .map(([name, value]) => [sdName(name), value] as const)
    .filter(([name]) => !taken.has(name) && taken.add(name))
    .map(([name, value]) => ` ${name}="${sdValue(value)}"`);
}

/** SD-NAME of 6.3.2: 1 to 32 of printable ASCII without = ] " and space. */
const sdName = (name: string): string => name.replace(/[^!-~]|[="\]]/g, '_').slice(0, 32) || '_';

/** PARAM-VALUE of 6.3.3: `"`, `\` and `]` escaped. What is no printable text is \xNN first, so no value can end a line or a frame. */
const sdValue = (value: string): string => printable(value).replace(/["\\\]]/g, '\\$&');

/** A header field of 6.2: printable ASCII, at most `max`, "-" where there is nothing. */
const header = (text: string, max: number): string => text.replace(/[^!-~]/gu, '_').slice(0, max) || '-';

/** The longest prefix of `text` that is no longer than `max` bytes and ends between characters. */
export function cutBytes(text: string, max: number): string {
  let used = 0;
  let end = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > max) break;
    end += character.length;
  }
  return text.slice(0, end);
}
