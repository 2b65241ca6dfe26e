import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from './clock.ts';

const refreshUs = 250_000;
const rememberUs = 120_000_000;

/**
 * This process' own TCP connections, so that a sink that retransmits is not reported as somebody else's trouble
 * (semantics 23). Known by local and remote port and the socket's inode in /proc/self/fd: works from the first SYN on,
 * for every library. A connection is remembered for two minutes after it was last seen, because it may go on resending
 * after it was closed.
 */
export class OwnConnections {
  readonly #seen = new Map<string, number>();
  #readAtUs = -Infinity;
  readonly #clock: Clock;
  readonly #proc: string;

  constructor(clock: Clock, proc = '/proc') {
    this.#clock = clock;
    this.#proc = proc;
  }

  /** Whether a connection between these ports is, or lately was, one of this process. */
  has(sport: number, dport: number): boolean {
    const nowUs = this.#clock.nowUs();
    const name = `${sport}:${dport}`;
    if (!this.#seen.has(name) && nowUs - this.#readAtUs >= refreshUs) this.#refresh(nowUs);
    const lastUs = this.#seen.get(name);
    return lastUs !== undefined && nowUs - lastUs <= rememberUs;
  }

  #refresh(nowUs: number): void {
    this.#readAtUs = nowUs;
    const inodes = this.#ownInodes();
    for (const [name, lastUs] of this.#seen) if (nowUs - lastUs > rememberUs) this.#seen.delete(name);
    if (inodes.size === 0) return;
    for (const table of ['tcp', 'tcp6']) {
      for (const line of this.#lines(`${this.#proc}/self/net/${table}`)) {
        const columns = line.trim().split(/\s+/);
        if (inodes.has(columns[9] ?? '')) this.#seen.set(`${port(columns[1])}:${port(columns[2])}`, nowUs);
      }
    }
  }

  #ownInodes(): Set<string> {
    const inodes = new Set<string>();
    let names: string[] = [];
    try {
      names = readdirSync(`${this.#proc}/self/fd`);
    } catch {
      return inodes;
    }
    for (const name of names) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${this.#proc}/self/fd/${name}`))?.[1];
        if (inode !== undefined) inodes.add(inode);
      } catch {
        // Closed between the listing and the look: then it is no connection of ours any more.
      }
    }
    return inodes;
  }

  #lines(path: string): string[] {
    try {
      return readFileSync(path, 'latin1').split('\n').slice(1);
    } catch {
      return [];
    }
  }
}

/** "0100007F:1F90" -> 8080 (proc(5), /proc/net/tcp). */
const port = (address: string | undefined): number => parseInt(address?.split(':')[1] ?? '', 16);
