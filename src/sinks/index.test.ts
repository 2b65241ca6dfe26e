import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { notificationOf } from '../../test/contracts/sink.ts';
import { sampleAlert } from '../../test/contracts/items.ts';
import { sinkContext } from '../../test/lab/sinkcontext.ts';
import { ItemBody } from '../alerts/item.ts';
import { sinkDefinitions } from './index.ts';
import { personLine } from './stdout/line.ts';
import { messageText } from './syslog/rfc5424.ts';
import { isTest, testItem, testNotification } from './testmessage.ts';

interface Keyed {
  readonly properties: Readonly<Record<string, { readonly description?: string }>>;
  readonly additionalProperties?: boolean;
}

test('every sink has a type of its own, and a description for it and for each of its keys; unknown keys are refused', () => {
  expect(sinkDefinitions.map(({ type }) => type)).toEqual(['stdout', 'file', 'syslog', 'kafka', 'email']);
  for (const { type, summary, schema } of sinkDefinitions) {
    const { properties, additionalProperties } = schema as unknown as Keyed;
    expect(summary, type).toMatch(/\.$/);
    expect(additionalProperties, type).toBe(false);
    for (const [key, { description = '' }] of Object.entries(properties)) expect(description, `${type}.${key}`).toMatch(/^.{4,}/);
  }
});

test('settings as in the documentation are valid, others are not', () => {
  const ajv = new Ajv2020();
  const valid = (type: string, config: unknown) =>
    ajv.validate(sinkDefinitions.find((definition) => definition.type === type)?.schema ?? false, config);
  expect(valid('stdout', {})).toBe(true);
  expect(valid('stdout', { format: 'yaml' })).toBe(false);
  expect(valid('file', { path: './records.jsonl' })).toBe(true);
  expect(valid('file', {})).toBe(false);
  expect(valid('syslog', { address: 'unix:/dev/log', facility: 'local3' })).toBe(true);
  expect(valid('syslog', { address: 'unix:/dev/log', facility: 'local8' })).toBe(false);
  expect(valid('kafka', { brokers: ['kafka:9092'], topic: 'tapline.records' })).toBe(true);
  expect(valid('kafka', { brokers: [], topic: 'tapline.records' })).toBe(false);
  expect(
    valid('email', { smtp: 'smtps://mail.example.org', from: 'a@b.c', to: ['ops@example.org'], digest: '5m', group_wait: '10s' }),
  ).toBe(true);
  expect(valid('email', { smtp: 'smtps://mail.example.org', from: 'a@b.c', to: ['ops@example.org'], digest: 'often' })).toBe(false);
});

test('the test message is an item of the published schema that says of itself what it is', () => {
  const item = testItem('oncall', 'api-7', 1_795_410_193_698_123);
  expect(new Ajv2020().validate(ItemBody, item.body)).toBe(true);
  expect(item.body.time).toBe('2026-11-23T05:03:13.698123Z');
  expect(item.summary).toContain('Test message');
  expect(isTest(item)).toBe(true);
  expect(personLine(item, () => 0, false)).toBe('05:03:13.698  TEST      TaplineTest  info  ' + item.summary);
  expect(messageText(item)).toBe(`test: ${item.summary}`);
  expect(isTest(sampleAlert('real'))).toBe(false);
  expect(testNotification('oncall', 'api-7', 1).items).toHaveLength(1);
});

test('opening a sink touches nothing: no file, no connection, no error, until something is sent', async () => {
  const settings: Readonly<Record<string, unknown>> = {
    stdout: {},
    file: { path: '/nonexistent/records.jsonl' },
    syslog: { address: 'tcp://nowhere.invalid:514' },
    kafka: { brokers: ['nowhere.invalid:9092'], topic: 't' },
    email: { smtp: 'smtp://nowhere.invalid', from: 'a@example.org', to: ['b@example.org'] },
  };
  for (const definition of sinkDefinitions) {
    const sink = definition.open(settings[definition.type], sinkContext());
    expect(await sink.send(notificationOf('x', [sampleAlert('x')]), AbortSignal.abort())).toMatchObject([{ outcome: 'retry' }]);
    await sink.close();
  }
});
