import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

let made = 0;

/** Both ends of the path a - r - b, in documentation and benchmarking ranges (RFC 2544, RFC 3849). */
export const addresses = {
  a: { v4: '198.18.0.2', v6: '2001:db8:a::2' },
  b: { v4: '198.18.0.6', v6: '2001:db8:b::2' },
} as const;

/** A program in a namespace that connects, sends and listens as told; one JSON answer for each command. */
export interface Peer {
  readonly pid: number;
  /** Listens on all addresses and reads what comes. */
  listen(port: number): Promise<void>;
  /** Listens and never accepts: the queue fills, the kernel does not answer further SYNs. */
  listenOnly(port: number, backlog: number): Promise<void>;
  /** Resolves when connected, with the local port; or when the connection is only begun (`wait` false). */
  connect(host: string, port: number, wait?: boolean): Promise<number>;
  /** Writes on all connections. Resolves when written to the sockets. */
  send(bytes: number): Promise<void>;
  /** Takes another command name. */
  rename(name: Uint8Array): Promise<void>;
  /** Writes on all connections that it accepted. */
  answer(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Three network namespaces of its own: a - r - b, IPv4 and IPv6 routed by r. Root only. */
export interface NetLab {
  readonly a: string;
  readonly r: string;
  readonly b: string;
  /** Inode of namespace a, as records have it in `netns`. */
  readonly netns: number;
  /** Whether a record is of namespace a: the kernel gives the inode of a namespace that ended to the next one, so the time counts too. */
  own(record: { readonly timeUs: number; readonly fields: Readonly<Record<string, unknown>> }): boolean;
  /** Inode of any of the three. */
  inode(namespace: string): number;
  /** r stops forwarding silently, both families: established connections get no answer. */
  cut(): void;
  restore(): void;
  /** r drops what nft's expression says (`tcp dport 5001 numgen inc mod 9 == 4`), both families; undefined: nothing any more. */
  lose(what: string | undefined): void;
  /** a and b send each segment in a packet of its own from now on, so that one can be lost. */
  segmentByItself(): void;
  /** The link of a has no carrier: resending fails on this host. */
  carrier(up: boolean): void;
  /** Counters of a namespace as nstat tells them, zeroes included. */
  nstat(namespace?: string): Readonly<Record<string, number>>;
  run(namespace: string, command: string, args: readonly string[]): string;
  peer(namespace: string): Promise<Peer>;
  close(): void;
}

const run = (command: string, args: readonly string[]) =>
  execFileSync(command, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

export function makeNetLab(): NetLab {
  const name = `tl${process.pid}x${made++}`;
  const [a, r, b] = [`${name}a`, `${name}r`, `${name}b`];
  const inside = (namespace: string, command: string, args: readonly string[]) => run('ip', ['netns', 'exec', namespace, command, ...args]);
  const ip = (...args: string[]) => run('ip', args);
  const forward = (value: 0 | 1) => {
    inside(r, 'sysctl', ['-qw', `net.ipv4.ip_forward=${value}`, `net.ipv6.conf.all.forwarding=${value}`]);
  };
  const peers: ChildProcessByStdio<Writable, Readable, null>[] = [];
  const close = () => {
    for (const peer of peers) peer.kill('SIGKILL');
    for (const namespace of [a, r, b]) {
      try {
        ip('netns', 'del', namespace);
      } catch {
        // Never made.
      }
    }
  };
  try {
    for (const namespace of [a, r, b]) {
      ip('netns', 'add', namespace);
      // No duplicate address detection: IPv6 addresses can be used at once.
      inside(namespace, 'sysctl', [
        '-qw',
        'net.ipv6.conf.all.accept_dad=0',
        'net.ipv6.conf.default.accept_dad=0',
        'net.ipv4.tcp_no_metrics_save=1',
      ]);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
    const link = (end: string, v4: string, v6: string, toR: string, r4: string, r6: string) => {
      // Where both ends have the same index, the kernel takes up to a second to see that the link is up, and first packets get lost.
      ip('link', 'add', 'eth0', 'index', '100', 'netns', end, 'type', 'veth', 'peer', 'name', toR, 'netns', r);
      ip('-n', end, 'addr', 'add', `${v4}/30`, 'dev', 'eth0');
      ip('-n', end, '-6', 'addr', 'add', `${v6}/64`, 'dev', 'eth0', 'nodad');
      ip('-n', r, 'addr', 'add', `${r4}/30`, 'dev', toR);
      ip('-n', r, '-6', 'addr', 'add', `${r6}/64`, 'dev', toR, 'nodad');
      ip('-n', end, 'link', 'set', 'eth0', 'up');
      ip('-n', r, 'link', 'set', toR, 'up');
      ip('-n', end, 'route', 'add', 'default', 'via', r4);
      ip('-n', end, '-6', 'route', 'add', 'default', 'via', r6);
    };
    link(a, addresses.a.v4, addresses.a.v6, 'toa', '198.18.0.1', '2001:db8:a::1');
    link(b, addresses.b.v4, addresses.b.v6, 'tob', '198.18.0.5', '2001:db8:b::1');
    forward(1);
  } catch (error) {
    close();
    throw error;
  }
  const netns = statSync(`/run/netns/${a}`).ino;
  const madeUs = Date.now() * 1000;
  return {
    a,
    r,
    b,
    netns,
    own: ({ timeUs, fields }) => fields['netns'] === netns && timeUs >= madeUs,
    inode: (namespace) => statSync(`/run/netns/${namespace}`).ino,
    cut: () => forward(0),
    restore: () => forward(1),
    lose(what) {
      inside(r, 'nft', ['add table inet lossy; delete table inet lossy']);
      if (what !== undefined)
        inside(r, 'nft', [`table inet lossy { chain through { type filter hook forward priority 0; ${what} drop\n}\n}\n`]);
    },
    segmentByItself: () => [a, b].forEach((end) => ip('-n', end, 'link', 'set', 'eth0', 'gso_max_segs', '1')),
    carrier: (up) => void ip('-n', r, 'link', 'set', 'toa', up ? 'up' : 'down'),
    nstat: (namespace = a) => (JSON.parse(inside(namespace, 'nstat', ['-azsj'])) as { kernel: Record<string, number> }).kernel,
    run: inside,
    close,
    async peer(namespace) {
      const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, `${import.meta.dirname}/peer.mjs`], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      peers.push(child);
      const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const ask = async (command: object) => {
        child.stdin.write(`${JSON.stringify(command)}\n`);
        const answer = JSON.parse((await answers.next()).value ?? '{"error":"the peer has ended"}') as { ok?: number; error?: string };
        if (answer.error !== undefined) throw new Error(answer.error);
        return answer.ok ?? 0;
      };
      return {
        pid: child.pid ?? 0,
        listen: async (port) => void (await ask({ do: 'listen', port })),
        listenOnly: async (port, backlog) => void (await ask({ do: 'listenOnly', port, backlog })),
        connect: (host, port, wait = true) => ask({ do: 'connect', host, port, wait }),
        rename: async (name) => void (await ask({ do: 'rename', name: Buffer.from(name).toString('hex') })),
        answer: async (bytes) => void (await ask({ do: 'answer', bytes })),
        send: async (bytes) => void (await ask({ do: 'send', bytes })),
        async close() {
          const gone = once(child, 'exit');
          child.kill('SIGKILL');
          await gone;
        },
      };
    },
  };
}
