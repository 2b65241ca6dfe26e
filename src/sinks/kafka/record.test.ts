import { expect, test } from 'vitest';
import { hostilePath, oneOfEach, sampleRecord } from '../../../test/contracts/items.ts';
import { kafkaSink } from './kafka.ts';
import { isTooLarge, kafkaProblem } from './problems.ts';
import { kafkaRecord } from './record.ts';

test('key, headers, timestamp and value of an item', () => {
  const record = kafkaRecord(sampleRecord('r1', { path: hostilePath }), 'collector');
  expect(record.key).toBe('["10.0.3.21",443]');
  expect(record.timestamp).toBe('1795410193698');
  expect(record.headers).toEqual({
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: 'r1',
    ce_source: '/tapline/api-7',
    ce_type: 'tapline.record',
    ce_time: '2026-11-23T05:03:13.698123Z',
    ce_subject: '["10.0.3.21",443]',
    id: 'r1',
    kind: 'record',
    goal: 'tcp.rto_change',
    rule: 'RetransmitTimeoutGrew',
    severity: 'info',
    schema: '1',
  });
  expect(record.value).not.toMatch(/[\u0000-\u001f\u202e]|\p{Surrogate}/u);
  expect((JSON.parse(record.value) as { record: { fields: { path: string } } }).record.fields.path).toBe(hostilePath);
});

test('every kind of item keeps its id and kind in the headers', () => {
  const items = oneOfEach('k');
  expect(items.map((item) => kafkaRecord(item, 'collector').headers['ce_id'])).toEqual(items.map(({ id }) => id));
  expect(items.map((item) => kafkaRecord(item, 'collector').headers['ce_type'])).toEqual(items.map(({ kind }) => `tapline.${kind}`));
});

const failure = (type: string, name = 'KafkaJSProtocolError') => Object.assign(new Error(`said ${type}`), { name, type });

test.for([
  [failure('UNKNOWN_TOPIC_OR_PARTITION'), 'SINK_TOPIC_MISSING'],
  [failure('', 'KafkaJSSASLAuthenticationError'), 'SINK_AUTH'],
  [failure('TOPIC_AUTHORIZATION_FAILED'), 'SINK_DENIED'],
  [failure('', 'KafkaJSConnectionError'), 'SINK_UNREACHABLE'],
  [failure('REQUEST_TIMED_OUT'), 'SINK_TIMEOUT'],
  [failure('NOT_ENOUGH_REPLICAS'), 'SINK_BUSY'],
] as const)('%s is %s, also inside what kafkajs wraps around it', ([thrown, code]) => {
  const wrapped = Object.assign(new Error('retries exceeded'), { name: 'KafkaJSNonRetriableError', cause: thrown });
  expect(kafkaProblem(wrapped, 'records', ['kafka:9092']).code).toBe(code);
});

test('too large is recognised as the fault of the record', () => {
  expect(isTooLarge(failure('MESSAGE_TOO_LARGE'))).toBe(true);
  expect(isTooLarge(failure('NOT_ENOUGH_REPLICAS'))).toBe(false);
});

test('brokers and login are checked at load', () => {
  const paths = (more: object) => kafkaSink.check?.({ brokers: ['kafka:9092'], topic: 't', ...more }).map(({ path }) => path.join('.'));
  expect(paths({})).toEqual([]);
  expect(paths({ brokers: ['kafka', 'kafka:0', '[::1]:9092', 'kafka:70000', 'kafka://x:1'] })).toEqual([
    'brokers.0',
    'brokers.1',
    'brokers.3',
    'brokers.4',
  ]);
  expect(paths({ sasl: 'plain', username: 'me' })).toEqual(['sasl']);
  expect(paths({ sasl: 'plain', username: 'me', password: 'x' })).toEqual([]);
});
