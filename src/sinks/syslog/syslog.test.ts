import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { oneOfEach, sampleRecord } from '../../../test/contracts/items.ts';
import { notificationOf } from '../../../test/contracts/sink.ts';
import { sinkContext } from '../../../test/lab/sinkcontext.ts';
import { parse5424, startTcpSyslog, startUdpSyslog } from '../../../test/lab/syslog.ts';
import type { Item } from '../../alerts/item.ts';
import { SyslogSink, syslogSink } from './syslog.ts';

const never = new AbortController().signal;
const send = (sink: SyslogSink, ...items: Item[]) => sink.send(notificationOf('journal', items), never);
const idOf = (message: string) => parse5424(message)?.data['tapline@32473']?.['id'];

test('TCP: one connection for many, numbered without a hole', async () => {
  const receiver = await startTcpSyslog();
  const sink = new SyslogSink({ address: `tcp://127.0.0.1:${receiver.port}` }, sinkContext());
  for (const name of ['a', 'b', 'c']) await send(sink, ...oneOfEach(name));
  const messages = await receiver.messages(18);
  await sink.close();
  await receiver.stop();
  expect(receiver.connections()).toBe(1);
  expect(messages.map((message) => parse5424(message)?.data['meta']?.['sequenceId'])).toEqual(
    Array.from({ length: 18 }, (_, index) => String(index + 1)),
  );
});

test('TCP: a receiver that closed is noticed before writing, so that nothing answered sent is missing', async () => {
  const receiver = await startTcpSyslog();
  const sink = new SyslogSink({ address: `tcp://127.0.0.1:${receiver.port}` }, sinkContext());
  const answered: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    const item = sampleRecord(`round-${round}`);
    const [result] = await send(sink, item);
    if (result?.outcome === 'sent') answered.push(item.id);
    await receiver.messages(answered.length);
    await receiver.hangUp();
  }
  const arrived = (await receiver.messages(answered.length)).map(idOf);
  await sink.close();
  await receiver.stop();
  expect(answered).toHaveLength(20);
  expect(arrived).toEqual(answered);
  expect(receiver.connections()).toBe(20);
});

test('TLS: by a certificate that can be trusted only', async () => {
  const tls = (name: string) => join(import.meta.dirname, '../../../test/lab/tls', name);
  const receiver = await startTcpSyslog({ key: readFileSync(tls('server.key'), 'utf8'), cert: readFileSync(tls('server.crt'), 'utf8') });
  const address = `tls://localhost:${receiver.port}`;
  const trusting = new SyslogSink({ address, ca_file: tls('ca.crt') }, sinkContext());
  expect(await send(trusting, ...oneOfEach('tls'))).toMatchObject(oneOfEach('tls').map(() => ({ outcome: 'sent' })));
  expect((await receiver.messages(6)).map(idOf)).toEqual(oneOfEach('tls').map(({ id }) => id));
  const wary = new SyslogSink({ address }, sinkContext());
  expect(await send(wary, sampleRecord('wary'))).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_TLS' } }]);
  const lost = new SyslogSink({ address, ca_file: tls('none.crt') }, sinkContext());
  expect(await send(lost, sampleRecord('lost'))).toMatchObject([{ outcome: 'retry', problem: { code: 'SINK_SECRET' } }]);
  for (const sink of [trusting, wary, lost]) await sink.close();
  await receiver.stop();
});

test('newline framing where it is asked for: a line a message', async () => {
  const chunks: Buffer[] = [];
  const server = createServer((socket) => void socket.on('data', (chunk) => chunks.push(chunk))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const closed = once(server, 'connection').then(([socket]) => once(socket as Socket, 'close'));
  const sink = new SyslogSink({ address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, framing: 'newline' }, sinkContext());
  await send(sink, ...oneOfEach('lines'));
  await sink.close();
  await closed;
  server.close();
  expect(Buffer.concat(chunks).toString('utf8').split('\n').slice(0, -1).map(idOf)).toEqual(oneOfEach('lines').map(({ id }) => id));
});

test('UDP: what is longer than max_size is cut, marked, and told in the receipt', async () => {
  const receiver = await startUdpSyslog();
  const sink = new SyslogSink({ address: `udp://127.0.0.1:${receiver.port}`, max_size: 1000 }, sinkContext());
  const [result] = await send(sink, { ...sampleRecord('long'), summary: 'long '.repeat(400) });
  const [message = ''] = await receiver.messages(1);
  await sink.close();
  await receiver.stop();
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1000);
  const cut = parse5424(message)?.data['tapline@32473']?.['truncated'];
  expect(Number(cut)).toBeGreaterThan(1000);
  expect(result).toEqual({ outcome: 'sent', receipt: `127.0.0.1:${receiver.port}, ${cut} bytes cut` });
  expect(message.endsWith('[cut]')).toBe(true);
});

test('UDP: a near receiver that is not there is noticed by ICMP', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(() => done()));
  const sink = new SyslogSink({ address: `udp://127.0.0.1:${port}` }, sinkContext());
  const results = await send(sink, ...oneOfEach('nobody'));
  await sink.close();
  expect(results.at(-1)).toMatchObject({ outcome: 'retry', problem: { code: 'SINK_UNREACHABLE' } });
});

test('a wrong address is told at load, at its key', () => {
  expect(syslogSink.check?.({ address: 'loghost' })).toMatchObject([{ path: ['address'], problem: { code: 'SINK_BAD_ADDRESS' } }]);
  expect(syslogSink.check?.({ address: 'tcp://loghost', ca_file: '/ca.pem' })).toMatchObject([{ path: ['ca_file'] }]);
  expect(syslogSink.check?.({ address: 'tcp://loghost:514' })).toEqual([]);
});
