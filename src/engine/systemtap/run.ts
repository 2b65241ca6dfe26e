import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Module } from '../../generate/module.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { startChild, type ChildExit, type Escalation } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { newRun } from '../new-run.ts';
import type { Frame, Run } from '../frame.ts';
import { busy, droppedLines, understand } from './messages.ts';
import { loadedModules, unload, type LoadedList } from './modules.ts';
import { voiceOf, type Voice } from './voice.ts';

/** staprun takes the module out on INT and TERM; a KILL would leave it in. */
const calmly: Escalation = [
  { signal: 'SIGINT', afterMs: 0 },
  { signal: 'SIGTERM', afterMs: 4000 },
  { signal: 'SIGKILL', afterMs: 4000 },
];

export interface Timing {
  /** The first marker has to come back within this time. */
  readonly readyMs: number;
  /** Between two markers before it is ready. */
  readonly knockMs: number;
  /** Between two markers, and two looks at whether it lives, afterwards. */
  readonly turnMs: number;
  /** Beats come each second; so many turns without a line, and the run is held to be dead. */
  readonly silentTurns: number;
}

export const timing: Timing = { readyMs: 30_000, knockMs: 100, turnMs: 1000, silentTurns: 4 };

/** `stop`: say goodbye and end. `gone`: nobody listens any more, end at once. */
export interface Ends {
  readonly stop: AbortSignal;
  readonly gone: AbortSignal;
}

export interface Life {
  readonly module: Module;
  /** Path of the compiled module. */
  readonly file: string;
  readonly host: EngineHost;
  readonly loaded: LoadedList;
  readonly ends: Ends;
  readonly timing: Timing;
  readonly emit: (frames: readonly Frame[]) => void;
}

/** How a life ended. */
export interface Lived {
  /** How long it was ready. */
  readonly readyMs: number;
  /** Why it ended unasked. */
  readonly problem?: Problem;
  /** A user's script that was ready has come to its end. */
  readonly byItself?: boolean;
}

/** One life of one loaded module. Resolves when nothing of it is left. */
export async function live(life: Life): Promise<Lived> {
  const { module, host, ends, emit, loaded } = life;
  const now = () => host.clock.nowUs();
  const voice = voiceOf(module, host);
  const run = newRun(module, host, voice.printed);
  emit([{ kind: 'run', run, atUs: now() }]);

  // Somebody else runs it: its files are not ours to write to.
  if (loadedModules(host)?.has(module.name) === true) {
    const problem = busy(module.name);
    emit([{ kind: 'end', run: run.id, problem, atUs: now() }]);
    return { readyMs: 0, problem };
  }
  const errors: Problem[] = [];
  const lastSaid: string[] = [];
  let dropped = 0;
  // Before it is started: Tapline may be killed at any moment, and what it had started has to be found.
  loaded.add(module.name, process.pid);
  const child = startChild(host.spawn, 'staprun', staprunArguments(life), {
    lastSignal: 'SIGTERM',
    onStderr: (line) => {
      if (lastSaid.push(line) > 5) lastSaid.shift();
      dropped = droppedLines(line) ?? dropped;
      const problem = understand(line, module.name);
      if (problem?.severity === 'error') errors.push(problem);
      else if (problem !== undefined) emit([{ kind: 'notice', run: run.id, problem, atUs: now() }]);
    },
  });
  if (child.pid !== undefined) loaded.add(module.name, process.pid, child.pid);

  const over = new AbortController();
  const stop = () => void child.stop(calmly);
  const asked = AbortSignal.any([ends.stop, ends.gone]);
  asked.addEventListener('abort', stop, { once: true });
  if (asked.aborted) stop();

  let readyAt: number | undefined;
  let heard = 0;
  let dead: Problem | undefined;
  const watch = watchOver(life, run, voice, over.signal, {
    ready: () => readyAt !== undefined,
    heard: () => heard,
    answered: (lines) => {
      heard++;
      if (voice.saysReady(lines)) readyAt ??= performance.now();
    },
    giveUp: (problem) => {
      if (asked.aborted) return;
      dead = problem;
      stop();
    },
  });
  for await (const lines of child.lines()) {
    heard++;
    if (readyAt === undefined && module.goal.script === undefined && voice.saysReady(lines)) readyAt = performance.now();
    emit([{ kind: 'lines', run: run.id, lines: voice.lines(lines), atUs: now() }]);
  }
  const exit = await child.exited;
  over.abort();
  await watch;
  asked.removeEventListener('abort', stop);

  const left = loadedModules(host)?.has(module.name) === true && !errors.some(({ code }) => code === 'ENGINE_MODULE_BUSY');
  const tail = voice.tail(left, dropped);
  if (tail.length > 0) emit([{ kind: 'lines', run: run.id, lines: tail, atUs: now() }]);
  const unloaded = left ? await unload(module.name, host) : undefined;
  if (unloaded === undefined) loaded.remove(module.name);
  const byItself = !asked.aborted && dead === undefined && exit.code === 0 && readyAt !== undefined && module.goal.script !== undefined;
  const problem = asked.aborted || byItself ? undefined : (dead ?? errors[0] ?? ended(module, exit, lastSaid));
  emit([
    ...(unloaded ? [{ kind: 'notice', run: run.id, problem: unloaded, atUs: now() } as const] : []),
    { kind: 'end', run: run.id, ...(problem && { problem }), atUs: now() },
  ]);
  return { readyMs: readyAt === undefined ? 0 : performance.now() - readyAt, ...(problem && { problem }), ...(byItself && { byItself }) };
}

