import type { Goal } from '../../goals/goal.ts';
import { error, type Problem } from '../../problem/problem.ts';
import type { Frame } from '../frame.ts';
import { columnsDiffer, parseFrame, parseHeader, type RecordingHeader } from '../recording.ts';

/** So many broken lines are shown one by one; the rest is one number at the end. */
const shownLimit = 10;

/**
 * Reads a recording, chunk by chunk of whole lines, into the frames of the goals that are asked for. A line that is broken
 * (or cut, as the last one is when the recorder was killed) becomes a notice with its place; the frames around it stay.
 */
export class RecordingReader {
  /** True when the recording cannot be read at all: `read` then answers why, and nothing more has to be read. */
  refused = false;
  /** Time of the last frame. */
  #atUs: number;
  #line = 0;
  #broken = 0;
  #header: RecordingHeader | undefined;
  /** Every run seen, and whether its goal is asked for. */
  readonly #runs = new Map<string, { readonly wanted: boolean; over: boolean }>();
  readonly #name: string;
  readonly #goals: readonly Goal[];

  /** `name` is shown in problems; `startUs` is the time of what is told before the first frame. */
  constructor(name: string, goals: readonly Goal[], startUs: number) {
    this.#name = name;
    this.#goals = goals;
    this.#atUs = startUs;
  }

  read(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (const text of Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('utf8').split('\n').slice(0, -1)) {
      this.#line++;
      if (this.#header === undefined) frames.push(...this.#begin(text));
      else frames.push(...this.#frame(text));
      if (this.refused) break;
    }
    return frames;
  }

  /** What is to be told at the end of the recording. */
  end(): Frame[] {
    if (this.#line === 0) return this.#begin('');
    const more = this.#broken - shownLimit;
    return more > 0 ? [this.#notice(error('ENGINE_RECORDING_BROKEN', `${more} more broken lines in ${this.#name}.`))] : [];
  }

  #begin(text: string): Frame[] {
    const header = parseHeader(text);
    const problems = header.ok ? this.#goals.flatMap((goal) => columnsDiffer(header.value, goal) ?? []) : header.problems;
    if (header.ok) this.#header = header.value;
    this.refused = problems.length > 0;
    return problems.map((problem) => this.#notice({ ...problem, place: { file: this.#name, line: 1, column: 1, text: shown(text) } }));
  }

  #frame(text: string): Frame[] {
    const frame = parseFrame(text);
    const wanted = frame === undefined ? 'broken' : this.#wanted(frame);
    if (frame === undefined || wanted === 'broken') return this.#tellBroken(text);
    this.#atUs = frame.atUs;
    return wanted ? [frame] : [];
  }

  #wanted(frame: Frame): boolean | 'broken' {
    if (frame.kind === 'run') {
      if (this.#runs.has(frame.run.id)) return 'broken';
      const goal = this.#goals.some(({ id }) => id === frame.run.goal);
      this.#runs.set(frame.run.id, { wanted: goal, over: false });
      return goal;
    }
    if (frame.kind === 'notice' && frame.run === undefined) return true;
    const run = this.#runs.get(frame.run ?? '');
    if (run === undefined || run.over) return 'broken';
    if (frame.kind === 'end') run.over = true;
    return run.wanted;
  }

  #tellBroken(text: string): Frame[] {
    if (++this.#broken > shownLimit) return [];
    const place = { file: this.#name, line: this.#line, column: 1, text: shown(text) };
    return [
      this.#notice(
        error('ENGINE_RECORDING_BROKEN', 'This line of the recording is cut, or no frame, or of a run that is not there.', { place }),
      ),
    ];
  }

  #notice(problem: Problem): Frame {
    return { kind: 'notice', problem, atUs: this.#atUs };
  }
}

const shown = (text: string) => (text.length > 160 ? `${text.slice(0, 160)}...` : text);
