import { afterAll, expect, test, type TestContext } from 'vitest';
import type { Item } from '../src/alerts/item.ts';
import { KafkaSink } from '../src/sinks/kafka/kafka.ts';
import { hostileName, hostilePath, oneOfEach, sampleAlert, sampleRecord, sampleTimeUs } from './contracts/items.ts';
import { notificationOf, sinkContract } from './contracts/sink.ts';
import { startBroker, startProxy, type Broker } from './lab/kafka.ts';
import { sinkContext } from './lab/sinkcontext.ts';
import { needs } from './needs.ts';

let started: Promise<Broker> | undefined;
const broker = () => (started ??= startBroker());
afterAll(async () => (await started)?.stop());

let topics = 0;
const newTopic = async (partitions?: number, bytes?: number) => {
  const name = `tapline-${(topics += 1)}`;
  await (await broker()).topic(name, partitions, bytes);
  return name;
};
const never = () => new AbortController().signal;
const ready = (context: TestContext) => needs(context, 'kafka', 'kcat');
const sinkFor = async (topic: string) => new KafkaSink({ brokers: [`127.0.0.1:${(await broker()).port}`], topic }, sinkContext());
const send = (sink: KafkaSink, items: readonly Item[], signal = never()) => sink.send(notificationOf('events', items), signal);
const idsIn = async (topic: string) => (await (await broker()).read(topic)).map(({ headers }) => headers['id'] ?? '');

sinkContract({
  type: 'kafka',
  needs: ['kafka', 'kcat'],
  maxItems: 500,
  working: async () => {
    const topic = await newTopic();
    const { port, read } = await broker();
    return {
      open: () => new KafkaSink({ brokers: [`127.0.0.1:${port}`], topic }, sinkContext()),
      identities: async () => (await read(topic)).map(({ headers }) => headers['ce_id'] ?? ''),
      messages: (items) => items,
      stop: async () => undefined,
    };
  },
});

test('a client that is not ours reads key, headers, time and value as they were', async (context) => {
  ready(context);
  const topic = await newTopic();
  const sink = await sinkFor(topic);
  const items = oneOfEach('read');
  await send(sink, items);
  await sink.close();
  const records = await (await broker()).read(topic);
  expect(records.map(({ payload }) => JSON.parse(payload) as unknown)).toEqual(items.map(({ body }) => body));
  expect(records.map(({ key }) => key)).toEqual(items.map(({ key }) => key));
  expect(records.map(({ ts }) => ts)).toEqual(items.map(() => Math.floor(sampleTimeUs / 1000)));
  expect(records[2]?.headers).toMatchObject({
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: 'read-hostile',
    ce_source: '/tapline/api-7',
    ce_type: 'tapline.alert',
    ce_time: '2026-11-23T05:03:13.698123Z',
    fingerprint: 'fedcba9876543210',
    kind: 'alert',
    state: 'firing',
    schema: '1',
  });
  expect(records[2]?.payload).toContain(JSON.stringify(hostileName).slice(1, -1));
  expect((JSON.parse(records[3]?.payload ?? '') as { record: { fields: { path: string } } }).record.fields.path).toBe(hostilePath);
});

test('records of one key come to one partition in their order', async (context) => {
  ready(context);
  const topic = await newTopic(3);
  const sink = await sinkFor(topic);
  for (let batch = 0; batch < 5; batch += 1)
    await send(
      sink,
      [0, 1, 2].map((index) => sampleRecord(`order-${batch}-${index}`)),
    );
  await sink.close();
  expect(await idsIn(topic)).toEqual([0, 1, 2, 3, 4].flatMap((batch) => [0, 1, 2].map((index) => `order-${batch}-${index}`)));
});

test('a topic that does not exist is waited for, and what waited is sent when it was made', async (context) => {
  ready(context);
  const topic = `made-late-${process.pid}`;
  const sink = await sinkFor(topic);
  const items = [sampleAlert('late')];
  const [first] = await send(sink, items);
  expect(first).toMatchObject({ outcome: 'retry', problem: { code: 'SINK_TOPIC_MISSING' } });
  await (await broker()).topic(topic);
  const [second] = await send(sink, items);
  expect(second).toMatchObject({ outcome: 'sent' });
  await sink.close();
  expect(await idsIn(topic)).toEqual(['late']);
});

