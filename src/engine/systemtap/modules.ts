import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { kill } from 'node:process';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { warning, type Problem } from '../../problem/problem.ts';
import { startChild, type Child } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { readOrNothing } from '../kernel-facts.ts';

/**
 * What this install has loaded: a file for each module while it runs, with the processes that hold it. A module that outlived
 * them (SIGKILL, a crash) is removed at the next start; nobody else's modules are ever touched.
 */
export interface Holder {
  /** Tapline, and staprun (which becomes stapio); that is unknown until it is started. */
  readonly tapline: ProcessId;
  readonly loader?: ProcessId;
}

/** A pid and when it started (clock ticks since boot, field 22 of /proc/PID/stat): pids are used again. */
interface ProcessId {
  readonly pid: number;
  readonly started: string;
}

/** Names of the kernel's modules; undefined where this kernel has none. */
export function loadedModules(host: EngineHost): ReadonlySet<string> | undefined {
  try {
    return new Set(
      readFileSync(`${host.proc}/modules`, 'latin1')
        .split('\n')
        .map((line) => line.slice(0, line.indexOf(' '))),
    );
  } catch {
    return undefined;
  }
}

export class LoadedList {
  readonly #folder: string;
  readonly #host: EngineHost;

  constructor(cacheDir: string, host: EngineHost) {
    this.#folder = join(cacheDir, 'loaded');
    this.#host = host;
  }

  /** Once before the loader is started, once when its number is known. */
  add(name: string, taplinePid: number, loaderPid?: number): void {
    mkdirSync(this.#folder, { recursive: true });
    const holder: Holder = {
      tapline: this.#identify(taplinePid),
      ...(loaderPid !== undefined && { loader: this.#identify(loaderPid) }),
    };
    writeFileSync(this.#file(name), JSON.stringify(holder));
  }

  remove(name: string): void {
    rmSync(this.#file(name), { force: true });
  }

  /**
   * Removes what earlier runs left loaded. A loader that outlived its Tapline (stapio does not end when its reader is gone)
   * is ended first. Modules of a Tapline that still runs, and those that somebody else's loader holds, are left alone.
   */
  async sweep(): Promise<Problem[]> {
    const problems: Problem[] = [];
    for (const name of this.#names()) {
      const holder = this.#read(name);
      if (holder !== undefined && this.#alive(holder.tapline)) continue;
      const was = this.#isLoaded(name);
      if (holder !== undefined) for (const loader of this.#loadersOf(name, holder)) await this.#end(loader);
      const others = this.#loaders(name).length > 0;
      const left = this.#isLoaded(name) && !others ? await unload(name, this.#host) : undefined;
      if (left !== undefined) problems.push(left);
      else if (was && !others)
        problems.push(warning('ENGINE_MODULE_SWEPT', `The kernel module ${name}, left by a run that was killed, was removed.`));
      if (left === undefined) this.remove(name);
    }
    return problems;
  }

  /** Those that the dead Tapline started: their arguments name it (live: `tapline_pid=`), if it had no time to note them. */
  #loadersOf(name: string, { tapline, loader }: Holder): ProcessId[] {
    const started = this.#loaders(name).filter(({ args }) => args.includes(`tapline_pid=${tapline.pid}`));
    return [...started.map(({ pid }) => this.#identify(pid)), ...(loader ? [loader] : [])];
  }

  /** Processes that load or run the module: staprun, or stapio, with its file as an argument. */
  #loaders(name: string): { readonly pid: number; readonly args: readonly string[] }[] {
    return readdirSync(this.#host.proc)
      .filter((entry) => /^\d+$/.test(entry))
      .map((pid) => ({ pid: Number(pid), args: (readOrNothing(`${this.#host.proc}/${pid}/cmdline`) ?? '').split('\0') }))
      .filter(({ args }) => /^(staprun|stapio)$/.test(basename(args[0] ?? '')) && args.some((arg) => basename(arg) === `${name}.ko`));
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((file) => /^tapline_[a-z0-9_]+\.json$/.test(file))
        .map((file) => file.slice(0, -'.json'.length));
    } catch {
      return [];
    }
  }

  #read(name: string): Holder | undefined {
    try {
      return JSON.parse(readFileSync(this.#file(name), 'utf8')) as Holder;
    } catch {
      return undefined;
    }
  }

  async #end(process: ProcessId): Promise<void> {
    // staprun takes the module out on TERM; one that is stopped (SIGSTOP) has to go on first.
    if (this.#alive(process)) signal(process.pid, 'SIGCONT');
    for (const next of ['SIGTERM', 'SIGKILL'] as const) {
      if (!this.#alive(process)) return;
      signal(process.pid, next);
      for (let tries = 0; tries < 20 && this.#alive(process); tries++) await delay(100);
    }
  }

  readonly #isLoaded = (name: string) => loadedModules(this.#host)?.has(name) === true;
  readonly #file = (name: string) => join(this.#folder, `${name}.json`);
  readonly #identify = (pid: number): ProcessId => ({ pid, started: this.#started(pid) ?? '' });
  readonly #alive = ({ pid, started }: ProcessId) => started !== '' && this.#started(pid) === started;

  #started(pid: number): string | undefined {
    try {
      const stat = readFileSync(`${this.#host.proc}/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie holds nothing any more.
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    kill(pid, name);
  } catch {
    // Gone already.
  }
}

/** Unloads a module that nothing runs any more; a problem where it stays. */
export async function unload(name: string, host: EngineHost): Promise<Problem | undefined> {
  const said: string[] = [];
  const child = startChild(host.spawn, 'staprun', ['-d', name], { onStderr: (line) => said.push(line) });
  await drain(child);
  await child.exited;
  if (loadedModules(host)?.has(name) !== true) return undefined;
  return warning('ENGINE_MODULE_LEFT', `The kernel module ${name} could not be removed.`, {
    hint: `sudo staprun -d ${name}`,
    ...(said.length > 0 && { cause: said.join('; ') }),
  });
}

/** Reads to its end what nobody wants: a full pipe would hold the program up. */
export async function drain(child: Child): Promise<void> {
  const lines = child.lines();
  while ((await lines.next()).done !== true);
}
