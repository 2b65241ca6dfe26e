import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Module } from '../../generate/module.ts';
import { systemtapCompanion } from '../../generate/script.ts';
import { error, fail, ok, warning, type Problem, type Result } from '../../problem/problem.ts';
import { version } from '../../telemetry/version.ts';
import { gently, startChild } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { scriptFileName, scriptMistake } from '../script-mistake.ts';
import { readKernelObject } from './kernel-object.ts';
import { libraryOf } from './library.ts';
import { writeManifest } from './manifest.ts';
import { compileCause } from './messages.ts';
import { drain } from './modules.ts';
import type { CompileQueue } from './queue.ts';

/** For which kernel, by which SystemTap, and where compiled modules are kept. */
export interface Target {
  /** `uname -r`. */
  readonly kernel: string;
  /** Names the SystemTap that is installed (available.ts: loaderId). */
  readonly loader: string;
  /** Version of the compiler; "none" where modules are only loaded. */
  readonly stap: string;
  /** Modules compiled here: DIR/KERNEL/KEY/NAME.ko. */
  readonly cacheDir: string;
  /** Modules compiled elsewhere, same layout; only read. */
  readonly modulesDirs: readonly string[];
}

/** Where a module that is compiled already may lie. */
export type ModulePlaces = Pick<Target, 'kernel' | 'cacheDir' | 'modulesDirs'>;

/**
 * Handlers run with interrupts off: one that is interrupted would make the kernel skip nested hits without counting them
 * (runtime: skipped_count() is raised only when not INTERRUPTIBLE). Errors and skips are counted and told, they end nothing.
 */
const flags = ['--suppress-handler-errors', '-DMAXSKIPPED=1000000000', '-DINTERRUPTIBLE=0'];

/** A template may ask for numbers of its own: a line `//@stap -DNAME=NUMBER`, or NUMBERLL. */
const ownFlags = (source: string) => [...source.matchAll(/^\/\/@stap (-D[A-Z_]+=\d+(?:LL)?)$/gm)].map((match) => match[1] ?? '');

/** What stap gets: flags, and behind the file's name the arguments of a user's script. */
function stapArguments(module: Module): { readonly flags: readonly string[]; readonly file: string; readonly args: readonly string[] } {
  const { script } = module.goal;
  if (script === undefined) return { flags: [...flags, ...ownFlags(module.source)], file: `${module.name}.stp`, args: [] };
  const { guru, suppressHandlerErrors, skipBadvars, compatible, define } = script.stap;
  return {
    flags: [
      ...(guru ? ['-g'] : []),
      ...(suppressHandlerErrors ? ['--suppress-handler-errors'] : []),
      ...(skipBadvars ? ['--skip-badvars'] : []),
      ...(compatible === undefined ? [] : [`--compatible=${compatible}`]),
      ...Object.entries(define).map(([name, value]) => `-D${name}=${value}`),
      '-E',
      systemtapCompanion,
    ],
    file: scriptFileName,
    args: script.args.length === 0 ? [] : ['--', ...script.args],
  };
}

/** Names everything that the compiled module depends on. 16 hex digits. */
export function moduleKey(module: Module, target: Pick<Target, 'kernel' | 'loader'>): string {
  const hash = createHash('sha256');
  const own = module.goal.script === undefined ? { flags, args: [] } : stapArguments(module);
  const parts = [module.name, module.source, target.kernel, target.loader, ...own.flags, ...own.args];
  for (const { name, text } of libraryOf(module)) parts.push(name, text);
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex').slice(0, 16);
}

/** The compiled module wherever it lies, if it has been compiled for this target. The file's name is the module's: staprun goes by it. */
export function compiledModules(module: Module, target: Target): string[] {
  const key = moduleKey(module, target);
  return [target.cacheDir, ...target.modulesDirs].map((dir) => join(dir, target.kernel, key, `${module.name}.ko`)).filter(existsSync);
}

/** Forgets a compiled module that turned out not to fit. False where it was not compiled here. */
export function discard(module: Module, target: Target): boolean {
  const folder = join(target.cacheDir, target.kernel, moduleKey(module, target));
  const had = existsSync(folder);
  rmSync(folder, { recursive: true, force: true });
  return had;
}

