import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import type { Module } from '../../generate/module.ts';
import type { Problem } from '../../problem/problem.ts';
import type { EngineHost } from '../engine.ts';
import { newRun } from '../new-run.ts';
import type { Frame, Run } from '../frame.ts';
import { MissedCount, parseRetransSegs } from './counter.ts';
import { Owners } from './owners.ts';
import { rowMaker, type RowMaker } from './rows.ts';
import { lookFailed, openSource, unreadable, words, type SourceChoice } from './open.ts';
import { linearSyns } from './sources.ts';
import { SocketWatch, type Observation } from './watch.ts';

export interface PollOptions {
  readonly pollMs: number;
  readonly source: SourceChoice;
}

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
  /** It is asked to say goodbye. */
  readonly leaving: AbortSignal;
  readonly row: RowMaker;
  seq: number;
}

/**
 * One life of a set of modules: they share one watch on the sockets. Yields their frames; returns how long they were ready,
 * or undefined when it was asked to end.
 */
export async function* pollOnce(
  modules: readonly Module[],
  host: EngineHost,
  options: PollOptions,
  ends: Ends,
): AsyncGenerator<readonly Frame[], { readonly readyMs: number } | undefined> {
  const now = () => host.clock.nowUs();
  let watched = modules.flatMap((module): Watched[] => {
    const row = rowMaker(module.goal);
    const leaving = ends.leaving === undefined ? ends.stop : AbortSignal.any([ends.stop, ends.leaving(module)]);
    return row === undefined ? [] : [{ run: newRun(module, host, sampled), leaving, row, seq: 0 }];
  });
  yield watched.map(({ run }) => ({ kind: 'run', run, atUs: now() }) as const);
  const end = (of: readonly Watched[], problem?: Problem): Frame[] =>
    of.map(({ run }) => ({ kind: 'end', run: run.id, ...(problem && { problem }), atUs: now() }) as const);

  let counter = readCounter(host);
  if (counter === undefined) {
    yield end(watched, unreadable(`${host.proc}/self/net/snmp has no TCP counters`));
    return { readyMs: 0 };
  }
  const missed = new MissedCount(counter);
  const opened = await openSource(host, options.source, ends.gone);
  if ('problem' in opened) {
    yield end(watched, opened.problem);
    return { readyMs: 0 };
  }
  const { source, notice } = opened;
  if (notice !== undefined) yield [{ kind: 'notice', problem: notice, atUs: now() }];
  const watch = new SocketWatch(source.counts, linearSyns(host));
  const owners = new Owners(host.proc);
  const netns = statSync(`${host.proc}/self/ns/net`).ino;

  const lines = (each: Watched, text: string, atUs: number): Frame => ({ kind: 'lines', run: each.run.id, lines: Buffer.from(text), atUs });
  const beat = (of: readonly Watched[], type: 'b' | 'e', atUs: number): Frame[] =>
    of.map((each) => {
      const counts = { emitted: each.seq === 0 ? [] : [[0, each.seq]], lost: 0, skipped: 0, filtered: 0, missed: missed.missed };
      return lines(each, `${JSON.stringify([type, atUs, counts])}\n`, now());
    });
  const told = async (observations: readonly Observation[], atUs: number, sinceUs: number): Promise<Frame[]> => {
    if (observations.length === 0) return [];
    const found = await owners.find(new Set(observations.map(({ socket }) => socket.inode)));
    return watched.flatMap((each) => {
      const rows = observations.flatMap((seen) => each.row(seen, { netns, owner: found.get(seen.socket.inode) }) ?? []);
      const text = rows.map(({ n, columns }) => `${JSON.stringify(['r', 0, ++each.seq, atUs, sinceUs, n, columns])}\n`).join('');
      return text === '' ? [] : [lines(each, text, atUs)];
    });
  };

  // Whoever is to leave already never was ready: another engine was before it.
  const early = watched.filter(({ leaving }) => leaving.aborted);
  if (early.length > 0) yield end(early);
  watched = watched.filter((each) => !early.includes(each));
  if (watched.length === 0) return undefined;
  const asked = () => AbortSignal.any([ends.gone, ...watched.map(({ leaving }) => leaving)]);
  let wake = asked();

  // The first look: what the sockets have resent up to now is the baseline. `opened` read it, after the counter.
  const beforeUs = now();
  watch.observe(opened.readings, beforeUs);
  const readyAt = performance.now();
  const afterUs = now();
  yield watched.flatMap((each): Frame[] => [
    { kind: 'marker', run: each.run.id, number: 1, beforeUs, afterUs, atUs: afterUs },
    lines(each, `${JSON.stringify(['m', beforeUs, 1])}\n`, afterUs),
  ]);

  let lastUs = beforeUs;
  let failures = 0;
  let nextPoll = readyAt + options.pollMs;
  let nextBeat = readyAt + beatMs;
  for (;;) {
    await sleepUntil(Math.min(nextPoll, nextBeat), wake);
    if (ends.gone.aborted) return undefined;
    const frames: Frame[] = [];
    const leaving = watched.filter((each) => each.leaving.aborted);
    if (leaving.length > 0 || performance.now() >= nextPoll) {
      const startUs = now();
      try {
        const seen = readCounter(host);
        if (seen === undefined) throw new Error(`${host.proc}/self/net/snmp cannot be read any more`);
        // A quiet machine costs one small file a poll: no counter, no socket that could have sent anything again.
        let observations: readonly Observation[] = [];
        if (seen !== counter || watch.unsettled) {
          const readings = await source.read(watch.known, ends.gone);
          observations = watch.observe(readings, now());
        }
        frames.push(...(await told(observations, now(), Math.min(lastUs, now()))));
        missed.add(seen, sum(observations));
        counter = seen;
        lastUs = startUs;
        failures = 0;
      } catch (cause) {
        if (ends.gone.aborted) return undefined;
        if (++failures === failuresAllowed || leaving.length === watched.length) {
          yield end(watched, unreadable(words(cause)));
          return leaving.length === watched.length ? undefined : { readyMs: performance.now() - readyAt };
        }
        frames.push({ kind: 'notice', problem: lookFailed(words(cause)), atUs: now() });
      }
      nextPoll = nextTick(nextPoll, options.pollMs);
    }
    if (leaving.length > 0) {
      // Its time says up to when everything was told: whoever takes over tells what came after.
      frames.push(...beat(leaving, 'e', lastUs), ...end(leaving));
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

const sum = (observations: readonly Observation[]) => observations.reduce((n, each) => n + each.n, 0);

/** The next time on the grid that has not passed yet: polls neither drift nor pile up. */
const nextTick = (last: number, everyMs: number) => last + everyMs * Math.max(1, Math.ceil((performance.now() - last) / everyMs));

async function sleepUntil(time: number, signal: AbortSignal): Promise<void> {
  const ms = time - performance.now();
  if (ms > 0 && !signal.aborted) await delay(ms, undefined, { signal }).catch(() => undefined);
}

function readCounter(host: EngineHost): number | undefined {
  try {
    return parseRetransSegs(readFileSync(`${host.proc}/self/net/snmp`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Its lines are wall time already. */
export const sampled = { engine: 'procfs', fidelity: 'sampled', dialect: 'procfs', clock: 'wall' } as const;
