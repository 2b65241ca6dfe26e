import type { Problem } from '../problem/problem.ts';
import type { LostReason } from './signal.ts';

/** What the end of a run leaves that no number tells: lines dropped behind the last one that came, and an end that was forced. */
export class CutOff {
  #dropped = 0;
  #saidBye = false;

  /** The goodbye named the last record, which leaves nothing to guess. */
  bye(): void {
    this.#saidBye = true;
  }

  dropped(lines: number): void {
    this.#dropped = lines;
  }

  /** `lost`: records that are known to be lost already. */
  losses(lost: number, problem: Problem | undefined): { readonly reason: LostReason; readonly count: number }[] {
    const behind = this.#saidBye ? 0 : this.#dropped - lost;
    return [
      ...(behind > 0 ? [{ reason: 'transport', count: behind } as const] : []),
      ...(problem?.code === 'ENGINE_OVERLOADED' ? [{ reason: 'overload', count: 1 } as const] : []),
    ];
  }
}
