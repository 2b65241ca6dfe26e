import { readFileSync, statSync } from 'node:fs';
import type { EngineHost } from '../../engine.ts';
import { MissedCount, parseRetransSegs } from '../counter.ts';
import { openSource, unreadable } from '../open.ts';
import { Owners, type Owner } from '../owners.ts';
import type { Reader, ReaderKind } from '../reader.ts';
import { rowMaker } from '../rows.ts';
import { linearSyns } from '../sources.ts';
import { SocketWatch, type Observation } from '../watch.ts';

/** What TCP sockets have sent again, and their timeouts: one pass over all sockets for all modules. */
export const tcpReader: ReaderKind = {
  name: 'tcp',
  looksAt: 'the TCP sockets',
  knows: (goal) => rowMaker(goal) !== undefined,
  async open(modules, host, options, signal) {
    let counter = readCounter(host);
    if (counter === undefined) return { problem: unreadable('the TCP sockets', `${host.proc}/self/net/snmp has no TCP counters`) };
    const missed = new MissedCount(counter);
    const opened = await openSource(host, options.source, signal);
    if ('problem' in opened) return opened;
    const { source, readings, notice } = opened;
    const watch = new SocketWatch(source.counts, linearSyns(host));
    watch.observe(readings, host.clock.nowUs());
    const owners = new Owners(host.proc);
    const netns = statSync(`${host.proc}/self/ns/net`).ino;
    const makers = modules.map(({ goal }) => rowMaker(goal));

    let complete = { atUs: host.clock.nowUs(), missed: 0 };
    const reader: Reader = {
      get complete() {
        return complete;
      },
      get missed() {
        return missed.missed;
      },
      async look(asked) {
        const startUs = host.clock.nowUs();
        const seen = readCounter(host);
        if (seen === undefined) throw new Error(`${host.proc}/self/net/snmp cannot be read any more`);
        // A quiet machine costs one small file a look: no counter, no socket that could have sent anything again.
        let observations: readonly Observation[] = [];
        let last = { atUs: startUs, counter: seen };
        if (seen !== counter || watch.unsettled) {
          const readings = await source.read(watch.known, asked);
          const atUs = host.clock.nowUs();
          // What is sent again while the sockets are read may show in them or not: the counter decides.
          const then = readCounter(host);
          if (then !== undefined) last = { atUs, counter: then };
          observations = watch.observe(readings, atUs);
        }
        const found: ReadonlyMap<number, Owner> =
          observations.length === 0 ? new Map() : await owners.find(new Set(observations.map(({ socket }) => socket.inode)));
        missed.add(
          seen,
          observations.reduce((n, each) => n + each.n, 0),
        );
        counter = seen;
        complete = { atUs: last.atUs, missed: missed.by(last.counter) };
        return makers.map((row) => observations.flatMap((each) => row?.(each, { netns, owner: found.get(each.socket.inode) }) ?? []));
      },
    };
    return { reader, ...(notice && { notice }) };
  },
};

function readCounter(host: EngineHost): number | undefined {
  try {
    return parseRetransSegs(readFileSync(`${host.proc}/self/net/snmp`, 'latin1'));
  } catch {
    return undefined;
  }
}
