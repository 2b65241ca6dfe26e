import type { Clock } from '../telemetry/clock.ts';

/** Signals this close together count as one: npm passes the terminal's Ctrl-C on to a child that got it already (semantics 29). */
const togetherUs = 500_000;

/**
 * Calls `stop` at the first SIGINT or SIGTERM, and `abandon` at a later one that is not the same one again. Listens as long as
 * the process lives: npm's second signal may come when all is done, and must not end it as a signal would (status 130).
 */
export function onStopSignals(
  source: Pick<NodeJS.EventEmitter, 'on'>,
  clock: Clock,
  actions: { stop(signal: string): void; abandon(): void },
): void {
  let firstUs: number | undefined;
  const listener = (signal: string) => {
    const nowUs = clock.nowUs();
    if (firstUs === undefined) {
      firstUs = nowUs;
      actions.stop(signal);
    } else if (nowUs - firstUs >= togetherUs) actions.abandon();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) source.on(signal, listener);
}
