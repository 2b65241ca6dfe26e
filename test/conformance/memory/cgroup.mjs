// A small memory cgroup, and processes in it. It bounds what the case can do to the machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { program } from '../disk/program.mjs';

/** `name`: text, or bytes. cgroup v2 where the memory controller is there, else v1. */
export function makeCgroup(context, name, bytes) {
  const root = memoryRoot();
  const folder = Buffer.concat([Buffer.from(`${root.folder}/`), Buffer.from(name)]);
  const file = (leaf) => Buffer.concat([folder, Buffer.from(`/${leaf}`)]);
  mkdirSync(folder);
  context.cleanup(async () => {
    for (let tries = 0; ; tries++)
      try {
        return rmdirSync(folder);
      } catch (cause) {
        if (tries === 50) throw cause;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
  });
  const limits =
    root.version === 2
      ? [
          ['memory.swap.max', 0],
          ['memory.max', bytes],
        ]
      : [
          ['memory.limit_in_bytes', bytes],
          ['memory.memsw.limit_in_bytes', bytes],
        ];
  for (const [leaf, limit] of limits) if (existsSync(file(leaf))) writeFileSync(file(leaf), String(limit));
  return { add: (pid) => writeFileSync(file('cgroup.procs'), String(pid)) };
}

function memoryRoot() {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const v1 = mounts.find(([, , type, options]) => type === 'cgroup' && options.split(',').includes('memory'));
  if (v1) return { version: 1, folder: v1[1] };
  let folder = mounts.find(([, , type]) => type === 'cgroup2')?.[1];
  if (folder === undefined) {
    folder = '/sys/fs/cgroup';
    program('mount', '-t', 'cgroup2', 'none', folder);
  }
  if (!readFileSync(join(folder, 'cgroup.controllers'), 'utf8').includes('memory')) throw new Error(`${folder} has no memory controller`);
  writeFileSync(join(folder, 'cgroup.subtree_control'), '+memory');
  return { version: 2, folder };
}

/** tail(1) keeps what has no line end: given zeroes it asks for more and more memory until it is killed. */
export async function hog(context, cgroup, { oomScoreAdj = 0, comm }) {
  const folder = join(context.scratch, `hog${Math.random()}`);
  mkdirSync(folder);
  symlinkSync('/usr/bin/tail', join(folder, comm ?? 'tail'));
  // A thread's name is its program's; the shell finds the name, whatever is in it.
  const child = await inCgroup(context, cgroup, 'exec ./* /dev/zero', { cwd: folder, oomScoreAdj });
  const [code, signal] = await once(child, 'exit');
  return { pid: child.pid, signal, how: `${code} ${signal}` };
}

/** dd(1) with a buffer of that size, filled, which it waits to write into a pipe that nobody reads. */
export async function holder(context, cgroup, { mebibytes, oomScoreAdj }) {
  const script = `exec dd if=/dev/zero bs=${mebibytes}M count=1`;
  const child = await inCgroup(context, cgroup, script, { oomScoreAdj, stdout: 'pipe' });
  const rss = () => Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0);
  while (rss() < mebibytes * 1024) await context.delay(50);
  return { pid: child.pid };
}

/** A shell that waits until it is in the cgroup. */
async function inCgroup(context, cgroup, script, { cwd, oomScoreAdj, stdout = 'ignore' }) {
  const child = spawn('sh', ['-c', `read ready; ${script}`], { cwd, stdio: ['pipe', stdout, 'ignore'] });
  context.cleanup(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  cgroup.add(child.pid);
  writeFileSync(`/proc/${child.pid}/oom_score_adj`, String(oomScoreAdj));
  child.stdin.end('now\n');
  return child;
}
