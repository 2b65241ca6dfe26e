import { setTimeout as delay } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import type { Module } from '../../generate/module.ts';
import type { Problem } from '../../problem/problem.ts';
import type { EngineHost } from '../engine.ts';
import { newRun } from '../new-run.ts';
import type { Frame, Run } from '../frame.ts';
import { lookFailed, unreadable, words } from './open.ts';
import type { Reader, ReaderKind, ReaderOptions, Row } from './reader.ts';

/** `stop`: say goodbye and end. `gone`: nobody listens any more, end at once. */
export interface Ends {
  readonly stop: AbortSignal;
  readonly gone: AbortSignal;
  /** The same as `stop` for one module. */
  leaving?(module: Module): AbortSignal;
}

const beatMs = 1000;
/** So many looks in a row may fail before the run ends (and is begun again with another look at what works). */
const failuresAllowed = 3;

interface Watched {
  readonly run: Run;
  /** Which of the modules. */
  readonly index: number;
  /** It is asked to say goodbye. */
  readonly leaving: AbortSignal;
  seq: number;
}

/**
 * One life of a set of modules that share a reader. Yields their frames; returns how long they were ready, or undefined when
 * it was asked to end.
 */
export async function* pollOnce(
  kind: ReaderKind,
  modules: readonly Module[],
  host: EngineHost,
  options: ReaderOptions,
  ends: Ends,
): AsyncGenerator<readonly Frame[], { readonly readyMs: number } | undefined> {
  const now = () => host.clock.nowUs();
  let watched = modules.map((module, index): Watched => {
    const leaving = ends.leaving === undefined ? ends.stop : AbortSignal.any([ends.stop, ends.leaving(module)]);
    return { run: newRun(module, host, polledLines), index, leaving, seq: 0 };
  });
  yield watched.map(({ run }) => ({ kind: 'run', run, atUs: now() }) as const);
  const end = (of: readonly Watched[], problem?: Problem): Frame[] =>
    of.map(({ run }) => ({ kind: 'end', run: run.id, ...(problem && { problem }), atUs: now() }) as const);

  // What is there already is the baseline: as of before it was read.
  const beforeUs = now();
  const opened = await kind.open(modules, host, options, ends.gone);
  if ('problem' in opened) {
    yield end(watched, opened.problem);
    return { readyMs: 0 };
  }
  const { reader, notice } = opened;
  if (notice !== undefined) yield [{ kind: 'notice', problem: notice, atUs: now() }];

  const lines = (each: Watched, text: string, atUs: number): Frame => ({ kind: 'lines', run: each.run.id, lines: Buffer.from(text), atUs });
  const beat = (of: readonly Watched[], type: 'b' | 'e', atUs: number, missed = reader.missed): Frame[] =>
    of.map((each) => {
      const counts = { emitted: each.seq === 0 ? [] : [[0, each.seq]], lost: 0, skipped: 0, filtered: 0, missed };
      return lines(each, `${JSON.stringify([type, atUs, counts])}\n`, now());
    });
  const told = (rows: readonly (readonly Row[])[], atUs: number, sinceUs: number): Frame[] =>
    watched.flatMap((each) => {
      const text = (rows[each.index] ?? [])
        .map(({ n, columns }) => `${JSON.stringify(['r', 0, ++each.seq, atUs, sinceUs, n, columns])}\n`)
        .join('');
      return text === '' ? [] : [lines(each, text, atUs)];
    });

  // Whoever is to leave already never was ready: another engine was before it.
  const early = watched.filter(({ leaving }) => leaving.aborted);
  if (early.length > 0) yield end(early);
  watched = watched.filter((each) => !early.includes(each));
  if (watched.length === 0) return undefined;
  const asked = () => AbortSignal.any([ends.gone, ...watched.map(({ leaving }) => leaving)]);
  let wake = asked();

  const readyAt = performance.now();
  const afterUs = now();
  yield watched.flatMap((each): Frame[] => [
    { kind: 'marker', run: each.run.id, number: 1, beforeUs, afterUs, atUs: afterUs },
    lines(each, `${JSON.stringify(['m', beforeUs, 1])}\n`, afterUs),
  ]);

  let lastUs = beforeUs;
  let complete: NonNullable<Reader['complete']> = { atUs: beforeUs, missed: 0 };
  let failures = 0;
  let nextLook = readyAt + options.everyMs;
  let nextBeat = readyAt + beatMs;
  for (;;) {
    await sleepUntil(Math.min(nextLook, nextBeat), wake);
    if (ends.gone.aborted) return undefined;
    const frames: Frame[] = [];
    const leaving = watched.filter((each) => each.leaving.aborted);
    if (leaving.length > 0 || performance.now() >= nextLook) {
      const startUs = now();
      try {
        const rows = await reader.look(ends.gone);
        frames.push(...told(rows, now(), Math.min(lastUs, now())));
        lastUs = startUs;
        complete = reader.complete ?? { atUs: startUs, missed: reader.missed };
        failures = 0;
      } catch (cause) {
        if (ends.gone.aborted) return undefined;
        if (++failures === failuresAllowed || leaving.length === watched.length) {
          yield end(watched, unreadable(kind.looksAt, words(cause)));
          return leaving.length === watched.length ? undefined : { readyMs: performance.now() - readyAt };
        }
        frames.push({ kind: 'notice', problem: lookFailed(kind.looksAt, words(cause)), atUs: now() });
      }
      nextLook = nextTick(nextLook, options.everyMs);
    }
    if (leaving.length > 0) {
      // Its time says up to when everything was told: whoever takes over tells what came after.
      frames.push(...beat(leaving, 'e', complete.atUs, complete.missed), ...end(leaving));
      watched = watched.filter((each) => !leaving.includes(each));
      wake = asked();
    }
    if (watched.length === 0) {
      yield frames;
      return undefined;
    }
    if (performance.now() >= nextBeat) {
      frames.push(...beat(watched, 'b', now()));
      nextBeat = nextTick(nextBeat, beatMs);
    }
    if (frames.length > 0) yield frames;
  }
}

/** The next time on the grid that has not passed yet: looks neither drift nor pile up. */
const nextTick = (last: number, everyMs: number) => last + everyMs * Math.max(1, Math.ceil((performance.now() - last) / everyMs));

async function sleepUntil(time: number, signal: AbortSignal): Promise<void> {
  const ms = time - performance.now();
  if (ms > 0 && !signal.aborted) await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Its lines are wall time already. */
export const polledLines = { engine: 'procfs', dialect: 'procfs', clock: 'wall' } as const;
