import { error, warning, type Problem } from '../../problem/problem.ts';
import type { EngineHost } from '../engine.ts';
import type { Frame } from '../frame.ts';
import { askedName } from '../../goals/parameters.ts';
import { afterEnd, noRestarts, type RestartLimits } from '../restart.ts';
import { againMs, endsByItself } from '../script-end.ts';
import { runOnce, type Program } from './process.ts';

export interface Life {
  readonly host: EngineHost;
  readonly stop: AbortSignal;
  readonly gone: AbortSignal;
  readonly tell: (frames: readonly Frame[]) => void;
  readonly restarts: RestartLimits;
}

/**
 * One life of a program after another, until it is asked to end or has failed too often in a row. Resolves with the problem where
 * bpftrace does not take its modules all together: then it is for the caller to try with fewer.
 */
export async function lives(
  program: Program,
  readyWithinMs: number,
  { host, stop, gone, tell, restarts }: Life,
): Promise<Problem | undefined> {
  const notice = (problem: Problem) => tell([{ kind: 'notice', problem, atUs: host.clock.nowUs() }]);
  const [first] = program.modules;
  const who = program.modules.length === 1 && first !== undefined ? `${askedName(first.goal.id, first.goal.asked)} (bpftrace)` : 'bpftrace';
  let toldOfEnd = false;
  for (let state = noRestarts; !stop.aborted && !gone.aborted;) {
    const { readyMs, problem, byItself, refused } = await runOnce(program, host, stop, gone, tell, readyWithinMs);
    if (stop.aborted || gone.aborted) return undefined;
    if (refused === true) return problem;
    if (byItself === true) {
      if (!toldOfEnd) notice(endsByItself(program.modules[0]?.goal.id ?? ''));
      toldOfEnd = true;
      await wait(againMs, stop, gone);
      continue;
    }
    const restart = afterEnd(state, readyMs, restarts);
    state = restart.state;
    const cause = problem?.cause ?? problem?.message;
    const more = { ...(problem?.place && { place: problem.place }), ...(cause !== undefined && { cause }) };
    if (!restart.again || problem?.code === 'ENGINE_SCRIPT_WRONG') {
      notice(
        problem?.code === 'ENGINE_SCRIPT_WRONG'
          ? problem
          : error('ENGINE_GAVE_UP', `${who} ended ${state.failures} times in a row and is left alone.`, more),
      );
      return undefined;
    }
    notice(warning('ENGINE_RESTARTED', `${who} is started again in ${restart.delayMs / 1000} s.`, more));
    await wait(restart.delayMs, stop, gone);
  }
  return undefined;
}

/** Resolves after so long, or when one of the signals is aborted. */
const wait = (ms: number, ...signals: readonly AbortSignal[]): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const signal of signals) signal.addEventListener('abort', done);
  });
