import { homedir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { Observable } from 'rxjs';
import type { Module } from '../../generate/module.ts';
import { error, type Problem } from '../../problem/problem.ts';
import type { Engine, EngineHost } from '../engine.ts';
import { newRun } from '../new-run.ts';
import type { Frame } from '../frame.ts';
import { afterEnd, final, noRestarts, restartLimits, type RestartLimits } from '../restart.ts';
import { gatherFacts, kernelRelease } from '../machine/facts.ts';
import { systemPlaces, type Places } from '../machine/places.ts';
import { available, loaderId, systemtapFacts } from './available.ts';
import { compile, compiledModule, discard, type Target } from './compile.ts';
import { LoadedList } from './modules.ts';
import { tryOut } from './try-out.ts';
import { live, printed, timing, type Ends, type Timing } from './run.ts';

export interface SystemtapOptions {
  /** Default: $XDG_CACHE_HOME or ~/.cache, tapline/systemtap. */
  readonly cacheDir?: string;
  /** Where modules that were compiled elsewhere may lie. Default: /var/lib/tapline/modules and $TAPLINE_MODULES. */
  readonly modulesDirs?: readonly string[];
  readonly places?: Places;
  readonly timing?: Timing;
  readonly restarts?: RestartLimits;
}

/**
 * SystemTap: one kernel module for each goal, compiled once for each kernel and loaded by staprun. Kernel headers are enough, debug
 * information is not used. Stopping takes the module out; what a killed Tapline left is taken out at the next start.
 */
export function systemtapEngine(
  options: SystemtapOptions = {},
): Engine & { compiled(modules: readonly Module[], host: EngineHost): Promise<boolean> } {
  const places = options.places ?? systemPlaces();
  const target = (host: EngineHost) => ({
    kernel: kernelRelease(host),
    cacheDir: options.cacheDir ?? join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tapline', 'systemtap'),
    modulesDirs: options.modulesDirs ?? ['/var/lib/tapline/modules', ...(env['TAPLINE_MODULES'] ? [env['TAPLINE_MODULES']] : [])],
  });
  return {
    name: 'systemtap',
    available: (host) => available(host, places, target(host)),
    tryOut: (host) => tryOut(host, kernelRelease(host)),
    // Templates ask the kernel's own headers, so nothing of a module depends on facts but the kernel's release.
    facts: async (host) => ({
      hz: 0,
      kernel: kernelRelease(host),
      tracepoints: new Map(),
      engineVersion: (await systemtapFacts(host, gatherFacts(host, places), target(host))).version ?? 'none',
    }),
    compiled: async (modules, host) => {
      const loader = loaderId(places);
      return loader !== undefined && modules.every((module) => compiledModule(module, { ...target(host), loader }) !== undefined);
    },
    run: (modules, host, stop, singly) =>
      new Observable((subscriber) => {
        const gone = new AbortController();
        const emit = (frames: readonly Frame[]) => {
          if (!gone.signal.aborted) subscriber.next(frames);
        };
        const all = async () => {
          const full = { ...target(host), loader: loaderId(places) ?? 'none' };
          const loaded = new LoadedList(full.cacheDir, host);
          for (const problem of await loaded.sweep()) emit([{ kind: 'notice', problem, atUs: host.clock.nowUs() }]);
          const ends = { stop, gone: gone.signal };
          const each = async (module: Module) => {
            try {
              await lives({ module, target: full, host, loaded, ends, emit, options });
            } catch (cause) {
              neverRan(
                module,
                host,
                error('ENGINE_FAILED', `${module.goal.id} could not be run by SystemTap.`, { cause: String(cause) }),
                emit,
              );
            }
            if (!stop.aborted && !gone.signal.aborted) singly?.gaveUp(module);
          };
          await Promise.all(modules.map(each));
          subscriber.complete();
        };
        all().catch((cause: unknown) => subscriber.error(cause));
        return () => gone.abort();
      }),
  };
}

interface Lives {
  readonly module: Module;
  readonly target: Target;
  readonly host: EngineHost;
  readonly loaded: LoadedList;
  readonly ends: Ends;
  readonly emit: (frames: readonly Frame[]) => void;
  readonly options: SystemtapOptions;
}

/** One life after another until it is asked to end, or has failed too often in a row. */
async function lives({ module, target, host, loaded, ends, emit, options }: Lives): Promise<void> {
  const asked = AbortSignal.any([ends.stop, ends.gone]);
  const notice = (problem: Problem) => emit([{ kind: 'notice', problem, atUs: host.clock.nowUs() }]);
  for (let state = noRestarts; !asked.aborted;) {
    const file = await compile(module, target, host, asked, notice);
    if (asked.aborted) return;
    if (!file.ok) return neverRan(module, host, file.problems[0], emit);
    const life = await live({ module, file: file.value, host, loaded, ends, emit, timing: options.timing ?? timing });
    if (asked.aborted) return;
    // A kernel of the same release but another build: compile again, once for each such refusal.
    if (life.problem?.code === 'ENGINE_MODULE_UNFIT') discard(module, target);
    const restart = afterEnd(state, life.readyMs, options.restarts ?? restartLimits);
    if (!restart.again || (life.problem !== undefined && final.has(life.problem.code))) {
      return notice(
        error('ENGINE_GAVE_UP', `SystemTap no longer answers ${module.goal.id}.`, life.problem ? { cause: life.problem.message } : {}),
      );
    }
    state = restart.state;
    await delay(restart.delayMs, undefined, { signal: asked }).catch(() => undefined);
  }
}

function neverRan(module: Module, host: EngineHost, problem: Problem | undefined, emit: Lives['emit']): void {
  const run = newRun(module, host, printed);
  const atUs = host.clock.nowUs();
  emit([
    { kind: 'run', run, atUs },
    { kind: 'end', run: run.id, ...(problem && { problem }), atUs },
  ]);
}
