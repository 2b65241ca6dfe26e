/**
 * What `ss` is asked: numbers, listening TCP sockets of both families, inode and cookie, memory (which says how many connection
 * attempts each dropped).
 */
export const listenersArguments: readonly string[] = ['-l', '-t', '-n', '-e', '-m'];

/** One look at one listening socket. */
export interface ListenerReading {
  /** The same for one socket for as long as it lives, and for no other that lives at the same time. */
  readonly id: string;
  readonly saddr: string;
  readonly sport: number;
  /** 0 where `ss` does not say. */
  readonly inode: number;
  /** Connections that wait to be accepted, and how many may (sk_ack_backlog, sk_max_ack_backlog). */
  readonly queued: number;
  readonly queueMax: number;
  /** Connection attempts dropped since it began to listen (sk_drops). */
  readonly drops: number;
}

/**
 * Reads what `ss` prints for `listenersArguments`: one line a socket, and its memory on a second one that begins with a tab. Only the
 * second line is believed for the drops: the first may hold a cgroup's path, which its owner chose. Throws an Error where
 * there are sockets without memory: this `ss` may not ask the kernel and reads /proc instead.
 */
export function parseListeners(text: string): ListenerReading[] {
  const listeners: ListenerReading[] = [];
  let head: Omit<ListenerReading, 'drops'> | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('\t')) {
      if (head !== undefined) throw new Error('ss may not ask the kernel here (no skmem)');
      head = parseHead(line);
      continue;
    }
    const drops = /^\t skmem:\([^)]*,d(\d+)\)/.exec(line)?.[1];
    if (head !== undefined && drops !== undefined) listeners.push({ ...head, drops: Number(drops) });
    if (drops !== undefined) head = undefined;
  }
  if (head !== undefined) throw new Error('ss may not ask the kernel here (no skmem)');
  return listeners;
}

function parseHead(line: string): Omit<ListenerReading, 'drops'> | undefined {
  const [state, queued, queueMax, local = ''] = line.split(/ +/, 4);
  // "127.0.0.1:80", "127.0.0.1%lo:80", "[::1]:80", "*:80" (all addresses of both families; misc/ss.c, inet_addr_print).
  const match = /^(?:\[([0-9a-f:.]+)(?:%[^\]]*)?\]|([\d.]+)(?:%[^:]*)?|(\*)(?:%[^:]*)?):(\d+)$/i.exec(local);
  if (state !== 'LISTEN' || match === null) return undefined;
  const cgroup = line.indexOf(' cgroup:');
  const rest = cgroup < 0 ? line : line.slice(0, cgroup);
  return {
    id: `${/ sk:([0-9a-f]+)/.exec(rest)?.[1] ?? ''} ${local}`,
    saddr: match[1] ?? match[2] ?? '::',
    sport: Number(match[4]),
    inode: Number(/ ino:(\d+)/.exec(rest)?.[1] ?? 0),
    queued: Number(queued),
    queueMax: Number(queueMax),
  };
}

/** A listener whose queue is full or that dropped something since the last look, and how much. */
export interface Overflow {
  readonly listener: ListenerReading;
  readonly drops: number;
  readonly full: boolean;
}

/** Compares each look with the one before. What listeners had dropped at the first one is the baseline; a later one begins at 0. */
export class ListenerWatch {
  #dropped: ReadonlyMap<string, number>;

  constructor(baseline: readonly ListenerReading[]) {
    this.#dropped = dropsOf(baseline);
  }

  look(listeners: readonly ListenerReading[]): Overflow[] {
    const before = this.#dropped;
    this.#dropped = dropsOf(listeners);
    return listeners
      .map((listener) => ({
        listener,
        // The count is of 32 bits.
        drops: (listener.drops - (before.get(listener.id) ?? 0)) >>> 0,
        full: listener.queued > listener.queueMax,
      }))
      .filter(({ drops, full }) => drops > 0 || full);
  }
}

const dropsOf = (listeners: readonly ListenerReading[]) => new Map(listeners.map(({ id, drops }) => [id, drops]));

/** ListenDrops of this network namespace (/proc/net/netstat): what all its listeners dropped. Undefined where the text has none. */
export function parseListenDrops(netstat: string): number | undefined {
  const [names, values] = netstat.split('\n').filter((line) => line.startsWith('TcpExt:'));
  const value = values?.split(' ')[names?.split(' ').indexOf('ListenDrops') ?? -1];
  return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
}
