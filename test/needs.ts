import { existsSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

/** Where the lab is kept. */
const lab = process.env['TAPLINE_LAB_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tapline/lab');

/** Parts of a machine that a test may need, and how to see whether they are there. undefined: it is there; else what to do. */
const checks = {
  root: () => (process.getuid?.() === 0 ? undefined : 'run as root'),
  bpftrace: () => program('bpftrace') ?? (existsSync('/sys/kernel/btf/vmlinux') ? undefined : 'the kernel has no BTF'),
  netns: () => program('ip') ?? (spawnSync('unshare', ['-n', 'true']).status === 0 ? undefined : 'network namespaces are not allowed here'),
  tracefs: () => (existsSync('/sys/kernel/tracing/events') ? undefined : 'mount -t tracefs tracefs /sys/kernel/tracing'),
  lab: () => (existsSync(join(lab, 'image.done')) ? undefined : 'build it once: test/lab/vm/build.sh'),
  currentBpftrace: () =>
    existsSync(join(lab, 'root/usr/bin/bpftrace')) && existsSync(join(lab, 'root.done'))
      ? undefined
      : 'the lab has it; build that once: test/lab/vm/build.sh',
  script: () => program('script'),
  nstat: () => program('nstat'),
  ss: () => program('ss'),
  nft: () => program('nft'),
  setpriv: () => program('setpriv'),
  python3: () => program('python3'),
  rsyslogd: () => program('rsyslogd'),
  kcat: () => program('kcat'),
  kafka: () =>
    (process.env['TAPLINE_KAFKA_DIR'] ?? '') !== '' ? undefined : 'set TAPLINE_KAFKA_DIR; .ci/run installs a broker (test/lab/kafka.sh)',
  nativeSyslog: () =>
    existsSync(join(import.meta.dirname, '../node_modules/node-syslog/build/Release'))
      ? undefined
      : 'the optional package node-syslog was not built',
  logger: () => program('logger'),
  devLog: () =>
    existsSync('/dev/log') && !existsSync(join(tmpdir(), 'tapline-dev-log')) ? 'a syslog daemon of this machine owns /dev/log' : undefined,
} as const;

export type Need = keyof typeof checks;

function program(name: string): string | undefined {
  const path = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`;
  return path.split(delimiter).some((folder) => existsSync(join(folder, name))) ? undefined : `${name} is not installed`;
}

/** The first need that is not met here, as "needs NAME: reason"; the reporter counts such skips and may refuse them. */
export function lacking(...needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    const why = checks[need]();
    if (why !== undefined) return `needs ${need}: ${why}`;
  }
  return undefined;
}

/** Skips the running test, visibly and with the reason, unless the machine has all that it needs. First line of a test. */
export function needs(context: TestContext, ...wanted: readonly Need[]): void {
  const why = lacking(...wanted);
  if (why !== undefined) context.skip(why);
}

export const isRoot = process.getuid?.() === 0;
export const readText = (path: string) => readFileSync(path, 'utf8');
