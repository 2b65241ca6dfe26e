import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Subject, type Observable } from 'rxjs';
import { spawnInGroup } from '../../src/engine/child.ts';
import type { Engine, EngineHost } from '../../src/engine/engine.ts';
import type { Frame } from '../../src/engine/frame.ts';
import type { Module } from '../../src/generate/module.ts';
import type { Goal } from '../../src/goals/goal.ts';
import { wallClock } from '../../src/telemetry/clock.ts';
import { goalOf } from './goals.ts';

export const procfsModule = (id: string): Module => ({
  id: '0123456789ab',
  name: `tapline_${id.replaceAll('.', '_')}_0123456789ab`,
  goal: goalOf(id),
  engine: 'procfs',
  source: 'reader tcp',
  rules: [],
  pushdown: [],
});

export const thisHost = (): EngineHost => ({
  spawn: spawnInGroup,
  clock: wallClock,
  proc: '/proc',
  sys: '/sys',
  hostname: hostname(),
  uid: process.getuid?.() ?? -1,
});

export interface SampledRecord {
  readonly goal: string;
  readonly seq: number;
  readonly timeUs: number;
  readonly sinceUs: number;
  readonly n: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an engine told so far, read by nothing but JSON.parse. */
export interface Told {
  readonly frames: Frame[];
  readonly records: SampledRecord[];
  readonly beats: {
    readonly goal: string;
    readonly type: 'b' | 'e';
    readonly emitted: readonly (readonly number[])[];
    readonly missed: number;
  }[];
  /** Resolves at the first record, of those told already too, for which it holds. */
  first(wanted: (record: SampledRecord) => boolean): Promise<SampledRecord>;
  readonly ready: Promise<void>;
  /** Resolves when the engine has ended by itself. */
  readonly ended: Promise<void>;
  /** Asks the engine to end and waits until it has. */
  end(): Promise<void>;
}

export function listenTo(engine: Engine, modules: readonly Module[], host: EngineHost = thisHost()): Told {
  const stop = new AbortController();
  const goals = new Map<string, Goal>();
  const frames: Frame[] = [];
  const records: SampledRecord[] = [];
  const beats: Told['beats'] = [];
  const arrived = new Subject<SampledRecord>();
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const read = (frame: Frame) => {
    frames.push(frame);
    if (frame.kind === 'run') goals.set(frame.run.id, modules.find((module) => module.goal.id === frame.run.goal)?.goal as Goal);
    if (frame.kind !== 'lines') return;
    const goal = goals.get(frame.run) as Goal;
    for (const line of Buffer.from(frame.lines).toString().split('\n').slice(0, -1)) {
      const [type, ...rest] = JSON.parse(line);
      if (type === 'm') isReady();
      if (type === 'b' || type === 'e') beats.push({ goal: goal.id, type, ...rest[1] });
      if (type !== 'r') continue;
      const [, seq, timeUs, sinceUs, n, columns] = rest;
      const fields = Object.fromEntries(goal.fields.map(({ name }, i) => [name, columns[i]]));
      const record = { goal: goal.id, seq, timeUs, sinceUs, n, fields };
      records.push(record);
      arrived.next(record);
    }
  };
  const frames$: Observable<readonly Frame[]> = engine.run(modules, host, stop.signal);
  const ended = new Promise<void>((resolve, reject) =>
    frames$.subscribe({ next: (some) => some.forEach(read), error: reject, complete: resolve }),
  );
  return {
    frames,
    records,
    beats,
    ready,
    ended,
    first: (wanted) =>
      new Promise((resolve) => {
        const found = records.find(wanted);
        if (found) return resolve(found);
        const subscription = arrived.subscribe((record) => {
          if (!wanted(record)) return;
          subscription.unsubscribe();
          resolve(record);
        });
      }),
    end() {
      stop.abort();
      return ended;
    },
  };
}

/** The timeouts of a SYN that nobody answers, in order: `1000` a few times, then doubling (net.ipv4.tcp_syn_linear_timeouts, 0 before 6.5). */
export function synTimeouts(count: number): number[] {
  let linear = 0;
  try {
    linear = Number(readFileSync('/proc/sys/net/ipv4/tcp_syn_linear_timeouts', 'utf8'));
  } catch {
    // A kernel before 6.5.
  }
  return Array.from({ length: count }, (_, i) => 1000 * 2 ** Math.max(0, i - linear));
}

/** Records of one goal to one port, by local port: what one connection did. */
export function byConnection(records: readonly SampledRecord[], goal: string, dport: number): SampledRecord[][] {
  const connections = new Map<unknown, SampledRecord[]>();
  for (const record of records) {
    if (record.goal !== goal || record.fields['dport'] !== dport) continue;
    connections.set(record.fields['sport'], [...(connections.get(record.fields['sport']) ?? []), record]);
  }
  return [...connections.values()];
}
