import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { Observable } from 'rxjs';
import type { Module } from '../../generate/module.ts';
import { error, warning } from '../../problem/problem.ts';
import { wholeLines } from '../child.ts';
import { unavailable, type Availability, type Engine, type EngineHost } from '../engine.ts';
import { limits, stops } from '../machine/finding.ts';
import type { Frame } from '../frame.ts';
import { parseHeader } from '../recording.ts';
import { RecordingReader } from './reader.ts';

export interface ReplayOptions {
  /** A file, or "-" for `stdin`. */
  readonly file: string;
  /** `max`: as fast as it can be read. `real`: as it happened, by the frames' own times. */
  readonly speed: 'max' | 'real';
  /** What "-" reads; the process' own standard input unless given. */
  readonly stdin?: AsyncIterable<Uint8Array>;
}

/** A chunk of 64 KiB of lines, escaped, still fits many times over. */
const maxLineBytes = 16 * 1024 * 1024;

/**
 * Plays a recording: the frames as they were, of the goals that are asked for. The modules themselves are not run; they say
 * which goals. What is wrong in the recording comes as notices with its line; a recording that cannot be read at all, or
 * whose columns are others, ends at once.
 */
export function replayEngine(options: ReplayOptions): Engine {
  return {
    name: 'replay',
    available: () => available(options),
    facts: async () => ({ hz: 100, kernel: 'recorded', tracepoints: new Map(), engineVersion: 'replay' }),
    run: (modules, host, stop) =>
      new Observable((subscriber) => {
        const gone = new AbortController();
        const forward = async () => {
          for await (const frames of play(options, modules, host, stop, gone.signal)) {
            if (gone.signal.aborted) return;
            subscriber.next(frames);
          }
          subscriber.complete();
        };
        forward().catch((cause: unknown) => subscriber.error(cause));
        return () => gone.abort();
      }),
  };
}

async function available({ file }: ReplayOptions): Promise<Availability> {
  if (file === '-') return { can: true, summary: 'from standard input', findings: [] };
  try {
    const handle = await open(file);
    try {
      const { value } = await wholeLines(handle.createReadStream({ autoClose: false, highWaterMark: 4096 }), maxLineBytes).next();
      const header = parseHeader(
        Buffer.from(value ?? [])
          .toString()
          .split('\n', 1)[0] ?? '',
      );
      if (!header.ok) return unavailable([stops('no-recording', header.problems.map((problem) => problem.message).join(' '))]);
    } finally {
      await handle.close();
    }
    return { can: true, summary: file, findings: [limits('recording', 'plays what was recorded; no probe is run')] };
  } catch (cause) {
    return unavailable([stops('no-recording', cause instanceof Error ? cause.message : String(cause))]);
  }
}

async function* play(
  options: ReplayOptions,
  modules: readonly Module[],
  host: EngineHost,
  stop: AbortSignal,
  gone: AbortSignal,
): AsyncGenerator<readonly Frame[], void> {
  const ends = AbortSignal.any([stop, gone]);
  const name = options.file === '-' ? 'standard input' : options.file;
  const goals = modules.map((module) => module.goal);
  const reader = new RecordingReader(name, goals, host.clock.nowUs());
  const source = options.file === '-' ? (options.stdin ?? process.stdin) : createReadStream(options.file);
  const played = new OpenRuns(host.clock.nowUs());
  const pace = new Pace();
  try {
    for await (const chunk of until(ends, wholeLines(source, maxLineBytes))) {
      const frames = reader.read(chunk);
      if (options.speed === 'max') yield played.add(frames);
      else
        for (const frame of frames) {
          await pace.wait(frame.atUs, ends);
          if (ends.aborted) break;
          yield played.add([frame]);
        }
      if (reader.refused || ends.aborted) break;
    }
    if (!ends.aborted && !reader.refused) yield played.add(reader.end());
  } catch (cause) {
    const problem = error('ENGINE_RECORDING_UNREADABLE', `${name} cannot be read.`, {
      cause: cause instanceof Error ? cause.message : String(cause),
    });
    yield [{ kind: 'notice', problem, atUs: played.atUs }];
  }
  if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
  if (!gone.aborted) yield played.end(stop.aborted, name);
}

/** Runs that were begun and are not over, among the frames that went out. */
class OpenRuns {
  readonly #runs = new Set<string>();
  atUs: number;

  constructor(startUs: number) {
    this.atUs = startUs;
  }

  add(frames: readonly Frame[]): readonly Frame[] {
    for (const frame of frames) {
      if (frame.kind === 'run') this.#runs.add(frame.run.id);
      if (frame.kind === 'end') this.#runs.delete(frame.run);
      this.atUs = frame.atUs;
    }
    return frames;
  }

  /** Their ends: each run ends, even where the recording does not say so (its recorder was killed). */
  end(asked: boolean, name: string): readonly Frame[] {
    const problem = asked
      ? undefined
      : warning('ENGINE_RECORDING_CUT', `${name} stops in the middle of a run: whatever recorded it was ended before the run was.`);
    return [...this.#runs].map((run) => ({ kind: 'end', run, ...(problem && { problem }), atUs: this.atUs }));
  }
}

/** Real time: each frame as long after the first one as it was recorded. */
class Pace {
  #start: { readonly ms: number; readonly us: number } | undefined;

  async wait(atUs: number, signal: AbortSignal): Promise<void> {
    this.#start ??= { ms: performance.now(), us: atUs };
    const ms = this.#start.ms + (atUs - this.#start.us) / 1000 - performance.now();
    if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
  }
}

/** The source's items, until the signal: a source that is silent (a pipe) does not hold up the end. */
async function* until<T>(signal: AbortSignal, source: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  for (;;) {
    const next = await Promise.race([source.next(), aborted]);
    if (next === undefined || next.done) return;
    yield next.value;
  }
}
