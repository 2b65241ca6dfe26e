import { readdirSync } from 'node:fs';
import { env } from 'node:process';
import type { Module } from '../../generate/module.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { startChild, type Child } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { newRun } from '../new-run.ts';
import type { Frame, Run } from '../frame.ts';
import { readOrNothing } from '../kernel-facts.ts';
import { makeMarker, markerBase } from '../markers.ts';
import { scriptMistake } from '../script-mistake.ts';
import { FirstWords, isQuote, lastWords, telling, understand } from './messages.ts';

const firstMarkersMs = 100;
const markersMs = 1000;
/** An interval goal's map is printed as one line. */
const longestLine = 4 << 20;

/** Pages of 4 KiB for each CPU's lines on their way to bpftrace: four times its default, against losses in a burst. */
const bufferPages = 256;

/** What one process runs, and how it is understood. */
export interface Program {
  readonly modules: readonly Module[];
  /** What its lines are. */
  readonly printed: Pick<Run, 'dialect' | 'clock'>;
  /** `base`: number of the first marker. */
  begin(runs: readonly Run[], base: number, host: EngineHost): Talk;
}

/** One life of a program. */
export interface Talk {
  /** Of bpftrace, after those that every program has. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The frames of a chunk of whole lines of stdout. */
  read(chunk: Uint8Array, atUs: number): readonly Frame[];
  /** What its reader has to know of the machine and does not know yet; asked before each marker. */
  facts(atUs: number): readonly Frame[];
  /** A marker came back from all its probes. */
  ready(): boolean;
  /** The kernel says that so many hits did not run, since the process began. */
  skipped(count: number, atUs: number): readonly Frame[];
  /** Everything that it printed has been read. */
  goodbye(atUs: number): readonly Frame[];
}

/** How a process ended. */
export interface Ended {
  /** How long all modules had been ready; 0 where they never were. */
  readonly readyMs: number;
  /** Unless it was asked to stop, or `byItself`. */
  readonly problem?: Problem;
  /** A user's script that was ready has come to its end. */
  readonly byItself?: boolean;
  /** bpftrace did not take these modules all together; what is wrong may be one of them. The runs' end says no problem. */
  readonly refused?: boolean;
}

