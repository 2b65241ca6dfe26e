import { readFileSync, statSync } from 'node:fs';
import type { EngineHost } from '../../engine.ts';
import { MissedCount } from '../counter.ts';
import { ListenerWatch, listenersArguments, parseListenDrops, parseListeners } from '../listeners.ts';
import { unreadable, words } from '../open.ts';
import { Owners, type Owner } from '../owners.ts';
import type { Reader, ReaderKind } from '../reader.ts';
import { runSs } from '../sources.ts';

const looksAt = 'the listening TCP sockets';

/** Queues of listening sockets and what each dropped, of this network namespace. The kernel's own count, so a look misses only what has closed. */
export const listenersReader: ReaderKind = {
  name: 'listeners',
  looksAt,
  knows: (goal) => goal.id === 'tcp.accept_overflow',
  async open(modules, host, _options, signal) {
    const counter = readCounter(host);
    if (counter === undefined) return { problem: unreadable(looksAt, `${host.proc}/self/net/netstat has no TCP counters`) };
    const missed = new MissedCount(counter);
    const read = async (asked: AbortSignal) => parseListeners(await runSs(host, listenersArguments, asked));
    let watch: ListenerWatch;
    try {
      watch = new ListenerWatch(await read(signal));
    } catch (cause) {
      return { problem: unreadable(looksAt, words(cause)) };
    }
    const owners = new Owners(host.proc);
    const netns = statSync(`${host.proc}/self/ns/net`).ino;
    let lastUs = host.clock.nowUs();
    const reader: Reader = {
      get missed() {
        return missed.missed;
      },
      async look(asked) {
        const counted = readCounter(host);
        if (counted === undefined) throw new Error(`${host.proc}/self/net/netstat cannot be read any more`);
        const overflows = watch.look(await read(asked));
        const atUs = host.clock.nowUs();
        const interval_ms = Math.max(0, Math.round((atUs - lastUs) / 1000));
        lastUs = atUs;
        missed.add(
          counted,
          overflows.reduce((sum, { drops }) => sum + drops, 0),
        );
        const inodes = new Set(overflows.map(({ listener }) => listener.inode));
        const found: ReadonlyMap<number, Owner> = inodes.size === 0 ? new Map<number, Owner>() : await owners.find(inodes);
        const values = overflows.map(({ listener: { saddr, sport, queued, queueMax, inode }, drops, full }) => {
          const facts = { netns, saddr, sport, drops, queued, queue_max: queueMax, full, interval_ms, ...found.get(inode) };
          return new Map<string, string | number | boolean>(Object.entries(facts));
        });
        return modules.map(({ goal }) => values.map((row) => ({ n: 1, columns: goal.fields.map(({ name }) => row.get(name) ?? null) })));
      },
    };
    return { reader };
  },
};

function readCounter(host: EngineHost): number | undefined {
  try {
    return parseListenDrops(readFileSync(`${host.proc}/self/net/netstat`, 'latin1'));
  } catch {
    return undefined;
  }
}
