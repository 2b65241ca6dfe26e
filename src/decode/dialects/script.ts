import { overlongMark } from '../../engine/child.ts';
import { scriptTags } from '../../engine/script-lines.ts';
import type { Goal } from '../../goals/goal.ts';
import type { Script } from '../../goals/script.ts';
import type { ColumnWriter } from '../columns.ts';
import { emptyBeat, forEachLine, type LineDialect, type LineVisitor } from '../lines.ts';
import { LineMatcher } from '../line-matcher.ts';
import { LineValues } from '../line-values.ts';
import { parseLine } from './rows.ts';

/**
 * Lines of a user's own script (engine/script-lines.ts has the format). Such lines have no numbers: each gets one here, on
 * arrival, record or broken, so that the sum closes. What the transport says it lost makes as many numbers that never come: it is
 * told as lost. What was lost elsewhere, in the script itself, nobody knows.
 */
export const scriptLines: LineDialect = {
  name: 'script',
  reader: (goal) => {
    const lines = new ScriptLines(goal);
    return (chunk, row, visitor) =>
      forEachLine(chunk, (start, end) => {
        if (chunk[start] === scriptTags.output) lines.output(chunk, start + 1, end, row.columns, visitor);
        else if (!lines.told(chunk, start, end, visitor)) visitor.broken(chunk.subarray(start, end));
      });
  },
};

const lane = 0;

class ScriptLines {
  readonly #patterns: readonly LineMatcher[];
  readonly #ignored: readonly LineMatcher[];
  readonly #script: Script | undefined;
  readonly #values: LineValues;
  #seq = 0;
  #lost = 0;

  constructor(goal: Goal) {
    this.#script = goal.script;
    const lines = goal.script?.lines;
    this.#patterns = lines?.form === 'patterns' ? lines.patterns.map((parts) => new LineMatcher(parts)) : [];
    this.#ignored = (goal.script?.ignore ?? []).map((parts) => new LineMatcher(parts));
    this.#values = new LineValues(goal);
  }

  output(chunk: Uint8Array, start: number, end: number, columns: readonly ColumnWriter[], visitor: LineVisitor): void {
    if (isEmpty(chunk, start, end)) return;
    const number = this.#seq + 1;
    const read = chunk[start] === overlongMark ? undefined : this.#read(chunk, start, end, columns);
    if (read === undefined && this.#ignored.some((matcher) => matcher.fits(chunk, start, end))) return;
    this.#seq = number;
    if (read === undefined) visitor.broken(chunk.subarray(start, end), lane, number);
    else visitor.record(lane, number, this.#script?.clock === 'none' ? visitor.atUs : read, NaN, 1);
  }

  /** The time in the line, in microseconds (NaN where it has none); undefined where the line is no record. */
  #read(chunk: Uint8Array, start: number, end: number, columns: readonly ColumnWriter[]): number | undefined {
    if (this.#script?.lines.form === 'json') return this.#values.fromJson(parseLine(chunk, start, end), columns);
    const found = this.#patterns.find((matcher) => matcher.fits(chunk, start, end));
    return found && this.#values.fromLine(chunk, found, columns);
  }

  told(chunk: Uint8Array, start: number, end: number, visitor: LineVisitor): boolean {
    const [kind = '', ...words] = Buffer.from(chunk.subarray(start, Math.min(end, start + 100)))
      .toString('latin1')
      .split(' ');
    const [clockUs = NaN, a = NaN, b = NaN] = words.map(Number);
    if (!(clockUs >= 0 && a >= 0)) return false;
    if (kind === 'm' && words.length === 2) {
      visitor.mark(clockUs, a);
      return true;
    }
    if ((kind !== 'b' && kind !== 'e') || words.length !== 3 || !(b >= 0)) return false;
    this.#seq += Math.max(0, a - this.#lost);
    this.#lost = Math.max(a, this.#lost);
    const beat = { ...emptyBeat, emitted: [[lane, this.#seq]] as const, lost: this.#lost, skipped: b };
    if (kind === 'b') visitor.beat(clockUs, beat);
    else visitor.bye(clockUs, beat);
    return true;
  }
}

function isEmpty(chunk: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (chunk[at] !== 0x20 && chunk[at] !== 0x09 && chunk[at] !== 0x0d) return false;
  return true;
}
