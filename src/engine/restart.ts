import type { ProblemCode } from '../problem/codes.ts';

/** When a probe that ended is started again, and when it is given up. Pure: times are passed in. */
export interface RestartLimits {
  readonly firstMs: number;
  readonly maxMs: number;
  /** A run that was ready for that long begins a new count. */
  readonly healthyMs: number;
  /** So many ends in a row without a healthy run between them: given up. */
  readonly attempts: number;
}

export const restartLimits: RestartLimits = { firstMs: 500, maxMs: 30_000, healthyMs: 60_000, attempts: 6 };

export interface RestartState {
  /** Ends in a row so far. */
  readonly failures: number;
}

export const noRestarts: RestartState = { failures: 0 };

export type Restart = { readonly state: RestartState } & ({ readonly again: true; readonly delayMs: number } | { readonly again: false });

/** What to do after a run that was ready for `readyMs` (0: never) has ended unasked. Doubles from `firstMs` up to `maxMs`. */
export function afterEnd(state: RestartState, readyMs: number, limits: RestartLimits = restartLimits): Restart {
  const failures = (readyMs >= limits.healthyMs ? 0 : state.failures) + 1;
  if (failures >= limits.attempts) return { state: { failures }, again: false };
  return { state: { failures }, again: true, delayMs: Math.min(limits.firstMs * 2 ** (failures - 1), limits.maxMs) };
}

/** When an engine that was given up is tried again. Doubles from `firstMs` up to `maxMs`. */
export interface RetryLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const retryLimits: RetryLimits = { firstMs: 300_000, maxMs: 3_600_000 };

export const retryAfterMs = (tries: number, { firstMs, maxMs }: RetryLimits): number => Math.min(firstMs * 2 ** tries, maxMs);

/** What neither a restart nor a later try can mend. */
export const final: ReadonlySet<ProblemCode> = new Set(['ENGINE_MODULE_REFUSED', 'ENGINE_COMPILE_FAILED', 'ENGINE_SCRIPT_WRONG']);
