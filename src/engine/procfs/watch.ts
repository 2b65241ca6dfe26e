import type { SocketReading, Source } from './socket.ts';

/** What happened to one socket between two looks. */
export interface Observation {
  readonly socket: SocketReading;
  /** Segments sent again since the last look. */
  readonly n: number;
  /** Of the last of them. Undefined where it cannot be told (fast retransmit, tail-loss probe, or a timeout already acknowledged). */
  readonly kind?: 'RTO' | 'SYN' | 'SYNACK';
  /** The timeout that expired; where no timer is known to have expired, the one in force. */
  readonly rtoMs?: number;
  /** `rtoMs` when the socket last sent something again; undefined when this is the first time. */
  readonly rtoWasMs?: number;
  /** How often `rtoMs` had been doubled. */
  readonly backoff?: number;
}

interface Known {
  readonly reading: SocketReading;
  readonly atUs: number;
  readonly rtoMs?: number;
}

/**
 * Makes observations of readings (semantics 5): what a socket had sent again at the first look is its baseline, and a socket
 * that appears later starts from 0. Holds the sockets of the last look that have ever sent something again, and no others.
 */
export class SocketWatch {
  #sockets: ReadonlyMap<string, Known> | undefined;
  readonly #counts: Source['counts'];
  readonly #linearSyns: number;

  /** `linearSyns`: SYNs that are sent again without doubling the timeout (net.ipv4.tcp_syn_linear_timeouts; 0 before 6.5). */
  constructor(counts: Source['counts'], linearSyns: number) {
    this.#counts = counts;
    this.#linearSyns = linearSyns;
  }

  readonly known = (id: string): boolean => this.#sockets?.has(id) ?? false;

  /**
   * Whether another look is worth while although the kernel resent nothing: where counters fall back, one that fell and
   * rose again between two looks would be taken for one that stood still.
   */
  get unsettled(): boolean {
    if (this.#counts === 'since_ack') for (const { reading } of this.#sockets?.values() ?? []) if (reading.resent > 0) return true;
    return false;
  }

  observe(readings: readonly SocketReading[], atUs: number): Observation[] {
    const observations: Observation[] = [];
    const sockets = new Map<string, Known>();
    for (const socket of readings) {
      const before = this.#before(socket);
      const n = this.#resent(socket, before);
      const timedOut = this.#sockets === undefined ? socket.timeouts > 0 : this.#timedOut(socket, before, atUs);
      const rtoMs = n === 0 && this.#sockets !== undefined ? before?.rtoMs : this.#rto(socket, before, timedOut);
      sockets.set(socket.id, { reading: socket, atUs, ...(rtoMs !== undefined && { rtoMs }) });
      if (n === 0 || this.#sockets === undefined) continue;
      const kind = socket.request ? 'SYNACK' : socket.state === 'SYN_SENT' ? 'SYN' : timedOut ? 'RTO' : undefined;
      const doubled = socket.backoff === undefined || socket.backoff === 0 || kind === undefined ? socket.backoff : socket.backoff - 1;
      observations.push({
        socket,
        n,
        ...(kind !== undefined && { kind }),
        ...(rtoMs !== undefined && { rtoMs }),
        ...(before?.rtoMs !== undefined && { rtoWasMs: before.rtoMs }),
        ...(doubled !== undefined && { backoff: doubled }),
      });
    }
    this.#sockets = sockets;
    return observations;
  }

  /** The same socket at the last look. Without a cookie a port that was used again shows by another inode. */
  #before(socket: SocketReading): Known | undefined {
    const known = this.#sockets?.get(socket.id);
    const other = known !== undefined && known.reading.inode !== 0 && socket.inode !== 0 && known.reading.inode !== socket.inode;
    return other ? undefined : known;
  }

  #resent(socket: SocketReading, before: Known | undefined): number {
    const was = before?.reading.resent ?? 0;
    return socket.resent >= was ? socket.resent - was : socket.resent;
  }

  /** Whether the last resend was a timer's: the row of timeouts grew, or there is one and it cannot be the one seen before. */
  #timedOut(socket: SocketReading, before: Known | undefined, atUs: number): boolean {
    if (socket.timeouts === 0) return false;
    if (before === undefined || this.#counts === 'since_ack') return true;
    const { reading } = before;
    const ranOut = reading.timerMs !== undefined && atUs > before.atUs + (reading.timerMs + timerRoundingMs) * 1000;
    return reading.timeouts !== socket.timeouts || reading.rtoMs !== socket.rtoMs || ranOut;
  }

  /**
   * The timeout that expired. On expiry the kernel resends and at once doubles icsk_rto, at most up to tcp_rto_max
   * (tcp_retransmit_timer), so a look afterwards sees the doubled one; for the first SYNs it does not double. A timeout in
   * a row with the one seen before had to be the one in force then.
   */
  #rto(socket: SocketReading, before: Known | undefined, timedOut: boolean): number | undefined {
    const { rtoMs } = socket;
    if (rtoMs === undefined) return undefined;
    const was = before?.reading;
    if (timedOut && was?.rtoMs !== undefined && was.timeouts > 0 && socket.timeouts === was.timeouts + 1)
      return rtoMs >= 2 * was.rtoMs ? halved(rtoMs) : was.rtoMs;
    return this.#doubled(socket) ? halved(rtoMs) : rtoMs;
  }

  #doubled(socket: SocketReading): boolean {
    if (socket.backoff !== undefined) return socket.backoff > 0;
    return socket.timeouts > (socket.state === 'SYN_SENT' ? this.#linearSyns : 0);
  }
}

/** ss shows timers of 10 s and more in whole seconds. */
const timerRoundingMs = 1000;
const halved = (ms: number) => Math.floor(ms / 2);
