import { readdirSync } from 'node:fs';
import { env } from 'node:process';
import { joinModules, lineTag, stringBytes } from '../../generate/bpftrace.ts';
import type { Module } from '../../generate/module.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { startChild, type Child } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { newRun } from '../new-run.ts';
import type { Frame } from '../frame.ts';
import { readOrNothing } from '../kernel-facts.ts';
import { makeMarker, markerBase, pidForProbes } from '../markers.ts';
import { DiskNames, namesDisks } from './disks.ts';
import { lastWords, understand } from './messages.ts';
import { LineSplitter } from './split.ts';

const firstMarkersMs = 100;
const markersMs = 1000;
/** Entries of each of a probe's maps. */
const mapEntries = 16_384;

/** An interval goal's map is printed as one line. */
const longestLine = 4 << 20;

/** Pages of 4 KiB for each CPU's lines on their way to bpftrace: four times its default, against losses in a burst. */
const bufferPages = 256;

/** How a process ended. */
export interface Ended {
  /** How long all modules had been ready; 0 where they never were. */
  readonly readyMs: number;
  /** Unless it was asked to stop. */
  readonly problem?: Problem;
}

/** One life of the bpftrace process: run frames, lines and markers, end frames. */
export async function runOnce(
  modules: readonly Module[],
  host: EngineHost,
  stop: AbortSignal,
  gone: AbortSignal,
  tell: (frames: readonly Frame[]) => void,
  readyWithinMs: number,
): Promise<Ended> {
  const { clock } = host;
  const base = markerBase();
  const runs = modules.map((module) => newRun(module, host, { ...printed, fidelity: module.goal.engines.bpftrace?.fidelity ?? 'event' }));
  tell(runs.map((run) => ({ kind: 'run', run, atUs: clock.nowUs() })));

  const said: string[] = [];
  const child = startChild(host.spawn, 'bpftrace', bpftraceArguments(modules, pidForProbes(host.proc), base), {
    // The second name is that of bpftrace 0.20 and later.
    env: {
      ...env,
      BPFTRACE_STRLEN: `${stringBytes}`,
      BPFTRACE_MAX_STRLEN: `${stringBytes}`,
      BPFTRACE_MAP_KEYS_MAX: `${mapEntries}`,
      BPFTRACE_MAX_MAP_KEYS: `${mapEntries}`,
      BPFTRACE_PERF_RB_PAGES: `${bufferPages}`,
    },
    maxLineBytes: longestLine,
    onStderr: (line) => {
      said.push(line);
      if (said.length > 50) said.shift();
      const problem = understand(line);
      // Errors come again as the cause of the end.
      if (problem?.severity === 'warning') tell([{ kind: 'notice', problem, atUs: clock.nowUs() }]);
    },
  });
  const end = () => void child.stop();
  stop.addEventListener('abort', end);
  gone.addEventListener('abort', end);
  if (stop.aborted || gone.aborted) end();

  const waiting = new Set(runs.map((run) => lineTag(run.goal, run.with)));
  let readyUs = NaN;
  let number = 0;
  let skipped = 0;
  let late = false;
  const startedUs = clock.nowUs();
  const eachRun = (text: string): Frame[] =>
    runs.map((run) => ({ kind: 'lines', run: run.id, lines: Buffer.from(text), atUs: clock.nowUs() }));
  const disks = new DiskNames();
  const withDisks = runs.filter((_, i) => modules[i] !== undefined && namesDisks(modules[i].goal));
  const tellDisks = () => {
    const names = withDisks.length > 0 ? disks.changed(host.sys) : undefined;
    if (names !== undefined) tell(withDisks.map(({ id }) => ({ kind: 'lines', run: id, lines: Buffer.from(names), atUs: clock.nowUs() })));
  };
  tellDisks();
  const mark = () => {
    tellDisks();
    const marker = makeMarker(clock, base, number++);
    tell(runs.map((run) => ({ kind: 'marker', run: run.id, ...marker, atUs: clock.nowUs() })));
    const misses = recursionMisses(host.proc, child);
    if (misses > skipped) tell(eachRun(`{"type":"skipped","data":${(skipped = misses)}}\n`));
    if (waiting.size > 0 && clock.nowUs() - startedUs > readyWithinMs * 1000) {
      late = true;
      end();
    } else timer = setTimeout(mark, waiting.size > 0 ? firstMarkersMs : markersMs);
  };
  let timer = setTimeout(mark, firstMarkersMs);

  const splitter = new LineSplitter(modules.map((module) => module.goal));
  for await (const chunk of child.lines()) {
    const atUs = clock.nowUs();
    for (const tag of waiting) if (Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).includes(`["m:${tag}",`)) waiting.delete(tag);
    if (waiting.size === 0 && Number.isNaN(readyUs)) readyUs = atUs;
    tell(
      splitter.split(chunk).flatMap((lines, i) => (lines === undefined ? [] : [{ kind: 'lines', run: runs[i]?.id ?? '', lines, atUs }])),
    );
  }
  const exit = await child.exited;
  clearTimeout(timer);
  stop.removeEventListener('abort', end);
  gone.removeEventListener('abort', end);
  // bpftrace has printed its maps for the last time: the goodbye is complete.
  if (exit.code === 0) tell(eachRun('{"type":"end"}\n'));
  const asked = (stop.aborted || gone.aborted) && exit.code === 0;
  const problem = asked ? undefined : whyEnded(exit, late ? readyWithinMs : undefined, said);
  tell(runs.map((run) => ({ kind: 'end', run: run.id, ...(problem && { problem }), atUs: clock.nowUs() })));
  return { readyMs: Number.isNaN(readyUs) ? 0 : (clock.nowUs() - readyUs) / 1000, ...(problem && { problem }) };
}

/** The program is an argument, so that no file has to be written; rule text is not in it. */
export function bpftraceArguments(modules: readonly Module[], pid: number, base: number): string[] {
  const program = joinModules(
    modules.map((module) => module.goal),
    modules.map((module) => module.source),
  );
  return ['-f', 'json', '-B', 'line', '-e', program, String(pid), String(base)];
}

function whyEnded(exit: Awaited<Child['exited']>, lateAfterMs: number | undefined, said: readonly string[]): Problem {
  if (lateAfterMs !== undefined)
    return error('ENGINE_NOT_READY', `The probes of bpftrace were not attached within ${lateAfterMs / 1000} s.`, {
      cause: lastWords(said),
    });
  if (exit.error) return error('ENGINE_FAILED', 'bpftrace could not be started.', { cause: exit.error.message });
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

// `nsecs` is bpf_ktime_get_boot_ns() wherever the kernel has it (5.8).
const printed = { engine: 'bpftrace', dialect: 'bpftrace', clock: 'boottime' } as const;