test('only the item that is too large for the topic is refused', async (context) => {
  ready(context);
  const topic = await newTopic(1, 8000);
  const sink = await sinkFor(topic);
  const results = await send(sink, [sampleRecord('small-1'), sampleRecord('big', { path: 'x'.repeat(20_000) }), sampleRecord('small-2')]);
  expect(results.map(({ outcome }) => outcome)).toEqual(['sent', 'reject', 'sent']);
  expect(results[1]).toMatchObject({ problem: { code: 'SINK_TOO_LARGE' } });
  expect(await send(sink, [sampleRecord('after')])).toMatchObject([{ outcome: 'sent' }]);
  await sink.close();
  expect(await idsIn(topic)).toEqual(['small-1', 'small-2', 'after']);
});

test('over TLS with a login; a wrong password is told as such', async (context) => {
  ready(context);
  const topic = await newTopic();
  const { port, caFile } = await broker();
  const settings = { brokers: [`localhost:${port + 1}`], topic, sasl: 'scram-sha-512' as const, username: 'tapline' };
  const right = new KafkaSink({ ...settings, ca_file: caFile, password: 'tapline-secret' }, sinkContext());
  expect(await send(right, [sampleAlert('tls')])).toMatchObject([{ outcome: 'sent' }]);
  const wrong = new KafkaSink({ ...settings, ca_file: caFile, password: 'something else' }, sinkContext());
  expect(await send(wrong, [sampleAlert('wrong')])).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_AUTH' } }]);
  const untrusted = new KafkaSink({ ...settings, tls: true, password: 'tapline-secret' }, sinkContext());
  expect(await send(untrusted, [sampleAlert('untrusted')])).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_TLS' } }]);
  await Promise.all([right, wrong, untrusted].map((sink) => sink.close()));
  expect(await idsIn(topic)).toEqual(['tls']);
});

test(
  'kill -9 of the broker in mid-stream: nothing that was answered sent is missing, also when another batch follows a failed one',
  { timeout: 180_000 },
  async (context) => {
    ready(context);
    const topic = await newTopic();
    const sink = await sinkFor(topic);
    const { kill9, start } = await broker();
    const acknowledged: string[] = [];
    let failures = 0;
    let restarted: Promise<void> | undefined;
    for (let number = 0; number < 300; number += 1) {
      const items = [0, 1, 2, 3].map((index) => sampleRecord(`kill-${number}-${index}`));
      if (number === 100) restarted = kill9().then(start);
      for (;;) {
        const results = await send(sink, items, AbortSignal.timeout(20_000));
        acknowledged.push(...items.filter((_, index) => results[index]?.outcome === 'sent').map(({ id }) => id));
        if (results.every(({ outcome }) => outcome === 'sent')) break;
        failures += 1;
        // Half of the failed batches are given up, as delivery does after its last attempt: a different batch follows.
        if (failures % 2 === 0) break;
      }
    }
    await restarted;
    await sink.close();
    const stored = new Set(await idsIn(topic));
    expect(failures).toBeGreaterThan(0);
    expect(acknowledged.length).toBeGreaterThan(400);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  },
);

test.for(['the same batch again', 'another batch'] as const)(
  'answers of the broker are lost, then %s: all that was answered sent is there',
  async (next, context) => {
    ready(context);
    const topic = await newTopic();
    const proxy = await startProxy(await broker());
    const sink = new KafkaSink({ brokers: [`127.0.0.1:${proxy.port}`], topic }, sinkContext());
    const batch = (name: string) => [sampleRecord(`${name}-1`), sampleRecord(`${name}-2`)];
    expect(await send(sink, batch('before'))).toMatchObject([{ outcome: 'sent' }, { outcome: 'sent' }]);
    proxy.lose = true;
    expect(await send(sink, batch('lost'))).toMatchObject([{ outcome: 'retry' }, { outcome: 'retry' }]);
    proxy.lose = false;
    expect(proxy.lost()).toBeGreaterThan(0);
    const after = next === 'another batch' ? ['other', 'last'] : ['lost', 'last'];
    for (const name of after) expect(await send(sink, batch(name))).toMatchObject([{ outcome: 'sent' }, { outcome: 'sent' }]);
    await sink.close();
    await proxy.stop();
    const stored = await idsIn(topic);
    // The batch whose answer was lost is there too, and only once.
    const expected = [...new Set(['before', 'lost', ...after])].flatMap((name) => [`${name}-1`, `${name}-2`]);
    expect(stored).toEqual(expected);
  },
);
