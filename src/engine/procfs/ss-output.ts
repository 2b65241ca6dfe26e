import type { SocketReading, TcpState } from './socket.ts';

/** What `ss` is asked: numbers, TCP of both families, timers, inode and cookie, tcp_info; all but listening and finished sockets. */
export const ssArguments: readonly string[] = ['-t', '-i', '-n', '-o', '-e', 'state', 'connected', 'exclude', 'time-wait'];

/** iproute2's names (misc/ss.c, sstate_name), without those that are not asked for. */
const states: Readonly<Record<string, TcpState>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECV',
  'FIN-WAIT-1': 'FIN_WAIT1',
  'FIN-WAIT-2': 'FIN_WAIT2',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  CLOSING: 'CLOSING',
};

export interface SsOutput {
  readonly sockets: readonly SocketReading[];
  /** False where there are sockets but no tcp_info on any: this `ss` may not ask the kernel and reads /proc instead. */
  readonly informed: boolean;
}

/**
 * Reads what `ss` prints for `ssArguments`: one line a socket, and what tcp_info says on a second one that begins with a
 * tab. The second line is the only one believed for counters: the first may hold a cgroup's path, which its owner chose.
 * (That is why `--oneline` is not asked for; nor do versions before 5.2 have it.) Sockets that never sent anything again
 * are skipped after a search for one word, so a thousand quiet ones cost next to nothing.
 */
export function parseSs(text: string): SsOutput {
  const sockets: SocketReading[] = [];
  let informed = false;
  let full = false;
  let head = '';
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    if (text.charCodeAt(start) !== 9) {
      head = text.slice(start, end);
      full ||= !head.startsWith('State') && !head.startsWith('SYN-RECV') && head.trim() !== '';
      if (head.startsWith('SYN-RECV')) addTo(sockets, halfOpen(head));
    } else {
      const info = text.slice(start, end);
      informed ||= info.includes(' mss:');
      if (info.includes(' retrans:')) addTo(sockets, withInfo(head, info));
    }
    start = end + 1;
  }
  return { sockets, informed: informed || !full };
}

const addTo = <T>(list: T[], item: T | undefined) => {
  if (item !== undefined) list.push(item);
};

function halfOpen(line: string): SocketReading | undefined {
  const head = parseHead(line);
  // A SYN_RECV that has an inode or tcp_info is a real socket (TCP Fast Open, simultaneous open).
  if (head === undefined || head.inode !== 0 || head.timeouts === 0) return undefined;
  return { ...head, request: true, resent: head.timeouts };
}

function withInfo(line: string, info: string): SocketReading | undefined {
  const head = parseHead(line);
  const resent = number(/ retrans:\d+\/(\d+)/.exec(info)?.[1]);
  if (head === undefined || resent === undefined) return undefined;
  return {
    ...head,
    request: false,
    resent,
    backoff: number(/ backoff:(\d+)/.exec(info)?.[1]) ?? 0,
    // ss leaves out a timeout of exactly 3 s (misc/ss.c, tcp_show_info).
    rtoMs: Math.round(number(/ rto:(\d{1,9}(?:\.\d+)?(?:e\+0\d)?)(?: |$)/.exec(info)?.[1]) ?? 3000),
  };
}

function parseHead(line: string) {
  const [name = '', , , local = '', remote = ''] = line.split(/ +/, 5);
  const state = states[name];
  const from = endpoint(local);
  const to = endpoint(remote);
  if (state === undefined || from === undefined || to === undefined) return undefined;
  const cgroup = line.indexOf(' cgroup:');
  const rest = cgroup < 0 ? line : line.slice(0, cgroup);
  const timer = / timer:\((\w+),([^,)]*),(\d+)\)/.exec(rest);
  const armed = timer?.[1] === 'on';
  const cookie = / sk:([0-9a-f]+)/.exec(rest)?.[1] ?? '';
  return {
    id: `${cookie} ${local} ${remote}`,
    saddr: from.address,
    sport: from.port,
    daddr: to.address,
    dport: to.port,
    state,
    inode: number(/ ino:(\d+)/.exec(rest)?.[1]) ?? 0,
    timeouts: armed ? (number(timer?.[3]) ?? 0) : 0,
    ...(armed && { timerMs: duration(timer?.[2] ?? '') }),
  };
}

/** "127.0.0.1:80", "127.0.0.1%lo:80", "[::1]:80", "[fe80::1]%eth0:80" (misc/ss.c, inet_addr_print). */
function endpoint(text: string): { address: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-f:.]+)(?:%[^\]]*)?\]|([\d.]+))(?:%[^:]*)?:(\d+)$/i.exec(text);
  const address = match?.[1] ?? match?.[2];
  return address === undefined ? undefined : { address, port: Number(match?.[3]) };
}

/** "552ms", "1.664ms" (1664 ms), "26sec", "1min5sec", "" (misc/ss.c, print_ms_timer); what it rounds it rounds down. */
function duration(text: string): number {
  const match = /^(?:(\d+)min)?(?:(\d+)(?:\.|sec))?(?:(\d+)ms)?$/.exec(text);
  return match === null ? 0 : Number(match[1] ?? 0) * 60_000 + Number(match[2] ?? 0) * 1000 + Number(match[3] ?? 0);
}

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