/** One life of the bpftrace process: run frames, lines and markers, end frames. */
export async function runOnce(
  program: Program,
  host: EngineHost,
  stop: AbortSignal,
  gone: AbortSignal,
  tell: (frames: readonly Frame[]) => void,
  readyWithinMs: number,
): Promise<Ended> {
  const { clock } = host;
  const base = markerBase();
  const runs = program.modules.map((module) => newRun(module, host, { engine: 'bpftrace', ...program.printed }));
  const talk = program.begin(runs, base, host);
  tell(runs.map((run) => ({ kind: 'run', run, atUs: clock.nowUs() })));

  const said: string[] = [];
  let before: string | undefined;
  const hear = (line: string) => {
    const quoted = isQuote(line, before);
    before = line;
    if (quoted) return;
    said.push(line);
    if (said.length > 50) said.shift();
    const problem = understand(line);
    // Errors come again as the cause of the end.
    if (problem?.severity === 'warning') tell([{ kind: 'notice', problem, atUs: clock.nowUs() }]);
  };
  const child = startChild(host.spawn, 'bpftrace', ['-f', 'json', '-B', 'line', ...talk.args], {
    env: { ...env, ...talk.env, BPFTRACE_PERF_RB_PAGES: `${bufferPages}` },
    maxLineBytes: longestLine,
    onStderr: hear,
  });
  const end = () => void child.stop();
  stop.addEventListener('abort', end);
  gone.addEventListener('abort', end);
  if (stop.aborted || gone.aborted) end();

  let readyUs = NaN;
  let number = 0;
  let skipped = 0;
  let late = false;
  const startedUs = clock.nowUs();
  tell(talk.facts(startedUs));
  const mark = () => {
    tell(talk.facts(clock.nowUs()));
    const marker = makeMarker(clock, base, number++);
    tell(runs.map((run) => ({ kind: 'marker', run: run.id, ...marker, atUs: clock.nowUs() })));
    const misses = recursionMisses(host.proc, child);
    if (misses > skipped) tell(talk.skipped((skipped = misses), clock.nowUs()));
    if (!talk.ready() && clock.nowUs() - startedUs > readyWithinMs * 1000) {
      late = true;
      end();
    } else timer = setTimeout(mark, talk.ready() ? markersMs : firstMarkersMs);
  };
  let timer = setTimeout(mark, firstMarkersMs);

  const firstWords = new FirstWords(hear);
  for await (const printed of child.lines()) {
    const atUs = clock.nowUs();
    const chunk = firstWords.without(printed);
    if (chunk.length === 0) continue;
    tell(talk.read(chunk, atUs));
    if (talk.ready() && Number.isNaN(readyUs)) readyUs = atUs;
  }
  const exit = await child.exited;
  clearTimeout(timer);
  stop.removeEventListener('abort', end);
  gone.removeEventListener('abort', end);
  // bpftrace has printed its maps for the last time: the goodbye is complete.
  if (exit.code === 0) tell(talk.goodbye(clock.nowUs()));
  // Before it has attached its probes, bpftrace dies of the signal that asks it to end; nothing is lost with it.
  const asked = (stop.aborted || gone.aborted) && (exit.code === 0 || (exit.signal !== null && !talk.ready()));
  const byItself = !asked && exit.code === 0 && talk.ready() && program.modules.every(({ goal }) => goal.script !== undefined);
  const problem = asked || byItself ? undefined : whyEnded(program, exit, late ? readyWithinMs : undefined, said);
  const refused = problem !== undefined && !late && program.modules.length > 1 && Number.isNaN(readyUs) && (exit.code ?? 0) !== 0;
  tell(runs.map((run) => ({ kind: 'end', run: run.id, ...(problem && !refused && { problem }), atUs: clock.nowUs() })));
  return {
    readyMs: Number.isNaN(readyUs) ? 0 : (clock.nowUs() - readyUs) / 1000,
    ...(problem && { problem }),
    ...(byItself && { byItself }),
    ...(refused && { refused }),
  };
}

function whyEnded(program: Program, exit: Awaited<Child['exited']>, lateAfterMs: number | undefined, said: readonly string[]): Problem {
  if (lateAfterMs !== undefined)
    return error('ENGINE_NOT_READY', `The probes of bpftrace were not attached within ${lateAfterMs / 1000} s.`, {
      cause: lastWords(said),
    });
  if (exit.error) return error('ENGINE_FAILED', 'bpftrace could not be started.', { cause: exit.error.message });
  const script = program.modules[0]?.goal.script;
  const mistake = script === undefined ? undefined : scriptMistake(telling(said), script, program.modules[0]?.goal.id ?? '');
  if (mistake !== undefined) return mistake;
  const understood = said.map(understand).findLast((problem) => problem?.severity === 'error');
  if (understood) return understood;
  const how = exit.signal === null ? `with exit code ${exit.code}` : `by ${exit.signal}`;
  return error('ENGINE_FAILED', `bpftrace ended ${how}, unasked.`, { ...(lastWords(said) !== '' && { cause: lastWords(said) }) });
}

/** How often the kernel left a probe of this process out because another ran on the same CPU (fdinfo of its programs, Linux 5.12). */
function recursionMisses(proc: string, child: Child): number {
  try {
    const folder = `${proc}/${child.pid}/fdinfo`;
    let sum = 0;
    for (const fd of readdirSync(folder))
      sum += Number(/^recursion_misses:\s*(\d+)$/m.exec(readOrNothing(`${folder}/${fd}`) ?? '')?.[1] ?? 0);
    return sum;
  } catch {
    return 0;
  }
}
