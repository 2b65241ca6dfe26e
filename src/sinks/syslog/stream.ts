import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Item } from '../../alerts/item.ts';
import { retry, sent, type SendResult } from '../../delivery/sink.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { networkProblem } from '../network.ts';
import { rfc5424, type SyslogIdentity } from './rfc5424.ts';
import { SequenceId, type SyslogPort } from './port.ts';

export interface StreamTarget {
  readonly kind: 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  readonly framing: 'octet-counting' | 'newline';
  readonly caFile?: string;
}

const connectMs = 10_000;

/**
 * Syslog over TCP (RFC 6587) or TLS (RFC 5425). `sent` means: handed to the kernel whole, on a connection whose other end
 * had not closed when the write began. Syslog has no acknowledgement: what the receiver had not read when it died is lost
 * without a sign; meta sequenceId shows such holes. Where that is too little, use Kafka.
 */
export class StreamPort implements SyslogPort {
  readonly #target: StreamTarget;
  readonly #identity: SyslogIdentity;
  readonly #sequence = new SequenceId();
  #socket: Socket | undefined;

  constructor(target: StreamTarget, identity: SyslogIdentity) {
    this.#target = target;
    this.#identity = identity;
  }

  async send(items: readonly Item[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const messages = items.map((item) => rfc5424(item, this.#identity, this.#sequence.next()));
    const bytes = Buffer.concat(messages.map(({ bytes: message }) => this.#frame(message)));
    const problem = await this.#write(bytes, signal);
    if (problem !== undefined) return items.map(() => retry(problem));
    const where = `${this.#target.host}:${this.#target.port}`;
    return messages.map(({ cut }) => sent(cut > 0 ? `${where}, ${cut} bytes cut` : where));
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.destroyed) return;
    // What was written is flushed by the kernel; a peer that does not close its end is not waited for.
    await new Promise<void>((done) => socket.end(() => done()).once('close', () => done()));
    socket.destroy();
  }

  #frame(message: Buffer): Buffer {
    if (this.#target.framing === 'newline') return Buffer.concat([message, Buffer.from('\n')]);
    return Buffer.concat([Buffer.from(`${message.length} `), message]);
  }

  async #write(bytes: Buffer, signal: AbortSignal): Promise<Problem | undefined> {
    const onAbort = () => this.#socket?.destroy(new Error('broken off'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) return abortedProblem(this.#target);
      // One turn of the event loop: a FIN or RST that lies in the kernel is seen before anything is written into it.
      await new Promise((turn) => setImmediate(turn));
      const socket = this.#alive() ?? (await this.#connect(signal));
      await new Promise<void>((done, failed) => {
        socket.once('close', () => failed(closedByPeer()));
        socket.write(bytes, (cause) => (cause ? failed(cause) : done()));
      });
      return undefined;
    } catch (cause) {
      this.#socket?.destroy();
      this.#socket = undefined;
      return signal.aborted ? abortedProblem(this.#target) : networkProblem(cause, `${this.#target.host}:${this.#target.port}`);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#socket?.removeAllListeners('close');
    }
  }

  #alive(): Socket | undefined {
    const socket = this.#socket;
    if (socket !== undefined && !socket.destroyed && socket.writable && !socket.readableEnded) return socket;
    socket?.destroy();
    return undefined;
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    const { kind, host, port, caFile } = this.#target;
    const options = { host, port, keepAlive: true, keepAliveInitialDelay: 30_000, noDelay: true };
    const socket =
      kind === 'tcp'
        ? connect(options)
        : connectTls({
            ...options,
            ...(isIP(host) ? {} : { servername: host }),
            ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
          });
    this.#socket = socket;
    socket.on('error', () => undefined); // Told by the write or the connect that it fails; between two sends by #alive.
    socket.resume(); // Receivers say nothing; reading is how the end is noticed.
    socket.once('end', () => socket.destroy());
    if (signal.aborted) socket.destroy(new Error('broken off'));
    await new Promise<void>((done, failed) => {
      const timer = setTimeout(() => socket.destroy(Object.assign(new Error('connect timed out'), { code: 'ETIMEDOUT' })), connectMs);
      socket
        .once(kind === 'tcp' ? 'connect' : 'secureConnect', done)
        .once('error', failed)
        .once('close', () => failed(closedByPeer()));
      socket.once('close', () => clearTimeout(timer)).once(kind === 'tcp' ? 'connect' : 'secureConnect', () => clearTimeout(timer));
    });
    return socket;
  }
}

const closedByPeer = () => Object.assign(new Error('the receiver closed the connection'), { code: 'ECONNRESET' });
const abortedProblem = ({ host, port }: StreamTarget) => error('SINK_ABORTED', `${host}:${port} took nothing more in time.`);
