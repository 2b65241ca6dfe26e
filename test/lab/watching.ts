import { hostname } from 'node:os';
import { Decoder } from '../../src/decode/decoder.ts';
import { recordAt } from '../../src/decode/record.ts';
import type { TapRecord } from '../../src/decode/batch.ts';
import type { Signal } from '../../src/decode/signal.ts';
import { spawnInGroup } from '../../src/engine/child.ts';
import type { Engine, EngineHost } from '../../src/engine/engine.ts';
import type { Frame } from '../../src/engine/frame.ts';
import type { Module } from '../../src/generate/module.ts';
import type { Problem } from '../../src/problem/problem.ts';
import { wallClock } from '../../src/telemetry/clock.ts';
import { Ledger } from '../../src/telemetry/ledger.ts';

export const realHost: EngineHost = {
  spawn: spawnInGroup,
  clock: wallClock,
  proc: '/proc',
  sys: '/sys',
  hostname: hostname(),
  uid: process.getuid?.() ?? -1,
};

/** An engine at work on modules, decoded; for tests that make real events and look at the records. */
export interface Watching {
  readonly records: readonly TapRecord[];
  readonly frames: readonly Frame[];
  readonly signals: readonly Signal[];
  readonly problems: readonly Problem[];
  readonly ledger: Ledger;
  /** Resolves when `holds` is true of what was seen so far; looks after each frame. */
  until(holds: (watching: Watching) => boolean, what: string, limitMs?: number): Promise<void>;
  /** Asks the engine to stop and waits until it has. */
  stop(): Promise<void>;
}

/** Starts the engine and waits until every module has proved ready. */
export async function watch(engine: Engine, modules: readonly Module[], host: EngineHost = realHost): Promise<Watching> {
  const records: TapRecord[] = [];
  const frames: Frame[] = [];
  const signals: Signal[] = [];
  const problems: Problem[] = [];
  const ledger = new Ledger();
  const goals = new Map(modules.map((module) => [module.goal.id, module.goal]));
  const decoder = new Decoder({ goal: (id) => goals.get(id), ledger, onProblem: (problem) => problems.push(problem) });
  const stopping = new AbortController();
  let changed: (() => void) | undefined;
  let over = false;
  const ended = new Promise<void>((resolve) =>
    engine.run(modules, host, stopping.signal).subscribe({
      next(some) {
        frames.push(...some.map((frame) => (frame.kind === 'lines' ? { ...frame, lines: Uint8Array.from(frame.lines) } : frame)));
        for (const signal of decoder.push(some)) {
          signals.push(signal);
          if (signal.kind === 'batch') for (let row = 0; row < signal.batch.length; row++) records.push(recordAt(signal.batch, row));
        }
        changed?.();
      },
      complete() {
        over = true;
        changed?.();
        resolve();
      },
    }),
  );
  const watching: Watching = {
    records,
    frames,
    signals,
    problems,
    ledger,
    async until(holds, what, limitMs = 30_000) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        changed?.();
      }, limitMs);
      while (!holds(watching)) {
        if (late || over) throw new Error(`${what}: not seen; ${records.length} records, problems: ${JSON.stringify(problems)}`);
        await new Promise<void>((resolve) => (changed = resolve));
      }
      clearTimeout(timer);
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
  const isReady = () => new Set(signals.flatMap((signal) => (signal.kind === 'ready' ? [signal.run.goal] : []))).size === goals.size;
  await watching.until(isReady, `ready (${[...goals.keys()].join(', ')})`, 60_000);
  return watching;
}
