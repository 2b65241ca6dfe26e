import type { Item, RecordBody } from '../alerts/item.ts';
import { createHash } from 'node:crypto';
import type { Notification } from '../delivery/sink.ts';

/** Microseconds of 2^53 reach to the year 2255: whole milliseconds and three digits more. */
const rfc3339 = (timeUs: number): string =>
  `${new Date(Math.floor(timeUs / 1000)).toISOString().slice(0, -1)}${String(timeUs % 1000).padStart(3, '0')}Z`;

/** What `tapline sinks test NAME` sends: one alert that says of itself that it is a test, in every part a person may see. */
export function testItem(sink: string, hostname: string, nowUs: number): Item {
  const time = rfc3339(nowUs);
  const summary = `Test message from Tapline on ${hostname}: the sink ${sink} works. Nothing is wrong.`;
  const id = createHash('sha256').update(`test\n${sink}\n${hostname}\n${nowUs}`).digest('hex').slice(0, 32);
  const record: RecordBody = {
    time,
    time_error_us: 0,
    host: hostname,
    boot: '00000000-0000-0000-0000-000000000000',
    run: '0000000000000000',
    module: 'test',
    lane: 0,
    seq: 1,
    engine: 'tapline',
    fidelity: 'event',
    n: 1,
    fields: { test: true },
  };
  return {
    id,
    kind: 'alert',
    rule: 'TaplineTest',
    goal: 'tapline.test',
    severity: 'info',
    key: JSON.stringify([sink]),
    to: [sink],
    timeUs: nowUs,
    summary,
    body: {
      schema: 1,
      id,
      kind: 'alert',
      rule: 'TaplineTest',
      goal: 'tapline.test',
      key: JSON.stringify([sink]),
      severity: 'info',
      labels: { alertname: 'TaplineTest', test: 'true', sink },
      time,
      alertname: 'TaplineTest',
      state: 'firing',
      fingerprint: createHash('sha256').update(`test ${sink}`).digest('hex').slice(0, 16),
      starts_at: time,
      repeat: 0,
      annotations: { summary, description: 'Sent by: tapline sinks test. No rule fired; do not act on it.' },
      count: 1,
      total: 1,
      condition: 'a person asked for a test message',
      first_seen: time,
      last_seen: time,
      hosts: [hostname],
      not_counted: { unmatched: 0, unchanged: 0, suppressed: 0, lost: 0 },
      records: [record],
      place: 'tapline sinks test',
      group: 'test',
    },
  };
}

/** The item as delivery would hand it to the sink. */
export function testNotification(sink: string, hostname: string, nowUs: number): Notification {
  const item = testItem(sink, hostname, nowUs);
  return { id: item.id, sink, items: [item] };
}

/** Mails label it in the subject: a test must never be taken for an alert. */
export const isTest = (item: Item): boolean => item.goal === 'tapline.test';
