import { Subscription, type SchedulerLike } from 'rxjs';
import type { Item } from '../alerts/item.ts';
import { isOwnGoal } from '../stream/reentry.ts';

/** Items of one goal that one sink will not get. The pipeline makes a record of tapline.lost of it (reason sink). */
export interface Loss {
  readonly sink: string;
  readonly cause: 'gave_up' | 'rejected' | 'full';
  readonly goal: string;
  readonly count: number;
  /** Times of the first and the last item, microseconds. */
  readonly fromUs: number;
  readonly toUs: number;
}

const collectMs = 1000;

/** Collects losses for a second each, so that a full queue does not make a record for every item. */
export class Losses {
  readonly #out: (loss: Loss) => void;
  readonly #scheduler: SchedulerLike;
  readonly #open = new Map<string, Loss>();
  #timer = new Subscription();
  #waiting = false;

  constructor(out: (loss: Loss) => void, scheduler: SchedulerLike) {
    this.#out = out;
    this.#scheduler = scheduler;
  }

  /** What Tapline says of itself is counted by the caller but not told here: a loss must not breed losses (semantics 31). */
  tell(sink: string, cause: Loss['cause'], items: readonly Item[]): void {
    for (const { goal, timeUs } of items) {
      if (isOwnGoal(goal)) continue;
      const name = JSON.stringify([sink, cause, goal]);
      const loss = this.#open.get(name) ?? { sink, cause, goal, count: 0, fromUs: timeUs, toUs: timeUs };
      this.#open.set(name, { ...loss, count: loss.count + 1, fromUs: Math.min(loss.fromUs, timeUs), toUs: Math.max(loss.toUs, timeUs) });
    }
    if (this.#open.size === 0 || this.#waiting) return;
    this.#waiting = true;
    this.#timer = this.#scheduler.schedule(() => this.flush(), collectMs);
  }

  flush(): void {
    this.#timer.unsubscribe();
    this.#waiting = false;
    const losses = [...this.#open.values()];
    this.#open.clear();
    losses.forEach((loss) => this.#out(loss));
  }
}
