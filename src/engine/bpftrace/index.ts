import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { Observable } from 'rxjs';
import { readTemplate } from '../../generate/template.ts';
import type { Goal } from '../../goals/goal.ts';
import { valuesOf } from '../../goals/parameters.ts';
import { error } from '../../problem/problem.ts';
import type { Engine } from '../engine.ts';
import type { Frame } from '../frame.ts';
import { kernelHz, tracepointFields, tracepointOffsets, tracepointWords } from '../kernel-facts.ts';
import { restartLimits, type RestartLimits } from '../restart.ts';
import { available, bpftraceVersion } from './available.ts';
import { memberOffset } from './btf.ts';
import { generatedProgram } from './generated-program.ts';
import { lives } from './lives.ts';
import { scriptProgram } from './script-program.ts';

export interface BpftraceOptions {
  readonly restarts?: RestartLimits;
  /** Until all probes answer a marker; attaching took up to 15 s on a busy machine. */
  readonly readyWithinMs?: number;
}

/** Tracepoints and BTF, no debuginfo; one process for all modules. */
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

  run: (modules, host, stop) =>
    new Observable<readonly Frame[]>((subscriber) => {
      // Unsubscribing aborts `gone`: whatever waits then ends, and nothing is told any more.
      const gone = new AbortController();
      const tell = (frames: readonly Frame[]) => {
        if (frames.length > 0 && !subscriber.closed) subscriber.next(frames);
      };
      const generated = modules.filter(({ goal }) => goal.script === undefined);
      const programs = [
        ...(generated.length > 0 ? [generatedProgram(generated)] : []),
        ...modules.flatMap((module) => (module.goal.script === undefined ? [] : [scriptProgram(module, module.goal.script)])),
      ];
      const life = { host, stop, gone: gone.signal, tell, restarts: options.restarts ?? restartLimits };
      Promise.all(programs.map((program) => lives(program, options.readyWithinMs ?? 45_000, life)))
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
