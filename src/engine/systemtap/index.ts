import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { Observable } from 'rxjs';
import type { Module } from '../../generate/module.ts';
import { generateModule } from '../../generate/generate.ts';
import { error, fail, ok, type Problem, type Result } from '../../problem/problem.ts';
import type { Engine, EngineHost } from '../engine.ts';
import { newRun } from '../new-run.ts';
import type { Frame } from '../frame.ts';
import { againMs, endsByItself } from '../script-end.ts';
import { afterEnd, final, noRestarts, restartLimits, type RestartLimits } from '../restart.ts';
import { gatherFacts, kernelRelease } from '../machine/facts.ts';
import { systemPlaces, type Places } from '../machine/places.ts';
import { available, loaderId, systemtapFacts } from './available.ts';
import { checkModule } from './check.ts';
import { compile, compiledModules, discard, type Target } from './compile.ts';
import { whyNone } from './elsewhere.ts';
import { LoadedList } from './modules.ts';
import { CompileQueue } from './queue.ts';
import { tryOut } from './try-out.ts';
import { voiceOf } from './voice.ts';
import { live, timing, type Ends, type Timing } from './run.ts';

export interface SystemtapOptions {
  /** Default: $XDG_CACHE_HOME or ~/.cache, tapline/systemtap. */
  readonly cacheDir?: string;
  /** Where modules that were compiled elsewhere may lie. Default: /var/lib/tapline/modules and $TAPLINE_MODULES. */
  readonly modulesDirs?: readonly string[];
  readonly places?: Places;
  readonly timing?: Timing;
  readonly restarts?: RestartLimits;
}

/** Where compiled modules are kept and looked for, but for which kernel and loader. */
export const modulePlaces = (
  options: Pick<SystemtapOptions, 'cacheDir' | 'modulesDirs'> = {},
): Pick<Target, 'cacheDir' | 'modulesDirs'> => ({
  cacheDir: options.cacheDir ?? join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tapline', 'systemtap'),
  modulesDirs: options.modulesDirs ?? ['/var/lib/tapline/modules', ...(env['TAPLINE_MODULES'] ? [env['TAPLINE_MODULES']] : [])],
});

/** What a module of any kernel depends on: templates ask the kernel's own headers, so only its release. */
export const factsFor = (kernel: string, stap: string) => ({ hz: 0, kernel, tracepoints: new Map(), engineVersion: stap });

/**
 * SystemTap: one kernel module for each goal, compiled once for each kernel and loaded by staprun. Kernel headers are enough, debug
 * information is not used. Stopping takes the module out; what a killed Tapline left is taken out at the next start.
 */
export function systemtapEngine(
  options: SystemtapOptions = {},
): Engine & { compiled(modules: readonly Module[], host: EngineHost): Promise<boolean> } {
  const places = options.places ?? systemPlaces();
  const target = (host: EngineHost) => ({ kernel: kernelRelease(host), ...modulePlaces(options) });
  const compilerVersion = async (host: EngineHost) => (await systemtapFacts(host, gatherFacts(host, places), target(host))).version;
  return {
    name: 'systemtap',
    available: (host) => available(host, places, target(host)),
    tryOut: (host) => tryOut(host, kernelRelease(host)),
    facts: async (host) => factsFor(kernelRelease(host), (await compilerVersion(host)) ?? 'none'),
    compiled: async (modules, host) => {
      const loader = loaderId(places);
      if (loader === undefined) return false;
      const stap = await compilerVersion(host);
      const full = { ...target(host), loader, stap: stap ?? 'none' };
      return modules.every((module) =>
        candidates(module, stap === undefined).some((each) =>
          compiledModules(each, full).some((file) => !checkModule(file, each, full, host)),
        ),
      );
    },
    run: (modules, host, stop, singly) =>
      new Observable((subscriber) => {
        const gone = new AbortController();
        const emit = (frames: readonly Frame[]) => {
          if (!gone.signal.aborted) subscriber.next(frames);
        };
        const all = async () => {
          const stap = await compilerVersion(host);
          const full = { ...target(host), loader: loaderId(places) ?? 'none', stap: stap ?? 'none' };
          const loaded = new LoadedList(full.cacheDir, host);
          for (const problem of await loaded.sweep()) emit([{ kind: 'notice', problem, atUs: host.clock.nowUs() }]);
          const ends = { stop, gone: gone.signal };
          const queue = new CompileQueue(Math.min(availableParallelism(), 4));
          const each = async (module: Module) => {
            try {
              await lives({ module, target: full, compiler: stap !== undefined, queue, host, loaded, ends, emit, options });
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
  /** Whether this machine has one. */
  readonly compiler: boolean;
  readonly queue: CompileQueue;
  readonly host: EngineHost;
  readonly loaded: LoadedList;
  readonly ends: Ends;
  readonly emit: (frames: readonly Frame[]) => void;
  readonly options: SystemtapOptions;
}

/** A module and the file to load for it. */
interface Loadable {
  readonly module: Module;
  readonly file: string;
}

/** One life after another until it is asked to end, or has failed too often in a row. */
async function lives(given: Lives): Promise<void> {
  const { module, target, host, loaded, ends, emit, options } = given;
  const asked = AbortSignal.any([ends.stop, ends.gone]);
  const notice = (problem: Problem) => emit([{ kind: 'notice', problem, atUs: host.clock.nowUs() }]);
  let toldOfEnd = false;
  for (let state = noRestarts; !asked.aborted;) {
    const found = await loadable(given, asked, notice);
    if (asked.aborted) return;
    if (!found.ok) return neverRan(module, host, found.problems[0], emit);
    const life = await live({ ...found.value, host, loaded, ends, emit, timing: options.timing ?? timing });
    if (asked.aborted) return;
    if (life.byItself === true) {
      if (!toldOfEnd) notice(endsByItself(module.goal.id));
      toldOfEnd = true;
      await delay(againMs, undefined, { signal: asked }).catch(() => undefined);
      continue;
    }
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

/** The module itself; where nothing can be compiled also the goal's general one, which prints every record and so serves any rules. */
const candidates = (module: Module, general: boolean): Module[] => {
  const made = general
    ? generateModule({ goal: module.goal, rules: [], engine: 'systemtap', facts: factsFor('', 'none'), pushdown: true })
    : undefined;
  return [module, ...(made?.ok === true && made.value.id !== module.id ? [made.value] : [])];
};

/** A module that was compiled already and stands up to the checks, or one that is compiled now. */
async function loadable(
  { module, target, compiler, queue, host }: Lives,
  ends: AbortSignal,
  notice: (problem: Problem) => void,
): Promise<Result<Loadable>> {
  const against: Problem[] = [];
  for (const each of candidates(module, !compiler)) {
    for (const file of compiledModules(each, target)) {
      const problem = checkModule(file, each, target, host);
      if (problem === undefined) return ok({ module: each, file });
      against.push(problem);
    }
  }
  if (!compiler) return fail(against[0] ?? whyNone(module, target));
  for (const problem of against) notice({ ...problem, severity: 'warning' });
  const made = await compile(module, target, { host, queue, ends, onProgress: notice });
  if (!made.ok) return made;
  const problem = checkModule(made.value, module, target, host);
  return problem === undefined ? ok({ module, file: made.value }) : fail(problem);
}

function neverRan(module: Module, host: EngineHost, problem: Problem | undefined, emit: Lives['emit']): void {
  const run = newRun(module, host, voiceOf(module, host).printed);
  const atUs = host.clock.nowUs();
  emit([
    { kind: 'run', run, atUs },
    { kind: 'end', run: run.id, ...(problem && { problem }), atUs },
  ]);
}
