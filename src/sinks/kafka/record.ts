import type { Item } from '../../alerts/item.ts';
import { printable } from '../../problem/printable.ts';
import { hostOf } from '../facts.ts';
import { jsonLine } from '../json.ts';

/** What kafkajs takes for one record. */
export interface KafkaRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, as text. */
  readonly timestamp: string;
}

/**
 * One item as a Kafka record. Key: the key text, so that one thing's records keep their order and can be compacted. Value:
 * the JSON of config/item.schema.json. Headers: CloudEvents 1.0 in binary mode (Kafka protocol binding 3.2), and what a
 * consumer filters on without reading the value. ce_id is stable, so a consumer can drop doubles by it. Timestamp: the event's.
 */
export function kafkaRecord(item: Item, hostname: string): KafkaRecord {
  const { body } = item;
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: item.id,
    ce_source: `/tapline/${encodeURIComponent(headerText(hostOf(body) ?? hostname))}`,
    ce_type: `tapline.${body.kind}`,
    ce_time: body.time,
    ce_subject: headerText(item.key),
    id: item.id,
    kind: body.kind,
    goal: item.goal,
    rule: headerText(item.rule),
    severity: item.severity,
    schema: String(body.schema),
  };
  if (body.kind === 'alert') Object.assign(headers, { fingerprint: body.fingerprint, state: body.state });
  return { key: item.key, value: jsonLine(body), headers, timestamp: String(Math.floor(item.timeUs / 1000)) };
}

/** Bytes that are no UTF-8 have no place in a header; the value has them unharmed. */
const headerText = (text: string): string => printable(text);
