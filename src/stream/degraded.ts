import type { Signal } from '../decode/signal.ts';
import type { Run } from '../engine/frame.ts';
import type { OwnRecords } from './reentry.ts';

type Degraded = OwnRecords['tapline.degraded'];

interface Watched {
  readonly ready: Set<string>;
  /** The run that was ready last. */
  last: Run | undefined;
  /** Why it is not watched now; told already. */
  failed: string | undefined;
  /** A worse engine had to take over. */
  worse: boolean;
}

/**
 * What the runs of a goal mean for how well it is watched. A failure is told once, however often the engine tries again,
 * and not at all while another engine watches; then who watches instead, and when it is as good as before.
 */
export class Degradation {
  readonly #goals = new Map<string, Watched>();

  hear(signal: Signal): Degraded | undefined {
    if (signal.kind !== 'ready' && signal.kind !== 'gone') return undefined;
    const { run } = signal;
    const goal = this.#goal(run);
    const told = (state: Degraded['state'], why: string): Degraded => ({ of: run.goal, by_engine: run.engine, state, why });
    if (signal.kind === 'gone') {
      goal.ready.delete(run.id);
      if (signal.problem === undefined || goal.failed !== undefined || goal.ready.size > 0) return undefined;
      goal.failed = signal.problem.message;
      return told('failed', goal.failed);
    }
    const { last, failed } = goal;
    goal.ready.add(run.id);
    goal.last = run;
    goal.failed = undefined;
    const better = run.fidelity === 'event';
    if (goal.worse && better) {
      goal.worse = false;
      return told('recovered', `${run.engine} watches again`);
    }
    if (last === undefined || failed === undefined) return undefined;
    if (last.engine === run.engine) return told('restarted', failed);
    goal.worse ||= last.fidelity === 'event' && !better;
    return told('replaced', `${last.engine} failed: ${failed}`);
  }

  #goal({ host, boot, goal, with: asked }: Run): Watched {
    const name = JSON.stringify([host, boot, goal, asked]);
    let watched = this.#goals.get(name);
    if (watched === undefined) this.#goals.set(name, (watched = { ready: new Set(), last: undefined, failed: undefined, worse: false }));
    return watched;
  }
}