export interface CompileWith {
  readonly host: EngineHost;
  readonly queue: CompileQueue;
  /** Stops it. */
  readonly ends: AbortSignal;
  /** Told ENGINE_COMPILING when it begins and each 30 s, and ENGINE_COMPILED. */
  readonly onProgress: (problem: Problem) => void;
}

/**
 * Compiles a module into the cache, whatever lies there; resolves with the path of its .ko, which has its manifest beside it.
 * Problems: ENGINE_COMPILE_FAILED, ENGINE_SCRIPT_WRONG.
 */
export const compile = (module: Module, target: Target, { host, queue, ends, onProgress }: CompileWith): Promise<Result<string>> =>
  queue.run(async (at, of) => {
    const { script } = module.goal;
    const base = join(target.cacheDir, target.kernel);
    const folder = join(base, moduleKey(module, target));
    const work = `${folder}.${randomBytes(4).toString('hex')}`;
    const failed = (cause: string) =>
      fail(error('ENGINE_COMPILE_FAILED', `${module.goal.id} could not be compiled for kernel ${target.kernel}.`, { cause }));
    const started = performance.now();
    const seconds = () => Math.round((performance.now() - started) / 1000);
    const progress = () => onProgress(compiling(module, target, { seconds: seconds(), at, of }));
    if (ends.aborted) return failed('stopped');
    mkdirSync(work, { recursive: true });
    try {
      const own = stapArguments(module);
      writeFileSync(join(work, own.file), module.source);
      mkdirSync(join(work, 'lib'));
      for (const { name, text } of libraryOf(module)) writeFileSync(join(work, 'lib', name), text);
      const args = ['-p4', '-r', target.kernel, '-m', module.name, '-I', 'lib', ...own.flags, own.file, ...own.args];
      const said: string[] = [];
      const failure = await runStap(args, work, host, ends, said, progress);
      const mistake = failure === undefined || script === undefined ? undefined : scriptMistake(said, script, module.goal.id);
      if (mistake !== undefined) return fail(mistake);
      if (failure !== undefined) return failed(failure);
      const made = join(work, `${module.name}.ko`);
      const object = existsSync(made) ? readKernelObject(readFileSync(made)) : undefined;
      if (object === undefined) return failed('stap made no module');
      // Whatever the umask was: what anybody could change is not loaded.
      for (const path of [made, work]) chmodSync(path, path === made ? 0o644 : 0o755);
      writeManifest(made, {
        format: 1,
        goal: module.goal.id,
        module: module.name,
        kernel: target.kernel,
        stap: target.stap,
        loader: target.loader,
        sha256: object.sha256,
        tapline: version,
      });
      rmSync(folder, { recursive: true, force: true });
      renameSync(work, folder);
      onProgress(warning('ENGINE_COMPILED', `Compiled ${module.goal.id} for kernel ${target.kernel} in ${seconds()} s (${at} of ${of}).`));
      return ok(join(folder, `${module.name}.ko`));
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });

/** Undefined when it succeeded, else why not. At low priority: the machine has other work. */
async function runStap(
  args: readonly string[],
  cwd: string,
  host: EngineHost,
  ends: AbortSignal,
  said: string[],
  onWait: () => void,
): Promise<string | undefined> {
  const child = startChild(host.spawn, 'nice', ['-n', '10', 'stap', ...args], { cwd, onStderr: (line) => said.push(line) });
  const stop = () => void child.stop(gently);
  ends.addEventListener('abort', stop, { once: true });
  if (ends.aborted) stop();
  const over = new AbortController();
  const waiting = (async () => {
    while (!over.signal.aborted) {
      onWait();
      await delay(30_000, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  await drain(child);
  const exit = await child.exited;
  over.abort();
  await waiting;
  ends.removeEventListener('abort', stop);
  if (exit.code === 0) return undefined;
  return exit.error ? exit.error.message : ends.aborted ? 'stopped' : compileCause(said);
}

const compiling = (
  module: Module,
  target: Target,
  { seconds, at, of }: { readonly seconds: number; readonly at: number; readonly of: number },
): Problem =>
  warning(
    'ENGINE_COMPILING',
    `Compiling ${module.goal.id} for kernel ${target.kernel} (${at} of ${of}${seconds > 0 ? `, ${seconds} s so far` : ''}${at === 1 ? '; the first one for a kernel takes minutes, later ones seconds' : ''}).`,
  );
