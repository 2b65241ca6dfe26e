import type { Run } from '../engine/frame.ts';
import { textOf } from '../goals/text.ts';

/** The first bytes of a line, for a person: control characters and stray bytes as escapes. */
export const printableLine = (line: Uint8Array): string => {
  const text = JSON.stringify(textOf(line, 0, Math.min(line.length, 120))).slice(1, -1);
  return line.length > 120 ? `${text} ... (${line.length} bytes)` : text;
};

export type ShowBroken = (text: { message: string; cause: string }, atUs: number) => void;

/** They are shown at most so often; all are counted. */
const showUs = 60_000_000;

/** Tells of a run's broken lines, seldom, and how many they were. */
export class BrokenLines {
  readonly #run: Run;
  readonly #show: ShowBroken;
  #unshown = 0;
  #shownUs = -Infinity;

  constructor(run: Run, show: ShowBroken) {
    this.#run = run;
    this.#show = show;
  }

  tell(what: string, cause: string, atUs: number): void {
    this.#unshown++;
    if (atUs - this.#shownUs < showUs) return;
    const message = `${what} (${this.#unshown} since this was last told; ${this.#run.goal}, ${this.#run.engine}).`;
    this.#show({ message, cause }, atUs);
    this.#shownUs = atUs;
    this.#unshown = 0;
  }
}
