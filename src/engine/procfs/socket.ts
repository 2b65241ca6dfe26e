/** TCP states as the goals name them. */
export type TcpState =
  | 'ESTABLISHED'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'FIN_WAIT1'
  | 'FIN_WAIT2'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'LISTEN'
  | 'CLOSING'
  | 'NEW_SYN_RECV';

/** What one look at one socket shows. Both ways of looking (`ss`, /proc/net/tcp) make these. */
export interface SocketReading {
  /** The same for one socket for as long as it lives, and for no other that lives at the same time. */
  readonly id: string;
  readonly saddr: string;
  readonly sport: number;
  readonly daddr: string;
  readonly dport: number;
  readonly state: TcpState;
  /** A half-open connection on the server's side: no socket yet, the kernel repeats its SYN-ACK (struct request_sock). */
  readonly request: boolean;
  /** 0 where no process holds the socket (not accepted yet, or closed and still sending). */
  readonly inode: number;
  /** Segments sent again: in all (`ss`), or timeouts since the last acknowledgement (/proc/net/tcp). See `Source.counts`. */
  readonly resent: number;
  /** Timeouts in a row, 0 after an acknowledgement (icsk_retransmits). */
  readonly timeouts: number;
  /** icsk_backoff; undefined where it cannot be seen. */
  readonly backoff?: number;
  /** The timeout in force now (icsk_rto): after an expiry already the doubled one. Undefined where it cannot be seen. */
  readonly rtoMs?: number;
  /** How long until the retransmission timer runs out, at least. */
  readonly timerMs?: number;
}

/** One way of reading all sockets of the network namespace that this process is in. */
export interface Source {
  readonly name: 'ss' | 'proc';
  /** `total` only ever rises (tcp_info's tcpi_total_retrans). `since_ack` falls back to 0 when something was acknowledged. */
  readonly counts: 'total' | 'since_ack';
  /**
   * Sockets that have sent something again, and those that `known` says it wants. Rejects with an Error whose message is for
   * people. Never run twice at a time.
   */
  read(known: (id: string) => boolean, signal: AbortSignal): Promise<readonly SocketReading[]>;
}
