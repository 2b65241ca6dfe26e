import type { Item } from '../../alerts/item.ts';
import { printable } from '../../problem/printable.ts';
import { lastRecord, processOf } from '../facts.ts';
import { isTest } from '../testmessage.ts';
import { clockSeconds, clockTime, usOf, type Zone } from '../times.ts';

const colours = { alert: '\x1b[1;31m', resolved: '\x1b[32m', lost: '\x1b[33m', quiet: '\x1b[2m', off: '\x1b[0m' } as const;

/**
 * One line for a person, without its line end, free of control characters but for our own colour:
 * "14:03:01.412  record    tcp.retransmit   node[5121]  127.0.0.1:41872 -> 127.0.0.1:40001  SYN again, RTO 1000 ms"
 * The state is a word; colour only repeats it.
 */
export function personLine(item: Item, zone: Zone, colour: boolean): string {
  const time = clockTime(item.timeUs, zone);
  const { word, tone } = stateOf(item);
  const paint = (text: string, of: keyof typeof colours | undefined) =>
    colour && of !== undefined ? colours[of] + text + colours.off : text;
  const state = paint(word.padEnd(8), tone);
  const rest = item.body.kind === 'alert' ? alertRest(item, zone) : recordRest(item);
  return `${paint(time, 'quiet')}  ${state}  ${rest}`;
}

function stateOf(item: Item): { word: string; tone?: 'alert' | 'resolved' | 'lost' } {
  const { body } = item;
  if (isTest(item)) return { word: 'TEST' };
  if (body.kind === 'alert') return body.state === 'firing' ? { word: 'ALERT', tone: 'alert' } : { word: 'RESOLVED', tone: 'resolved' };
  return body.kind === 'lost' ? { word: 'LOST', tone: 'lost' } : { word: body.kind };
}

function recordRest(item: Item): string {
  const record = lastRecord(item.body);
  const process = record === undefined ? undefined : processOf(record.fields);
  const who = process !== undefined && !item.summary.includes(process) ? `${printable(process).padEnd(12)}  ` : '';
  return `${item.goal.padEnd(15)}  ${who}${printable(item.summary)}`;
}

function alertRest(item: Item, zone: Zone): string {
  if (item.body.kind !== 'alert') return '';
  const again =
    item.body.state === 'firing' && item.body.repeat > 0 ? `  (still, since ${clockSeconds(usOf(item.body.starts_at), zone)})` : '';
  return `${printable(item.body.alertname)}  ${item.severity}  ${printable(item.summary)}${again}`;
}
