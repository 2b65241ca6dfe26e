import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { Observable } from 'rxjs';
import { readTemplate } from '../../generate/template.ts';
import type { Goal } from '../../goals/goal.ts';
import { valuesOf } from '../../goals/parameters.ts';
import { error, warning } from '../../problem/problem.ts';
import type { Engine } from '../engine.ts';
import type { Frame } from '../frame.ts';
import { kernelHz, tracepointFields, tracepointOffsets, tracepointWords } from '../kernel-facts.ts';
import { restartLimits, type RestartLimits } from '../restart.ts';
import { available, bpftraceVersion } from './available.ts';
import { memberOffset } from './btf.ts';
import { generatedProgram, generatedPrograms } from './generated-program.ts';
import { lives } from './lives.ts';
import type { Program } from './process.ts';
import { scriptProgram } from './script-program.ts';

export interface BpftraceOptions {
  readonly restarts?: RestartLimits;
  /** Until all probes answer a marker; attaching took up to 15 s on a busy machine. */
  readonly readyWithinMs?: number;
}

/** Tracepoints and BTF, no debuginfo; one process for all modules but those that would disturb the others. */
export const makeBpftraceEngine = (options: BpftraceOptions = {}): Engine => ({
  name: 'bpftrace',
  available: (host) => available(host),

  async facts(host, goals) {
    const names = new Set(['syscalls:sys_enter_getpriority']);
    const worded = new Set<string>();
    const members = new Map<string, readonly [struct: string, member: string]>();
    for (const goal of goals) {
      const template = goal.engines.bpftrace ? readTemplate(goal, 'bpftrace') : undefined;
      if (!template?.ok) continue;
      const probes = withValues(template.value, goal).replaceAll('tracepoint:', ' ');
      for (const [name] of probes.matchAll(/\b[a-z]\w*:[a-z]\w+/g)) names.add(name);
      for (const [, struct = '', member = ''] of template.value.matchAll(/\{\{offset (\w+)\.(\w+)\}\}/g))
        members.set(`${struct}.${member}`, [struct, member]);
      for (const [, field = ''] of template.value.matchAll(/\{\{words (\S+)\}\}/g)) worded.add(field);
    }
    const offsets = tracepointOffsets(host.sys, names);
    const btf = readFileSync(`${host.sys}/kernel/btf/vmlinux`);
    for (const [whole, [struct, member]] of members) {
      const offset = memberOffset(btf, struct, member);
      if (offset !== undefined) offsets.set(whole, offset);
    }
    return {
      arch: process.arch,
      hz: await kernelHz(host.proc),
      kernel: release(),
      tracepoints: tracepointFields(host.sys, names),
      offsets,
      words: tracepointWords(host.sys, worded),
      engineVersion: (await bpftraceVersion(host)) ?? '',
    };
  },

  run: (modules, host, stop, singly) =>
    new Observable<readonly Frame[]>((subscriber) => {
      // Unsubscribing aborts `gone`: whatever waits then ends, and nothing is told any more.
      const gone = new AbortController();
      const tell = (frames: readonly Frame[]) => {
        if (frames.length > 0 && !subscriber.closed) subscriber.next(frames);
      };
      const life = { host, stop, gone: gone.signal, tell, restarts: options.restarts ?? restartLimits };
      let running = 0;
      /** Where it is refused, one half and the other: in the end, a module that cannot be had is alone. */
      const run = async (program: Program): Promise<void> => {
        running++;
        const refusal = await lives(program, options.readyWithinMs ?? 45_000, life);
        if (refusal !== undefined) {
          const why = { cause: refusal.cause ?? refusal.message };
          const problem = warning('ENGINE_RESTARTED', 'bpftrace does not take all probes together, and is started again with halves.', why);
          tell([{ kind: 'notice', problem, atUs: host.clock.nowUs() }]);
          const half = Math.ceil(program.modules.length / 2);
          const halves = [program.modules.slice(0, half), program.modules.slice(half)].map((some) => run(generatedProgram(some)));
          running--;
          await Promise.all(halves);
          return;
        }
        running--;
        // Completion tells of the last ones.
        if (running > 0 && !stop.aborted && !gone.signal.aborted) program.modules.forEach((module) => singly?.gaveUp(module));
      };
      const programs = [
        ...generatedPrograms(modules.filter(({ goal }) => goal.script === undefined)),
        ...modules.flatMap((module) => (module.goal.script === undefined ? [] : [scriptProgram(module, module.goal.script)])),
      ];
      Promise.all(programs.map(run))
        .catch((bug: unknown) =>
          tell([
            {
              kind: 'notice',
              problem: error('ENGINE_FAILED', 'The bpftrace engine failed.', { cause: String(bug) }),
              atUs: host.clock.nowUs(),
            },
          ]),
        )
        .finally(() => subscriber.complete());
      return () => gone.abort();
    }),
});

export const bpftraceEngine: Engine = makeBpftraceEngine();

/** `syscalls:sys_enter_{{with syscall}}` names the tracepoint of the call that is asked for. */
const withValues = (template: string, goal: Goal): string =>
  template.replace(/\{\{with (\w+)\}\}/g, (_, name: string) => String(valuesOf(goal).get(name) ?? ''));
