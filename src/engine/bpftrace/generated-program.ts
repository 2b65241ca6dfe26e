import { joinModules, lineTag, stringBytes } from '../../generate/bpftrace.ts';
import type { Module } from '../../generate/module.ts';
import type { Frame } from '../frame.ts';
import { pidForProbes } from '../markers.ts';
import { DiskNames, namesDisks } from './disks.ts';
import type { Program } from './process.ts';
import { LineSplitter } from './split.ts';

/** Entries of each of a probe's maps. */
const mapEntries = 16_384;

/**
 * All generated modules in one process, but for those that watch wake-ups. Whenever a probe hands bpftrace a line, bpftrace is woken while
 * that probe still runs, and the kernel leaves the probe on the wake-up out: what is counted as skipped then is theirs alone.
 */
export function generatedPrograms(modules: readonly Module[]): Program[] {
  const watchesWakeUps = ({ source }: Module) => source.includes('tracepoint:sched:sched_wakeup');
  return [...inTwo(modules.filter((module) => !watchesWakeUps(module))), modules.filter(watchesWakeUps)]
    .filter((some) => some.length > 0)
    .map(generatedProgram);
}

/** With more probes than these, two processes share them: attaching one and letting it go takes the kernel some 50 ms each, one after the other. */
const probesOfOne = 20;

function inTwo(modules: readonly Module[]): (readonly Module[])[] {
  const probes = ({ source }: Module) => source.match(/^(?:tracepoint|interval):/gm)?.length ?? 0;
  if (modules.reduce((sum, module) => sum + probes(module), 0) <= probesOfOne) return [modules];
  const halves: [Module[], Module[]] = [[], []];
  const weight = [0, 0];
  for (const module of [...modules].sort((a, b) => probes(b) - probes(a))) {
    const lighter = (weight[0] ?? 0) <= (weight[1] ?? 0) ? 0 : 1;
    halves[lighter].push(module);
    weight[lighter] = (weight[lighter] ?? 0) + probes(module);
  }
  return halves;
}

/** Generated modules in one process. `nsecs` is bpf_ktime_get_boot_ns() wherever the kernel has it (5.8). */
export const generatedProgram = (modules: readonly Module[]): Program => ({
  modules,
  printed: { dialect: 'bpftrace', clock: 'boottime' },
  begin(runs, base, host) {
    const splitter = new LineSplitter(modules.map((module) => module.goal));
    const waiting = new Set(runs.map((run) => lineTag(run.goal, run.with)));
    const eachRun = (text: string, atUs: number): Frame[] =>
      runs.map((run) => ({ kind: 'lines', run: run.id, lines: Buffer.from(text), atUs }));
    const disks = new DiskNames();
    const withDisks = runs.filter((_, i) => modules[i] !== undefined && namesDisks(modules[i].goal));
    return {
      args: ['-e', programSource(modules), String(pidForProbes(host.proc)), String(base)],
      // The second name is that of bpftrace 0.20 and later.
      env: {
        BPFTRACE_STRLEN: `${stringBytes}`,
        BPFTRACE_MAX_STRLEN: `${stringBytes}`,
        BPFTRACE_MAP_KEYS_MAX: `${mapEntries}`,
        BPFTRACE_MAX_MAP_KEYS: `${mapEntries}`,
        // Later versions write this behind a text that they cut.
        BPFTRACE_STR_TRUNC_TRAILER: '',
      },
      read(chunk, atUs) {
        for (const tag of waiting)
          if (Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).includes(`["m:${tag}",`)) waiting.delete(tag);
        return splitter
          .split(chunk)
          .flatMap((lines, i) => (lines === undefined ? [] : [{ kind: 'lines', run: runs[i]?.id ?? '', lines, atUs }]));
      },
      facts(atUs) {
        const names = withDisks.length > 0 ? disks.changed(host.sys) : undefined;
        return names === undefined ? [] : withDisks.map(({ id }) => ({ kind: 'lines', run: id, lines: Buffer.from(names), atUs }));
      },
      ready: () => waiting.size === 0,
      skipped: (count, atUs) => eachRun(`{"type":"skipped","data":${count}}\n`, atUs),
      goodbye: (atUs) => eachRun('{"type":"end"}\n', atUs),
    };
  },
});

/** The program is an argument, so that no file has to be written; rule text is not in it. */
const programSource = (modules: readonly Module[]): string =>
  joinModules(
    modules.map((module) => module.goal),
    modules.map((module) => module.source),
  );
