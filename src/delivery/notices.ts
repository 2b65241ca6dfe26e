import { Subscription, type SchedulerLike } from 'rxjs';
import type { Problem } from '../problem/problem.ts';

/** Of the same name the first is told at once, the next ones are counted and told together after this long. */
const windowMs = 60_000;

/** A rate limit before people: nothing is swallowed, but what repeats is told once a minute with its count. */
export class Notices {
  readonly #out: (problem: Problem) => void;
  readonly #scheduler: SchedulerLike;
  readonly #held = new Map<string, { last: Problem; more: number }>();
  readonly #timers = new Subscription();

  constructor(out: (problem: Problem) => void, scheduler: SchedulerLike) {
    this.#out = out;
    this.#scheduler = scheduler;
  }

  /** `name` says what counts as the same. */
  tell(name: string, problem: Problem): void {
    const held = this.#held.get(name);
    if (held !== undefined) {
      held.last = problem;
      held.more++;
      return;
    }
    this.#out(problem);
    this.#open(name, problem);
  }

  /** What was counted and not told yet is told now. */
  close(): void {
    this.#timers.unsubscribe();
    for (const held of this.#held.values()) if (held.more > 0) this.#out(repeated(held.last, held.more));
    this.#held.clear();
  }

  #open(name: string, problem: Problem): void {
    if (this.#timers.closed) return;
    const held = { last: problem, more: 0 };
    this.#held.set(name, held);
    const timer = this.#scheduler.schedule(() => {
      this.#timers.remove(timer);
      this.#held.delete(name);
      if (held.more === 0) return;
      this.#out(repeated(held.last, held.more));
      this.#open(name, held.last);
    }, windowMs);
    this.#timers.add(timer);
  }
}

const repeated = (problem: Problem, more: number): Problem => ({
  ...problem,
  message: `${problem.message} (${more === 1 ? 'once' : `${more} times`} more)`,
});
