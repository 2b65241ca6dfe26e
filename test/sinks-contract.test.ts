import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { EmailSink } from '../src/sinks/email/email.ts';
import { FileSink } from '../src/sinks/file/file.ts';
import { StdoutSink } from '../src/sinks/stdout/stdout.ts';
import { SyslogSink } from '../src/sinks/syslog/syslog.ts';
import { sinkContract, type Receiver } from './contracts/sink.ts';
import { sinkContext } from './lab/sinkcontext.ts';
import { startSmtp } from './lab/smtp.ts';
import { parse5424, startTcpSyslog, startUdpSyslog, type SyslogReceiver } from './lab/syslog.ts';

const idsOfLines = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: string }).id);

/** A port on loopback on which nothing listens: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Takes connections and never says a word. */
async function silentServer(): Promise<{ port: number; reached: () => Promise<void>; stop: () => Promise<void> }> {
  const sockets = new Set<{ destroy(): void }>();
  const server: Server = createServer((socket) => void sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  const connected = once(server, 'connection').then(() => undefined);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    reached: () => connected,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

sinkContract({
  type: 'stdout',
  maxItems: 500,
  working: async () => {
    const stdout = new PassThrough();
    let text = '';
    stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return {
      open: () => new StdoutSink({ format: 'json' }, sinkContext({ stdout })),
      identities: async () => idsOfLines(text),
      messages: (items) => items,
      stop: async () => void stdout.destroy(),
    };
  },
  silent: async () => {
    const stdout = new Writable({ write: () => undefined });
    return { open: () => new StdoutSink({}, sinkContext({ stdout })), reached: async () => undefined, stop: async () => undefined };
  },
});

sinkContract({
  type: 'file',
  maxItems: 500,
  working: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tapline-file-'));
    const path = join(folder, 'records.jsonl');
    return {
      open: () => new FileSink({ path }),
      identities: async () => idsOfLines(await readFile(path, 'utf8')),
      messages: (items) => items,
      stop: () => rm(folder, { recursive: true }),
    };
  },
  unreachable: async () => ({ open: () => new FileSink({ path: '/dev/full' }), stop: async () => undefined }),
});

const syslogReceiver = (receiver: SyslogReceiver, kind: 'tcp' | 'udp'): Receiver => ({
  open: () => new SyslogSink({ address: `${kind}://127.0.0.1:${receiver.port}` }, sinkContext()),
  identities: async (count) =>
    (await receiver.messages(count)).map((message) => parse5424(message)?.data['tapline@32473']?.['id'] ?? `no RFC 5424: ${message}`),
  messages: (items) => items,
  stop: () => receiver.stop(),
});

sinkContract({
  type: 'syslog over TCP',
  maxItems: 200,
  working: async () => syslogReceiver(await startTcpSyslog(), 'tcp'),
  unreachable: async () => {
    const port = await closedPort();
    return { open: () => new SyslogSink({ address: `tcp://127.0.0.1:${port}` }, sinkContext()), stop: async () => undefined };
  },
});

sinkContract({ type: 'syslog over UDP', maxItems: 200, working: async () => syslogReceiver(await startUdpSyslog(), 'udp') });

const mail = (port: number) =>
  new EmailSink({ smtp: `smtp://127.0.0.1:${port}`, from: 'tapline@example.org', to: ['ops@example.org'] }, sinkContext());
sinkContract({
  type: 'email',
  maxItems: 1000,
  working: async () => {
    const server = await startSmtp();
    return {
      open: () => mail(server.port),
      identities: async (count) => (await server.mails(count)).map(({ mail: { messageId } }) => messageId ?? ''),
      messages: () => 1,
      stop: () => server.stop(),
    };
  },
  unreachable: async () => {
    const port = await closedPort();
    return { open: () => mail(port), stop: async () => undefined };
  },
  silent: async () => {
    const { port, ...server } = await silentServer();
    return { open: () => mail(port), ...server };
  },
});
