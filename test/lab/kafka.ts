import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = join(import.meta.dirname, 'kafka.sh');

/** A record as kcat reads it: a client that is not ours. */
export interface ReadRecord {
  readonly key: string;
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ts: number;
}

export interface Broker {
  readonly port: number;
  readonly caFile: string;
  topic(name: string, partitions?: number, maxMessageBytes?: number): Promise<void>;
  readonly read: (topic: string) => Promise<readonly ReadRecord[]>;
  readonly start: () => Promise<void>;
  /** SIGKILL, as a machine that loses its power would look to a client. */
  readonly kill9: () => Promise<void>;
  stop(): Promise<void>;
}

/** A real broker with a data folder of its own, on ports that are free now. Ready when this resolves. */
export async function startBroker(): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), 'tapline-kafka-'));
  const port = await freePorts();
  const call = (...words: string[]) => run(script, words);
  const start = async () => void (await call('start', folder, String(port)));
  try {
    await start();
  } catch (cause) {
    await call('stop', folder);
    throw cause;
  }
  return {
    port,
    caFile: join(folder, 'tls/ca.crt'),
    topic: async (name, partitions = 1, bytes) => {
      await call('topic', String(port), name, String(partitions), ...(bytes === undefined ? [] : [String(bytes)]));
    },
    read: async (topic) => {
      const words = ['-b', `127.0.0.1:${port}`, '-t', topic, '-C', '-o', 'beginning', '-e', '-q', '-J'];
      const { stdout } = await run('kcat', words, { maxBuffer: 256 * 1024 * 1024 });
      return stdout.split('\n').slice(0, -1).map(fromKcat);
    },
    start,
    kill9: async () => void (await call('kill9', folder)),
    stop: async () => {
      await call('stop', folder);
      await rm(folder, { recursive: true });
    },
  };
}

/** kcat -J: headers are a flat list of names and values. */
function fromKcat(line: string): ReadRecord {
  const { key, payload, headers, ts } = JSON.parse(line) as { key: string; payload: string; headers: string[]; ts: number };
  return {
    key,
    payload,
    ts,
    headers: Object.fromEntries(headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : []))),
  };
}

/** Five ports in a row, free a moment ago, below the range from which clients' own ports are taken. */
async function freePorts(): Promise<number> {
  for (let port = 21_000 + ((process.pid * 37) % 9000); port < 32_000; port += 5) {
    const free = await Promise.all([0, 1, 2, 3, 4].map((more) => isFree(port + more)));
    if (free.every(Boolean)) return port;
  }
  throw new Error('no free ports');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port === port;
  } catch {
    return false;
  } finally {
    await new Promise((done) => server.close(done));
  }
}

/** Between a client and the broker: what the broker answers to the larger requests can be lost, after it has stored them. */
export interface LossyProxy {
  readonly port: number;
  lose: boolean;
  /** Answers lost so far. */
  readonly lost: () => number;
  stop(): Promise<void>;
}

export async function startProxy(broker: Broker): Promise<LossyProxy> {
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect(broker.port + 4, '127.0.0.1');
    const end = () => [client, upstream].forEach((socket) => socket.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      // Answers to a produce request are longer than 60 bytes; those that keep a connection alive are shorter.
      if (!proxy.lose || chunk.length <= 60) return void client.write(chunk);
      lost += 1;
      end();
    });
  });
  const proxy: LossyProxy = {
    port: broker.port + 3,
    lose: false,
    lost: () => lost,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  server.listen(proxy.port, '127.0.0.1');
  await once(server, 'listening');
  return proxy;
}
