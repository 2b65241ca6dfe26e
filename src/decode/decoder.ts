import type { Frame } from '../engine/frame.ts';
import type { Goal } from '../goals/goal.ts';
import { error, warning, type Problem } from '../problem/problem.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import { dialects } from './dialects/index.ts';
import type { LineDialect } from './lines.ts';
import { RunDecoder } from './run-decoder.ts';
import type { Signal } from './signal.ts';
import { GoalRuns } from './take-over.ts';

export interface DecoderOptions {
  /** The goal of that id; undefined where there is none. */
  readonly goal: (id: string) => Goal | undefined;
  readonly ledger: Ledger;
  /** Told what is wrong with lines (rate limited) and runs; also the problems of notice frames. */
  readonly onProblem?: (problem: Problem, atUs: number, run?: string) => void;
  /** How the lines of a dialect are read; the product's own list unless given. */
  readonly dialects?: Readonly<Record<string, LineDialect | undefined>>;
}

/**
 * Frames to signals. Pure: everything it knows is in the frames, and it has no clock and no timer. Chunks are read during
 * the call and not held. For each run the ledger's sum (emitted = decoded + broken + lost + in pipe) closes after each call.
 */
export class Decoder {
  readonly #options: DecoderOptions;
  readonly #runs = new Map<string, RunDecoder>();
  /** By host, goal and its parameters: runs that tell of the same. */
  readonly #goals = new Map<string, GoalRuns>();

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  push(frames: readonly Frame[]): Signal[] {
    const signals: Signal[] = [];
    const touched = new Set<RunDecoder>();
    const told = this.#options.onProblem ?? (() => undefined);
    for (const frame of frames) {
      if (frame.kind === 'run') {
        this.#begin(frame, told);
        continue;
      }
      if (frame.kind === 'notice') {
        told(frame.problem, frame.atUs, frame.run);
        continue;
      }
      const run = this.#runs.get(frame.run);
      if (run === undefined) continue;
      touched.add(run);
      if (frame.kind === 'lines') run.lines(frame.lines, frame.atUs, signals);
      else if (frame.kind === 'marker') run.marker(frame.number, frame.beforeUs, frame.afterUs, signals);
      else {
        run.end(frame.atUs, frame.problem, signals);
        this.#runs.delete(frame.run);
      }
    }
    for (const run of touched) run.flush(signals);
    return signals;
  }

  #begin(frame: Extract<Frame, { kind: 'run' }>, told: NonNullable<DecoderOptions['onProblem']>): void {
    const { run, atUs } = frame;
    const goal = this.#options.goal(run.goal);
    const dialect = (this.#options.dialects ?? dialects)[run.dialect];
    if (goal === undefined || dialect === undefined) {
      told(
        error('ENGINE_LINE_BROKEN', goal === undefined ? `There is no goal ${run.goal}.` : `There is no reader for ${run.dialect}.`),
        atUs,
        run.id,
      );
      return;
    }
    const same = JSON.stringify([run.host, run.boot, run.goal, run.with]);
    const others = this.#goals.get(same) ?? new GoalRuns();
    this.#goals.set(same, others);
    const account = this.#options.ledger.run(run.id, run.goal, run.engine);
    this.#runs.set(
      run.id,
      new RunDecoder(run, others, goal, dialect.reader(goal, run.with), account, (text, at) =>
        told(warning('ENGINE_LINE_BROKEN', text.message, { cause: text.cause }), at, run.id),
      ),
    );
  }
}
