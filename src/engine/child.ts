import { kill } from 'node:process';
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** Starts a program in a process group of its own. Injected, so that a privileged helper can take its place. */
export type Spawn = (
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; /** `ignore` unless given. */ readonly stdin?: 'ignore' | 'pipe' },
) => ChildProcess;

/** The real one. A group of its own, so that a terminal's Ctrl-C reaches Tapline alone and Tapline decides how its children end. */
export const spawnInGroup: Spawn = (command, args, { stdin = 'ignore', ...options }) =>
  spawn(command, [...args], { ...options, detached: true, stdio: [stdin, 'pipe', 'pipe'] });

/** How a child ended. `error`: it could not be started at all. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

/** Signals to its group, each `afterMs` after the one before; SIGINT twice, because bpftrace 0.17 was seen to sleep through one. */
export type Escalation = readonly { readonly signal: NodeJS.Signals; readonly afterMs: number }[];
export const gently: Escalation = [
  { signal: 'SIGINT', afterMs: 0 },
  { signal: 'SIGINT', afterMs: 1500 },
  { signal: 'SIGTERM', afterMs: 1000 },
  { signal: 'SIGKILL', afterMs: 1000 },
];

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A longer line comes as `overlongMark` and its first 200 bytes: every dialect's reader finds it broken. Default 64 KiB. */
  readonly maxLineBytes?: number;
  /** One line of stderr, without its end; cut at 4,096 characters. */
  readonly onStderr?: (line: string) => void;
  /** What it gets when Tapline ends without having stopped it. Default SIGKILL; a program that has to clean up wants another. */
  readonly lastSignal?: NodeJS.Signals;
}

export interface Child {
  readonly pid: number | undefined;
  /** Whole lines of stdout, each ended by LF, many a chunk. Not reading holds the child up (a full pipe). Once only. */
  lines(): AsyncGenerator<Uint8Array, void, undefined>;
  readonly exited: Promise<ChildExit>;
  /** All of its stderr was given to `onStderr`; may come after `exited`, and late where a child of its own keeps the pipe. */
  readonly saidAll: Promise<void>;
  /** Ends the child's whole group; resolves when it has gone. What it still prints can be read meanwhile. */
  stop(escalation?: Escalation): Promise<ChildExit>;
}

/** CAN, "cancel": begins what is left of an over-long line. No dialect writes it. */
export const overlongMark = 0x18;

const living = new Map<number, NodeJS.Signals>();
process.once('exit', () => living.forEach((signal, pid) => signalGroup(pid, signal)));

/**
 * A program whose stdout is lines. When Tapline ends in any way that runs exit handlers, its children's groups are killed.
 * When Tapline is killed by SIGKILL nothing runs: bpftrace then dies of SIGPIPE at its next beat (within a second);
 * a program that outlives a closed pipe (stapio) has to be swept at the next start.
 */
export function startChild(spawnChild: Spawn, command: string, args: readonly string[], options: ChildOptions = {}): Child {
  const process = spawnChild(command, args, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env !== undefined && { env: options.env }),
  });
  const pid = process.pid;
  if (pid !== undefined) living.set(pid, options.lastSignal ?? 'SIGKILL');
  let ended = false;
  const exited = new Promise<ChildExit>((resolve) => {
    const end = (exit: ChildExit) => {
      ended = true;
      if (pid !== undefined) living.delete(pid);
      resolve(exit);
    };
    process.once('error', (error) => process.pid === undefined && end({ code: null, signal: null, error }));
    process.once('exit', (code, signal) => end({ code, signal }));
  });
  const saidAll = process.stderr ? forwardStderr(process.stderr, options.onStderr) : Promise.resolve();

  return {
    pid,
    exited,
    saidAll,
    async *lines() {
      if (process.stdout) yield* wholeLines(process.stdout, options.maxLineBytes ?? 65_536);
    },
    async stop(escalation = gently) {
      for (const { signal, afterMs } of escalation) {
        if (afterMs > 0) await Promise.race([exited, delay(afterMs, undefined, { ref: false })]);
        if (ended || pid === undefined) break;
        signalGroup(pid, signal);
      }
      return exited;
    },
  };
}

/** Splits a byte stream into chunks of whole lines; the last line gets its LF if it has none. */
export async function* wholeLines(source: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let skipping = false;
  try {
    for await (let chunk of source) {
      if (skipping) {
        const at = chunk.indexOf(10);
        if (at < 0) continue;
        chunk = chunk.subarray(at + 1);
        skipping = false;
      }
      const last = chunk.lastIndexOf(10);
      if (last >= 0) {
        yield rest.length === 0 ? chunk.subarray(0, last + 1) : Buffer.concat([...rest, chunk.subarray(0, last + 1)]);
        rest = [];
        restBytes = 0;
      }
      const tail = chunk.subarray(last + 1);
      if (tail.length === 0) continue;
      // A copy: keeping a slice of a large chunk for a few bytes would hold all of it.
      rest.push(Uint8Array.from(tail));
      restBytes += tail.length;
      if (restBytes <= maxLineBytes) continue;
      yield Buffer.concat([Uint8Array.of(overlongMark), Buffer.concat(rest).subarray(0, 200), Uint8Array.of(10)]);
      rest = [];
      restBytes = 0;
      skipping = true;
    }
  } catch (error) {
    // The child was killed while its pipe was read: what came is still good, how it ended is in `exited`.
    if (!(
      error instanceof Error && ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')
    ))
      throw error;
  }
  if (rest.length > 0) yield Buffer.concat([...rest, Uint8Array.of(10)]);
}

async function forwardStderr(stream: AsyncIterable<Uint8Array>, onLine: ((line: string) => void) | undefined): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of wholeLines(stream, 4096))
    for (const line of decoder.decode(chunk).split('\n')) if (line.trim() !== '') onLine?.(line.slice(0, 4096));
}

/** The group, or the process alone where whoever spawned it gave it no group. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      kill(target, signal);
      return;
    } catch {
      // Gone already, or no group of that number.
    }
  }
}
