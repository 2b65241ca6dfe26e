import { Observable, type Subscriber } from 'rxjs';
import type { EngineName } from '../../src/config/config.ts';
import type { Engine, EngineHost, Singly } from '../../src/engine/engine.ts';
import type { Frame, Run } from '../../src/engine/frame.ts';
import { newRun } from '../../src/engine/new-run.ts';
import type { Module } from '../../src/generate/module.ts';
import type { Goal } from '../../src/goals/goal.ts';
import type { Problem } from '../../src/problem/problem.ts';
import { realHost } from './watching.ts';

/** A clock that stands until it is moved, in microseconds since the epoch. */
export const clock = { us: 1_800_000_000_000_000, nowUs: () => clock.us };
export const fakeHost: EngineHost = { ...realHost, clock };

/** One call of `run`, of which a test says everything. */
export class FakeRun {
  readonly modules: readonly Module[];
  readonly singly: Singly | undefined;
  readonly stop: AbortSignal;
  closed = false;
  readonly #engine: FakeEngine;
  readonly #out: Subscriber<readonly Frame[]>;
  readonly #runs = new Map<string, { readonly run: Run; seq: number }>();

  constructor(engine: FakeEngine, out: Subscriber<readonly Frame[]>, modules: readonly Module[], stop: AbortSignal, singly?: Singly) {
    this.#engine = engine;
    this.#out = out;
    this.modules = modules;
    this.stop = stop;
    this.singly = singly;
  }

  get goals(): string[] {
    return this.modules.map((module) => module.goal.id);
  }

  /** Nothing of it lives: whoever asks it to stop gets what it wants. */
  get idle(): boolean {
    return this.#runs.size === 0;
  }

  /** A life of each module begins. */
  begin(...goals: string[]): this {
    for (const module of this.modules.filter(({ goal }) => goals.length === 0 || goals.includes(goal.id))) {
      const run = newRun(module, fakeHost, {
        engine: this.#engine.name,
        dialect: 'procfs',
        clock: this.#engine.name === 'procfs' ? 'wall' : 'boottime',
      });
      this.#runs.set(module.goal.id, { run, seq: 0 });
      this.#tell({ kind: 'run', run, atUs: clock.us });
    }
    return this;
  }

  /** A marker came back. */
  ready(goal: string, atUs = clock.us): this {
    clock.us = Math.max(clock.us, atUs);
    const run = this.#of(goal).run.id;
    this.#tell({ kind: 'marker', run, number: 1, beforeUs: atUs, afterUs: atUs, atUs: clock.us });
    return this.line(goal, ['m', atUs, 1]);
  }

  record(goal: string, atUs: number, values: Readonly<Record<string, unknown>>, sinceUs: number | null = null, n = 1): this {
    clock.us = Math.max(clock.us, atUs);
    const each = this.#of(goal);
    const { fields } = this.modules.find((module) => module.goal.id === goal)?.goal ?? { fields: [] };
    return this.line(goal, ['r', 0, ++each.seq, atUs, sinceUs, n, fields.map((field) => values[field.name] ?? plain(field))]);
  }

  beat(goal: string, atUs = clock.us, type: 'b' | 'e' = 'b'): this {
    clock.us = Math.max(clock.us, atUs);
    const { seq } = this.#of(goal);
    return this.line(goal, [type, atUs, { emitted: seq === 0 ? [] : [[0, seq]], lost: 0, skipped: 0, filtered: 0, missed: 0 }]);
  }

  bye(goal: string, atUs = clock.us): this {
    return this.beat(goal, atUs, 'e').end(goal);
  }

  end(goal: string, problem?: Problem): this {
    this.#tell({ kind: 'end', run: this.#of(goal).run.id, ...(problem && { problem }), atUs: clock.us });
    return this;
  }

  line(goal: string, line: unknown): this {
    this.#tell({ kind: 'lines', run: this.#of(goal).run.id, lines: Buffer.from(`${JSON.stringify(line)}\n`), atUs: clock.us });
    return this;
  }

  complete(): void {
    this.#out.complete();
  }

  leaving(goal: string): boolean {
    const module = this.modules.find((each) => each.goal.id === goal);
    return module !== undefined && this.singly?.leaving(module).aborted === true;
  }

  gaveUp(goal: string): void {
    for (const module of this.modules) if (module.goal.id === goal) this.singly?.gaveUp(module);
  }

  #of(goal: string) {
    const found = this.#runs.get(goal);
    if (found === undefined) throw new Error(`${goal} has not begun`);
    return found;
  }

  readonly #tell = (frame: Frame) => this.#out.next([frame]);
}

/** An engine whose runs a test plays. */
export class FakeEngine implements Engine {
  readonly name: EngineName;
  can = true;
  isCompiled = false;
  readonly runs: FakeRun[] = [];

  constructor(name: EngineName) {
    this.name = name;
  }

  readonly available: Engine['available'] = async () =>
    this.can ? { can: true, summary: '', findings: [] } : { can: false, why: `no ${this.name} here`, findings: [] };

  readonly facts: Engine['facts'] = async () => ({ hz: 100, kernel: '6.1', tracepoints: new Map(), engineVersion: '1' });

  readonly compiled = async () => this.isCompiled;

  readonly run: Engine['run'] = (modules, _host, stop, singly) =>
    new Observable((out) => {
      const run = new FakeRun(this, out, modules, stop, singly);
      this.runs.push(run);
      stop.addEventListener('abort', () => run.idle && out.complete());
      return () => {
        run.closed = true;
      };
    });

  get last(): FakeRun {
    const run = this.runs.at(-1);
    if (run === undefined) throw new Error(`${this.name} does not run`);
    return run;
  }
}

const plain = (field: Goal['fields'][number]): unknown => {
  if (field.optional) return null;
  if (field.type === 'enum') return field.values?.[0] ?? null;
  return field.type === 'int' ? 0 : field.type === 'bool' ? false : field.type === 'address' ? '192.0.2.1' : 'x';
};
