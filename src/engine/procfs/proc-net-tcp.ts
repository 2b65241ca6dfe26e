import { formatAddress } from '../../goals/address.ts';
import type { SocketReading, TcpState } from './socket.ts';

/** By number (include/net/tcp_states.h). */
const states: readonly (TcpState | undefined)[] = [
  undefined,
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
];

/** Times in /proc/net/tcp are in clock_t, 10 ms (USER_HZ is 100 on all architectures but alpha), rounded down. */
const tickMs = 10;

/**
 * Reads /proc/net/tcp or /proc/net/tcp6 (tcp4_seq_show, get_tcp4_sock; get_openreq4 for half-open ones). Columns: number, local,
 * remote, state, queues, timer:when, retransmits, uid, probes, inode, references, address, then for full sockets rto,
 * ato, quick-ack, cwnd, ssthresh. `retransmits` is icsk_retransmits: timeouts since something was last acknowledged.
 * A line that cannot be read is skipped.
 */
export function parseProcNetTcp(text: string, known: (id: string) => boolean): SocketReading[] {
  const sockets: SocketReading[] = [];
  for (const line of text.split('\n').slice(1)) {
    const columns = line.trim().split(/ +/);
    const [, local = '', remote = '', hexState = '', , timer = '', retransmits = '', , , inode = '', , , rto] = columns;
    const state = states[parseInt(hexState, 16)];
    if (state === undefined || state === 'LISTEN' || state === 'TIME_WAIT') continue;
    const timeouts = parseInt(retransmits, 16);
    const id = `${local} ${remote}`;
    if (!(timeouts > 0 || known(id))) continue;
    const from = endpoint(local);
    const to = endpoint(remote);
    if (from === undefined || to === undefined) continue;
    const request = state === 'SYN_RECV' && inode === '0';
    const [kind, when] = timer.split(':');
    sockets.push({
      id,
      saddr: from.address,
      sport: from.port,
      daddr: to.address,
      dport: to.port,
      state,
      request,
      inode: Number(inode) || 0,
      resent: timeouts || 0,
      timeouts: timeouts || 0,
      ...(!request && /^\d{1,9}$/.test(rto ?? '') && { rtoMs: Number(rto) * tickMs }),
      ...(kind === '01' && { timerMs: (parseInt(when ?? '', 16) || 0) * tickMs }),
    });
  }
  return sockets;
}

/** "0100007F:1F90": 32-bit words in the byte order of the machine, little-endian wherever Node runs but on s390x. */
function endpoint(text: string): { address: string; port: number } | undefined {
  const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text);
  if (match === null) return undefined;
  const words = Buffer.from(match[1] ?? '', 'hex');
  if (littleEndian) words.swap32();
  const bytes = words.length === 16 ? words : Buffer.from([...new Array<number>(10).fill(0), 0xff, 0xff, ...words]);
  return { address: formatAddress(bytes), port: parseInt(match[2] ?? '', 16) };
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
