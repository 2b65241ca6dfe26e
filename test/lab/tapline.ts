import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const checkout = join(import.meta.dirname, '../..');
export const program = join(checkout, 'dist/main.js');

export interface RunningTapline {
  readonly folder: string;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Waits until the text stands on stderr. */
  said(text: string | RegExp): Promise<void>;
  /** JSON lines of the file sink so far. */
  items(): Promise<readonly Item[]>;
  /** SIGINT; answers the exit status and how long it took. */
  stop(): Promise<{ readonly status: number | null; readonly ms: number }>;
}

/** A line of the file sink, loosely typed: tests look at what they expect. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Item = any;

/** The built program as a process of its own, with a configuration of the test's; `sinks` and `rules` are YAML. `prefix` runs before it (ip netns exec ...). */
export async function startTapline(options: {
  readonly sinks?: string;
  readonly to?: string;
  readonly rules: string;
  readonly args?: readonly string[];
  readonly prefix?: readonly string[];
  /** Whose the folder is, where `prefix` gives up root; the checkout is then seen at /mnt, because it may lie where only root can look. */
  readonly uid?: number;
}): Promise<RunningTapline> {
  const folder = await mkdtemp(join(tmpdir(), 'tapline-e2e-'));
  await writeFile(
    join(folder, 'tapline.yaml'),
    `engine: auto\nrules: [rules.yaml]\nsinks:\n  out: {type: file, path: out.jsonl}\n${options.sinks ?? ''}\nto: [${options.to ?? 'out'}]\n`,
  );
  await writeFile(join(folder, 'rules.yaml'), options.rules);
  if (options.uid !== undefined) await chown(folder, options.uid, options.uid);
  const words = [
    ...(options.uid === undefined ? [] : ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /mnt && exec "$@"', checkout]),
    ...(options.prefix ?? []),
    process.execPath,
    options.uid === undefined ? program : '/mnt/dist/main.js',
    'run',
    '-c',
    join(folder, 'tapline.yaml'),
    ...(options.args ?? []),
  ];
  const child = spawn(words[0] ?? '', words.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
    env: { ...process.env, TAPLINE_RUN_DIR: folder },
  });
  const text = { stdout: '', stderr: '' };
  let changed = () => undefined as void;
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      changed();
    });
  const exited = once(child, 'exit');
  void exited.then(() => changed());
  return {
    folder,
    pid: child.pid ?? 0,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    async said(what) {
      const there = () => (typeof what === 'string' ? text.stderr.includes(what) : what.test(text.stderr));
      while (!there()) {
        if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode} and never said ${String(what)}:\n${text.stderr}`);
        await new Promise<void>((done) => (changed = done));
      }
    },
    async items() {
      const lines = await readFile(join(folder, 'out.jsonl'), 'utf8').catch(() => '');
      return lines
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
    async stop() {
      const began = performance.now();
      child.kill('SIGINT');
      const [status] = child.exitCode === null ? ((await exited) as [number | null]) : [child.exitCode];
      const ms = performance.now() - began;
      await rm(folder, { recursive: true, force: true });
      return { status, ms };
    },
  };
}

/** Asks again and again until the answer is something; the test's own timeout is the bound. */
export async function until<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(50);
  }
}
