import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { error, fail, ok, type Result } from '../problem/problem.ts';
import { installFolder } from './context.ts';

/** Given back at the end; a lock whose process has gone holds nobody up. */
export interface Lock {
  release(): void;
}

/**
 * At most one run with a kernel engine from one installation (semantics 25): two would load the same modules and sweep each
 * other's. Kept in /run, else in the folder for temporary files; $TAPLINE_RUN_DIR names another place.
 */
export function lockKernelEngines(env: Readonly<Record<string, string | undefined>>, proc = '/proc'): Result<Lock> {
  const name = `tapline-${createHash('sha256').update(installFolder).digest('hex').slice(0, 12)}.lock`;
  const file = join(env['TAPLINE_RUN_DIR'] ?? (writable('/run') ? '/run' : tmpdir()), name);
  const own = { pid: process.pid, started: startOf(proc, process.pid) };
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, `${JSON.stringify(own)}\n`, { flag: 'wx', mode: 0o644 });
      return ok({ release: () => remove(file) });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
        return fail(error('RUN_FILE', `${file} cannot be written.`, { cause: cause instanceof Error ? cause.message : String(cause) }));
    }
    const holder = read(file);
    if (holder !== undefined && holder.started !== undefined && startOf(proc, holder.pid) === holder.started)
      return fail(
        error('RUN_SECOND', `Another run of this installation (process ${holder.pid}) has a kernel engine at work already.`, {
          hint: 'End that one first, or put the rules of both into one configuration. --engine procfs can run beside it.',
        }),
      );
    remove(file);
  }
  return fail(error('RUN_FILE', `${file} is taken again and again.`));
}

/** Start time of a process in clock ticks since boot (proc(5), stat field 22): a number that was given to another process differs. */
function startOf(proc: string, pid: number): string | undefined {
  try {
    return readFileSync(`${proc}/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return undefined;
  }
}

function read(file: string): { readonly pid: number; readonly started?: string } | undefined {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown; started?: unknown };
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Gone already.
  }
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
