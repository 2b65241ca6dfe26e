import type { Signal } from '../decode/signal.ts';
import { nameOfRun } from '../engine/post.ts';
import { askedName } from '../goals/parameters.ts';
import { warning, type Problem } from '../problem/problem.ts';
import type { Rule } from '../rules/rule.ts';

/** Finds the rules whose probe ended before it was ever ready (it could not be compiled, loaded or attached): each is told once per engine. */
export class FailedProbes {
  readonly #rules: readonly Rule[];
  readonly #settled = new Set<string>();

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** RUN_PROBE_FAILED for each rule that this signal leaves without its probe. */
  of(signal: Signal): Problem[] {
    if (signal.kind !== 'ready' && signal.kind !== 'gone') return [];
    const { run } = signal;
    const probe = `${run.engine} ${nameOfRun(run)}`;
    const failure = signal.kind === 'gone' && !this.#settled.has(probe) ? signal.problem : undefined;
    if (signal.kind === 'ready' || failure !== undefined) this.#settled.add(probe);
    if (failure === undefined) return [];
    return this.#rules
      .filter((rule) => askedName(rule.goal, rule.with) === nameOfRun(run))
      .map((rule) =>
        warning('RUN_PROBE_FAILED', `${rule.name} has no probe by ${run.engine}: ${failure.message}`, {
          place: rule.place,
          ...(failure.cause !== undefined && { cause: failure.cause }),
          hint: failure.hint ?? 'tapline doctor says what each engine needs here. The other rules run; with --strict the run ends.',
        }),
      );
  }
}
