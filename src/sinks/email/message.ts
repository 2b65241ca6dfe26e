import { createHash } from 'node:crypto';
import type { Item } from '../../alerts/item.ts';
import type { Notification } from '../../delivery/sink.ts';
import { dateOf, usOf } from '../times.ts';
import type { MailAddress } from './address.ts';
import { digestDocument } from './digest.ts';
import { alertDocument, cell, type MailDocument, type MailScene } from './document.ts';
import { mailHtml } from './html.ts';
import { mailText } from './text.ts';

/** Everything of one mail but its recipients. */
export interface MailMessage {
  readonly from: MailAddress;
  readonly subject: string;
  readonly messageId: string;
  readonly references: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly important: boolean;
  readonly text: string;
  readonly html: string;
}

/** A mail for a notification: its alert alone, or a digest of all. Pure; the same notification gives the same Message-ID. */
export function mailMessage(notification: Notification, scene: MailScene, from: MailAddress): MailMessage {
  const [first] = notification.items;
  const alone = notification.items.length === 1 ? first : undefined;
  const document = alone?.body.kind === 'alert' ? alertDocument(alone, alone.body, scene) : digestDocument(notification, scene);
  const domain = messageDomain(from);
  const references = `<${episode(notification, scene)}@${domain}>`;
  return {
    from: from.name === undefined ? { name: `Tapline ${cell(scene.hostname, 40)}`, address: from.address } : from,
    subject: document.subject,
    messageId: `<${idText(notification.id)}.${idText(scene.sink)}@${domain}>`,
    references,
    headers: headersOf(notification, document, scene, domain),
    important: notification.items.some(({ severity }) => ['emerg', 'alert', 'crit'].includes(severity)),
    text: mailText(document),
    html: mailHtml(document),
  };
}

/** One thread is one episode of one alert (its start is part of it); digests make a thread a day and sink. */
function episode({ items }: Notification, scene: MailScene): string {
  const [first] = items;
  if (items.length === 1 && first?.body.kind === 'alert')
    return `${idText(first.body.fingerprint)}.${String(Math.floor(usOf(first.body.starts_at) / 1000))}`;
  const lastUs = Math.max(...items.map(({ timeUs }) => timeUs));
  return `digest.${idText(scene.sink)}.${dateOf(lastUs, scene.zone)}`;
}

function headersOf(notification: Notification, document: MailDocument, scene: MailScene, domain: string): Record<string, string> {
  const { items, id } = notification;
  const alone = items.length === 1 ? items[0] : undefined;
  const body = alone?.body;
  return {
    // RFC 3834: no vacation replies. Exchange (MS-OXCMAIL 2.2.3.2.14): the same, but non-delivery reports are wanted.
    'Auto-Submitted': 'auto-generated',
    'X-Auto-Response-Suppress': 'DR, RN, NRN, OOF, AutoReply',
    'List-Id': `<${idText(scene.sink)}.tapline.${domain}>`,
    'Content-Language': 'en',
    'X-Tapline-Status': document.tone === 'test' ? 'test' : body?.kind === 'alert' ? body.state : 'digest',
    'X-Tapline-Severity': worst(items),
    ...(alone === undefined ? {} : { 'X-Tapline-Rule': cell(alone.rule, 120), 'X-Tapline-Goal': cell(alone.goal, 120) }),
    'X-Tapline-Host': cell(body?.kind === 'alert' ? body.hosts.join(', ') : scene.hostname, 200),
    ...(body?.kind === 'alert' ? { 'X-Tapline-Alert': idText(body.fingerprint) } : {}),
    'X-Tapline-Notification': idText(id),
    'X-Tapline-Items': String(items.length),
    ...(body?.kind === 'alert'
      ? { 'X-Tapline-Suppressed': String(body.not_counted.suppressed), 'X-Tapline-Lost': String(body.not_counted.lost) }
      : {}),
  };
}

const order = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
const worst = (items: readonly Item[]): string => order[Math.min(...items.map(({ severity }) => order.indexOf(severity)))] ?? 'info';

const messageDomain = ({ address }: MailAddress): string => {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return /^[A-Za-z0-9.-]+$/.test(domain) ? domain : 'tapline.invalid';
};

/** dot-atom text of RFC 5322 3.2.3; what is none is told apart by a hash. */
function idText(text: string): string {
  const kept = text.replace(/[^A-Za-z0-9-]/g, '-');
  if (kept === text && text !== '') return text;
  return `${kept.slice(0, 40)}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}
