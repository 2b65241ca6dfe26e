import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { hostileName, hostilePath, oneOfEach, sampleAlert, sampleRecord } from '../../../test/contracts/items.ts';
import { notificationOf } from '../../../test/contracts/sink.ts';
import { sinkContext } from '../../../test/lab/sinkcontext.ts';
import type { Item } from '../../alerts/item.ts';
import { StdoutSink } from './stdout.ts';

const seoul = () => 540;

async function shown(
  items: readonly Item[],
  config: { format?: 'auto' | 'text' | 'json' },
  more: { isTTY?: boolean; env?: Record<string, string> },
) {
  const stdout = Object.assign(new PassThrough(), { isTTY: more.isTTY ?? false });
  const sink = new StdoutSink(config, sinkContext({ stdout, env: more.env ?? {} }), seoul);
  for (const item of items) await sink.send(notificationOf('terminal', [item]), new AbortController().signal);
  await sink.close();
  return String(stdout.read());
}

test('on a terminal: a line for a person, the offset told once', async () => {
  const text = await shown(oneOfEach('line').slice(0, 5), {}, { isTTY: true, env: { NO_COLOR: '1' } });
  expect(text.split('\n')).toEqual([
    'Times are local, UTC+09:00.',
    '14:03:13.698  ALERT     RetransmitTimeoutGrew  warning  10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms',
    '14:03:13.698  RESOLVED  RetransmitTimeoutGrew  warning  10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms',
    String.raw`14:03:13.698  ALERT     RetransmitTimeoutGrew  warning  10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms ","rto_ms":1}\x0a{`,
    expect.stringContaining('record    tcp.rto_change   postgres[2114] 10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms x'),
    '14:03:13.698  suppressed  tcp.rto_change   postgres[2114]  41 more in 10 s: 10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms',
    '',
  ]);
});

const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffd]/;

test.for(['text', 'json'] as const)('hostile text has no effect on a terminal as %s', async (format) => {
  const items = [
    sampleRecord('hostile', { comm: hostileName, path: hostilePath }),
    sampleAlert('hostile', 'firing', { comm: hostileName, path: hostilePath }),
  ];
  const text = await shown(items, { format }, { isTTY: true, env: { NO_COLOR: '1' } });
  expect(text).not.toMatch(controls);
  expect(text.split('\n')).toHaveLength(format === 'json' ? 3 : 4);
});

test('otherwise JSON lines, from which every text comes back as it was', async () => {
  const items = oneOfEach('json');
  const lines = (await shown(items, {}, {})).split('\n').slice(0, -1);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(items.map(({ body }) => body));
});

test('colour only on a terminal, and not with NO_COLOR or a dumb one', async () => {
  const items = [sampleAlert('colour')];
  const coloured = (more: Parameters<typeof shown>[2]) =>
    shown(items, { format: 'text' }, more).then((text) => text.includes('\x1b[1;31mALERT'));
  expect(await coloured({ isTTY: true })).toBe(true);
  expect(await coloured({ isTTY: true, env: { NO_COLOR: '1' } })).toBe(false);
  expect(await coloured({ isTTY: true, env: { TERM: 'dumb' } })).toBe(false);
  expect(await coloured({ isTTY: false })).toBe(false);
});

test('a reader that went away: the item is given up, and so is all that follows', async () => {
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })) });
  const sink = new StdoutSink({}, sinkContext({ stdout }));
  for (const id of ['first', 'second'])
    expect(await sink.send(notificationOf('terminal', [sampleAlert(id)]), new AbortController().signal)).toMatchObject([
      { outcome: 'reject', problem: { code: 'SINK_CLOSED' } },
    ]);
});

test('a write that outlived its deadline is waited for, not written twice', async () => {
  let finish = () => {};
  let writes = 0;
  const stdout = new Writable({
    write: (_chunk, _encoding, done) => {
      writes += 1;
      finish = done;
    },
  });
  const sink = new StdoutSink({}, sinkContext({ stdout }));
  const notification = notificationOf('terminal', [sampleAlert('slow')]);
  const stop = new AbortController();
  const first = sink.send(notification, stop.signal);
  stop.abort();
  expect(await first).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_ABORTED' } }]);
  const second = sink.send(notification, new AbortController().signal);
  finish();
  expect(await second).toEqual([{ outcome: 'sent' }]);
  expect(writes).toBe(1);
});
