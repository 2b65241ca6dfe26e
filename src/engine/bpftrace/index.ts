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
import { afterEnd, noRestarts, restartLimits, type RestartLimits } from '../restart.ts';
import { available, bpftraceVersion } from './available.ts';
import { memberOffset } from './btf.ts';
import { runOnce } from './process.ts';

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
      void (async () => {
        let state = noRestarts;
        while (modules.length > 0 && !stop.aborted && !gone.signal.aborted) {
          const { readyMs, problem } = await runOnce(modules, host, stop, gone.signal, tell, options.readyWithinMs ?? 45_000);
          if (stop.aborted || gone.signal.aborted) break;
          const restart = afterEnd(state, readyMs, options.restarts ?? restartLimits);
          state = restart.state;
          const cause = problem?.cause ?? problem?.message;
          const more = { ...(cause !== undefined && { cause }) };
          const atUs = host.clock.nowUs();
          if (!restart.again) {
            tell([
              {
                kind: 'notice',
                problem: error('ENGINE_GAVE_UP', `bpftrace ended ${state.failures} times in a row and is left alone.`, more),
                atUs,
              },
            ]);
            break;
          }
          tell([
            {
              kind: 'notice',
              problem: warning('ENGINE_RESTARTED', `bpftrace is started again in ${restart.delayMs / 1000} s.`, more),
              atUs,
            },
          ]);
          await wait(restart.delayMs, stop, gone.signal);
        }
        subscriber.complete();
      })().catch((bug: unknown) => {
        tell([
          {
            kind: 'notice',
            problem: error('ENGINE_FAILED', 'The bpftrace engine failed.', { cause: String(bug) }),
            atUs: host.clock.nowUs(),
          },
        ]);
        subscriber.complete();
      });
      return () => gone.abort();
    }),
});

export const bpftraceEngine: Engine = makeBpftraceEngine();

/** `syscalls:sys_enter_{{with syscall}}` names the tracepoint of the call that is asked for. */
const withValues = (template: string, goal: Goal): string =>
  template.replace(/\{\{with (\w+)\}\}/g, (_, name: string) => String(valuesOf(goal).get(name) ?? ''));

/** Resolves after so long, or when one of the signals is aborted. */
const wait = (ms: number, ...signals: readonly AbortSignal[]): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const signal of signals) signal.addEventListener('abort', done);
  });
