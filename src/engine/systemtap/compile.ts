import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Module } from '../../generate/module.ts';
import { error, fail, ok, warning, type Problem, type Result } from '../../problem/problem.ts';
import { gently, startChild } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { compileCause } from './messages.ts';
import { drain } from './modules.ts';

/** For which kernel, by which SystemTap, and where compiled modules are kept. */
export interface Target {
  /** `uname -r`. */
  readonly kernel: string;
  /** Names the SystemTap that is installed (available.ts: loaderId). */
  readonly loader: string;
  /** Modules compiled here: DIR/KERNEL/KEY/NAME.ko. */
  readonly cacheDir: string;
  /** Modules compiled elsewhere, same layout; only read. */
  readonly modulesDirs: readonly string[];
}

/**
 * Handlers run with interrupts off: one that is interrupted would make the kernel skip nested hits without counting them
 * (runtime: skipped_count() is raised only when not INTERRUPTIBLE). Errors and skips are counted and told, they end nothing.
 */
const flags = ['--suppress-handler-errors', '-DMAXSKIPPED=1000000000', '-DINTERRUPTIBLE=0'];

/** A template may ask for numbers of its own: a line `//@stap -DNAME=NUMBER`. */
const ownFlags = (source: string) => [...source.matchAll(/^\/\/@stap (-D[A-Z_]+=\d+)$/gm)].map((match) => match[1] ?? '');

/** The tapset beside the goals' folders. */
const libraryOf = (module: Module) => join(module.goal.folder ?? '.', '..', 'lib');

/** Names everything that the compiled module depends on. 16 hex digits. */
export function moduleKey(module: Module, target: Pick<Target, 'kernel' | 'loader'>): string {
  const hash = createHash('sha256');
  const library = libraryOf(module);
  const parts = [module.name, module.source, target.kernel, target.loader, ...flags];
  for (const file of readdirSync(library).sort()) parts.push(file, readFileSync(join(library, file), 'utf8'));
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex').slice(0, 16);
}

/** The compiled module, if it has been compiled for this target. The file's name is the module's: staprun goes by it. */
export function compiledModule(module: Module, target: Target): string | undefined {
  const key = moduleKey(module, target);
  return [target.cacheDir, ...target.modulesDirs].map((dir) => join(dir, target.kernel, key, `${module.name}.ko`)).find(existsSync);
}

/** Forgets a compiled module that turned out not to fit. False where it was not compiled here. */
export function discard(module: Module, target: Target): boolean {
  const folder = join(target.cacheDir, target.kernel, moduleKey(module, target));
  const had = existsSync(folder);
  rmSync(folder, { recursive: true, force: true });
  return had;
}

/**
 * Compiles a module into the cache; resolves with the path of its .ko. The first module for a kernel takes minutes (SystemTap looks
 * at each of the kernel's tracepoint headers once), later ones seconds; `onProgress` is told so. Problems: ENGINE_COMPILE_FAILED.
 */
export async function compile(
  module: Module,
  target: Target,
  host: EngineHost,
  ends: AbortSignal,
  onProgress: (problem: Problem) => void,
): Promise<Result<string>> {
  const found = compiledModule(module, target);
  if (found !== undefined) return ok(found);
  const base = join(target.cacheDir, target.kernel);
  const folder = join(base, moduleKey(module, target));
  const work = `${folder}.${randomBytes(4).toString('hex')}`;
  mkdirSync(work, { recursive: true });
  try {
    writeFileSync(join(work, `${module.name}.stp`), module.source);
    cpSync(libraryOf(module), join(work, 'lib'), { recursive: true });
    const args = ['-p4', '-r', target.kernel, '-m', module.name, '-I', 'lib', ...flags, ...ownFlags(module.source), `${module.name}.stp`];
    const failure = await runStap(args, work, host, ends, (seconds) => onProgress(compiling(module, target, seconds)));
    if (failure !== undefined || !existsSync(join(work, `${module.name}.ko`)))
      return fail(
        error('ENGINE_COMPILE_FAILED', `${module.goal.id} could not be compiled for kernel ${target.kernel}.`, {
          cause: failure ?? 'stap made no module',
        }),
      );
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
    return ok(join(folder, `${module.name}.ko`));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Undefined when it succeeded, else why not. At low priority: the machine has other work. */
async function runStap(
  args: readonly string[],
  cwd: string,
  host: EngineHost,
  ends: AbortSignal,
  onWait: (seconds: number) => void,
): Promise<string | undefined> {
  const said: string[] = [];
  const child = startChild(host.spawn, 'nice', ['-n', '10', 'stap', ...args], { cwd, onStderr: (line) => said.push(line) });
  const stop = () => void child.stop(gently);
  ends.addEventListener('abort', stop, { once: true });
  if (ends.aborted) stop();
  const over = new AbortController();
  const waiting = (async () => {
    for (let seconds = 0; !over.signal.aborted; seconds += 30) {
      onWait(seconds);
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

const compiling = (module: Module, target: Target, seconds: number): Problem =>
  warning(
    'ENGINE_COMPILING',
    seconds === 0
      ? `Compiling ${module.goal.id} for kernel ${target.kernel}; the first module for a kernel takes minutes, later ones seconds.`
      : `Still compiling ${module.goal.id} (${seconds} s).`,
  );
