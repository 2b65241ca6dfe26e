import { batchOf, type RowValues } from '../decode/columns.ts';
import type { LostReason, Signal } from '../decode/signal.ts';
import type { Run } from '../engine/frame.ts';
import type { Goal } from '../goals/goal.ts';

/** Goals of Tapline's own. Rules on them never make such records about themselves (semantics 31). */
export const isOwnGoal = (goal: string): boolean => goal.startsWith('tapline.');

/** What Tapline tells about itself, field for field as in scripts-stp/tapline.<kind>/goal.yaml. */
export interface OwnRecords {
  readonly 'tapline.lost': {
    readonly of: string;
    readonly by_engine: string;
    readonly reason: LostReason | 'sink';
    /** Undefined where nobody counted. */
    readonly count: number | undefined;
    readonly from_us: number;
    readonly to_us: number;
  };
  readonly 'tapline.suppressed': { readonly rule: string; readonly of: string; readonly key: string; readonly count: number };
  readonly 'tapline.evicted': {
    readonly rule: string;
    readonly stage: 'changed' | 'dedupe' | 'threshold' | 'alerts';
    readonly count: number;
  };
  readonly 'tapline.degraded': {
    readonly of: string;
    readonly by_engine: string;
    readonly state: 'failed' | 'restarted' | 'replaced' | 'recovered';
    readonly why: string;
  };
}

/**
 * The port by which Tapline's own records re-enter at the stream's start: one run a goal, ready from the beginning, its
 * time moved along with everybody's.
 */
export class Reentry {
  readonly #goals: ReadonlyMap<string, Goal>;
  readonly #runs = new Map<string, { readonly run: Run; seq: number }>();
  readonly #feed: (signals: readonly Signal[]) => void;
  readonly #origin: Pick<Run, 'host' | 'boot'>;

  constructor(options: {
    readonly goals: ReadonlyMap<string, Goal>;
    readonly host: string;
    readonly boot: string;
    readonly feed: (signals: readonly Signal[]) => void;
  }) {
    this.#goals = options.goals;
    this.#feed = options.feed;
    this.#origin = options;
  }

  /**
   * Own goals are watched from the start. Their runs are named after the engines' first one, and are from its host: a replay
   * gives these records the same identity.
   */
  begin(first: Run | undefined, timeUs: number): void {
    const { host, boot } = first ?? this.#origin;
    for (const { id } of this.#goals.values()) {
      if (!isOwnGoal(id)) continue;
      const run: Run = {
        id: `${first?.id ?? 'none'}-${id.slice('tapline.'.length)}`,
        host,
        boot,
        engine: 'tapline',
        goal: id,
        module: 'tapline',
        fidelity: 'event',
        dialect: 'tapline',
        clock: 'wall',
      };
      this.#runs.set(id, { run, seq: 0 });
      this.#feed([{ kind: 'ready', run, timeUs }]);
    }
  }

  /** Stream time of the engines is the time of the own goals too. */
  follow(timeUs: number): void {
    this.#feed([...this.#runs.values()].map(({ run }) => ({ kind: 'time', run: run.id, timeUs }) as const));
  }

  tell<K extends keyof OwnRecords>(kind: K, timeUs: number, fields: OwnRecords[K]): void {
    const goal = this.#goals.get(kind);
    const own = this.#runs.get(kind);
    if (goal === undefined || own === undefined) return;
    own.seq += 1;
    const row: RowValues = { timeUs, seq: own.seq, fields: { ...fields } };
    this.#feed([{ kind: 'batch', batch: batchOf(goal, own.run, [row]) }]);
  }
}