/** Knocks until the probes answer, then once a second; judges a run that is not ready in time, or falls silent. */
async function watchOver(
  { module, timing: limits, emit }: Life,
  run: Run,
  voice: Voice,
  over: AbortSignal,
  state: { ready(): boolean; heard(): number; answered(lines: Uint8Array): void; giveUp(problem: Problem): void },
): Promise<void> {
  const started = performance.now();
  let number = 0;
  let silent = 0;
  let heard = 0;
  over.addEventListener('abort', () => voice.close(), { once: true });
  while (!over.aborted) {
    const made = await voice.knock(++number, limits.turnMs, over);
    if (made !== undefined) {
      const { beforeUs, afterUs, lines } = made;
      emit([{ kind: 'marker', run: run.id, number, beforeUs, afterUs, atUs: afterUs }]);
      if (lines !== undefined) {
        emit([{ kind: 'lines', run: run.id, lines, atUs: afterUs }]);
        state.answered(lines);
      }
    }
    if (!state.ready()) {
      if (performance.now() - started > limits.readyMs)
        return state.giveUp(
          error('ENGINE_NOT_READY', `The probes of ${module.goal.id} were not attached within ${limits.readyMs / 1000} s.`),
        );
      await delay(limits.knockMs, undefined, { signal: over }).catch(() => undefined);
      continue;
    }
    await delay(limits.turnMs, undefined, { signal: over }).catch(() => undefined);
    // Counted in turns of this loop, not by the clock: a suspended machine, or a Tapline that could not run, proves nothing.
    silent = state.heard() === heard ? silent + 1 : 0;
    heard = state.heard();
    if (silent >= limits.silentTurns && !over.aborted)
      return state.giveUp(
        error('ENGINE_SILENT', `The probes of ${module.goal.id} have not given a sign of life for ${(silent * limits.turnMs) / 1000} s.`),
      );
  }
}

/** A script has no use for Tapline's pid: only modules that ask for it have that parameter. */
const staprunArguments = ({ file, module: { goal } }: Life): string[] =>
  goal.script === undefined
    ? [file, `tapline_pid=${process.pid}`]
    : [...(goal.script.stap.bufferMb === undefined ? [] : ['-b', String(goal.script.stap.bufferMb)]), file];

function ended(module: Module, exit: ChildExit, lastSaid: readonly string[]): Problem {
  const how = exit.error
    ? `could not be started (${exit.error.message})`
    : exit.signal
      ? `was ended by ${exit.signal}`
      : `ended with status ${exit.code}`;
  return error('ENGINE_FAILED', `staprun, running ${module.goal.id}, ${how}.`, lastSaid.length > 0 ? { cause: lastSaid.join('; ') } : {});
}
