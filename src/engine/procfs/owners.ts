import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setImmediate as breathe } from 'node:timers/promises';
import { textOf } from '../../goals/text.ts';

export interface Owner {
  readonly pid: number;
  readonly comm: string;
}

interface Place {
  readonly pid: number;
  readonly fd: string;
}

/**
 * Which process holds a socket, by its inode in /proc/PID/fd. Without root only this user's processes can be seen; what is
 * not seen is unknown. A search through all processes is dear, so its cost is bounded: after one that worked for t, none for 20 t.
 */
export class Owners {
  readonly #proc: string;
  #places = new Map<number, Place>();
  #restUntilMs = -Infinity;

  constructor(proc: string) {
    this.#proc = proc;
  }

  async find(inodes: ReadonlySet<number>): Promise<ReadonlyMap<number, Owner>> {
    const owners = new Map<number, Owner>();
    const wanted = new Set(inodes);
    wanted.delete(0);
    const take = (inode: number, place: Place) => {
      const comm = this.#comm(place.pid);
      if (comm === undefined) return;
      owners.set(inode, { pid: place.pid, comm });
      wanted.delete(inode);
    };
    for (const inode of [...wanted]) {
      const place = this.#places.get(inode);
      if (place !== undefined && this.#inodeAt(place.pid, place.fd) === inode) take(inode, place);
    }
    if (wanted.size === 0 || performance.now() < this.#restUntilMs) return owners;
    let workMs = 0;
    // Only what is asked for now is kept: sockets that resend are asked for again and again, others have gone.
    this.#places = new Map([...this.#places].filter(([inode]) => owners.has(inode)));
    for (const pids of slices(this.#pids(), 32)) {
      const startMs = performance.now();
      for (const pid of pids) {
        for (const fd of this.#names(`${pid}/fd`)) {
          const inode = this.#inodeAt(pid, fd);
          if (inode === undefined || !wanted.has(inode)) continue;
          const place = { pid, fd };
          this.#places.set(inode, place);
          take(inode, place);
        }
      }
      workMs += performance.now() - startMs;
      if (wanted.size === 0) break;
      await breathe();
    }
    this.#restUntilMs = performance.now() + Math.min(workMs * 20, longestRestMs);
    return owners;
  }

  #pids(): number[] {
    return this.#names('')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  }

  #names(path: string): string[] {
    try {
      return readdirSync(`${this.#proc}/${path}`);
    } catch {
      return []; // Gone, or another user's.
    }
  }

  #inodeAt(pid: number, fd: string): number | undefined {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${this.#proc}/${pid}/fd/${fd}`))?.[1];
      return inode === undefined ? undefined : Number(inode);
    } catch {
      return undefined;
    }
  }

  #comm(pid: number): string | undefined {
    try {
      const bytes = readFileSync(`${this.#proc}/${pid}/comm`);
      return textOf(bytes, 0, bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length);
    } catch {
      return undefined;
    }
  }
}

const longestRestMs = 5000;

function* slices<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}
