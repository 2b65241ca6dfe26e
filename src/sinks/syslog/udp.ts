import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { lookup } from 'node:dns/promises';
import type { Item } from '../../alerts/item.ts';
import { reject, retry, sent, type SendResult } from '../../delivery/sink.ts';
import { error } from '../../problem/problem.ts';
import { networkProblem } from '../network.ts';
import { rfc5424, type SyslogIdentity } from './rfc5424.ts';
import { SequenceId, type SyslogPort } from './port.ts';

/**
 * Syslog over UDP (RFC 5426), one message a datagram. `sent` means: the kernel took the datagram; nobody says that it
 * arrived. The socket is connected, so that a receiver that is not there is told by ICMP with the next datagram.
 */
export class UdpPort implements SyslogPort {
  readonly #host: string;
  readonly #port: number;
  readonly #identity: SyslogIdentity;
  readonly #sequence = new SequenceId();
  #socket: Socket | undefined;
  #refused: unknown;

  constructor(target: { readonly host: string; readonly port: number }, identity: SyslogIdentity) {
    this.#host = target.host;
    this.#port = target.port;
    this.#identity = identity;
  }

  async send(items: readonly Item[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const results: SendResult[] = [];
    const where = `${this.#host}:${this.#port}`;
    let failed: SendResult | undefined;
    for (const item of items) {
      if (failed === undefined && signal.aborted) failed = retry(error('SINK_ABORTED', `Sending to ${where} was broken off.`));
      // After a failure the rest waits too: order is kept.
      const result = failed ?? (await this.#sendOne(item, where));
      if (result.outcome === 'retry') failed = result;
      results.push(result);
    }
    return results;
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await new Promise<void>((done) => socket.close(() => done()));
  }

  async #sendOne(item: Item, where: string): Promise<SendResult> {
    const { bytes, cut } = rfc5424(item, this.#identity, this.#sequence.next());
    try {
      const socket = this.#socket ?? (await this.#open());
      await new Promise<void>((done, failed) => socket.send(bytes, (cause) => (cause ? failed(cause) : done())));
      // An ICMP "port unreachable" for this very datagram has come back by the next turn on a near receiver.
      await new Promise((turn) => setImmediate(turn));
      if (this.#refused !== undefined) throw this.#refused as Error;
      return sent(cut > 0 ? `${where}, ${cut} bytes cut` : where);
    } catch (cause) {
      this.#refused = undefined;
      if ((cause as NodeJS.ErrnoException).code === 'EMSGSIZE')
        return reject(
          error('SINK_TOO_LARGE', `A datagram of ${bytes.length} bytes is more than the network takes.`, { hint: 'Lower max_size.' }),
        );
      await this.close();
      return retry(networkProblem(cause, where));
    }
  }

  async #open(): Promise<Socket> {
    const { address } = await lookup(this.#host);
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.on('error', (cause) => void (this.#refused = cause));
    try {
      await new Promise<void>((done, failed) => {
        socket.once('error', failed);
        socket.connect(this.#port, address, () => {
          socket.removeListener('error', failed);
          done();
        });
      });
    } catch (cause) {
      socket.close();
      throw cause;
    }
    return (this.#socket = socket);
  }
}
