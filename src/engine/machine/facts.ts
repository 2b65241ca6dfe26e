import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { arch, env, getgroups } from 'node:process';
import { kernelConfig, readOrNothing, tracefs } from '../kernel-facts.ts';
import type { EngineHost } from '../engine.ts';
import { containerKind, isMounted } from './container.ts';
import { parseOsRelease, type Distribution } from './distribution.ts';
import { findProgram, type Places } from './places.ts';

/** What is known of a machine before anything is tried. Plain data: judging it needs no machine. */
export interface MachineFacts {
  readonly distribution: Distribution;
  /** `uname -r` and `uname -m`. */
  readonly kernel: string;
  readonly arch: string;
  readonly user: {
    readonly uid: number;
    readonly name: string;
    /** Of this session. */
    readonly groups: readonly string[];
    /** Of the next login, as /etc/group has it. */
    readonly listed: readonly string[];
  };
  /** Bits of CapEff (capabilities(7)); undefined where /proc does not tell. */
  readonly capabilities: bigint | undefined;
  readonly modules: 'can' | 'switched off' | 'not built';
  /** module.sig_enforce: only modules signed by a key that the kernel trusts. */
  readonly signedOnly: boolean;
  readonly lockdown: 'integrity' | 'confidentiality' | undefined;
  /** Undefined where there is no UEFI, or the variable may not be read. */
  readonly secureBoot: boolean | undefined;
  /** "docker", "podman", "lxc" ...; undefined on a whole machine. */
  readonly container: string | undefined;
  readonly tracefs: 'there' | 'not mounted' | 'not built' | 'not readable';
  readonly btf: boolean;
  readonly headers: HeadersFacts;
  /** Path of the running kernel's debug information. */
  readonly debuginfo: string | undefined;
  /** Whether debuginfod servers are set up. */
  readonly debuginfod: boolean;
  /** Name -> path, of the programs that engines need and that are there. */
  readonly programs: ReadonlyMap<string, string>;
  /** RLIMIT_MEMLOCK, bytes; undefined: unlimited or not told. */
  readonly memlock: number | undefined;
  readonly unprivilegedBpfDisabled: number | undefined;
  readonly perfEventParanoid: number | undefined;
  /** "CONFIG_BPF" -> "y"; undefined where the kernel's configuration cannot be read. */
  readonly config: ReadonlyMap<string, string> | undefined;
  /** False where the package manager has read no lists yet (a fresh container image). */
  readonly packageLists: boolean;
  /** Package -> whether the package manager's lists have it; only names that were asked for. */
  readonly packages: ReadonlyMap<string, boolean>;
}

export interface HeadersFacts {
  /** Whether /lib/modules/RELEASE/build holds a tree that modules can be compiled with. */
  readonly there: boolean;
  /** The release that this tree is of, as it says itself (include/config/kernel.release). */
  readonly of: string | undefined;
  /** Other releases whose headers are there. */
  readonly others: readonly string[];
  /** Kernels that could be booted. */
  readonly bootable: readonly string[];
}

export const kernelRelease = (host: Pick<EngineHost, 'proc'>) => readFileSync(`${host.proc}/sys/kernel/osrelease`, 'latin1').trim();

/** Reads; starts nothing and changes nothing. What cannot be read is left out. */
export function gatherFacts(host: EngineHost, places: Places): MachineFacts {
  const at = (path: string) => join(places.root, path);
  const kernel = readOrNothing(`${host.proc}/sys/kernel/osrelease`)?.trim() ?? '';
  const status = readOrNothing(`${host.proc}/self/status`) ?? '';
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  const memlock = /^Max locked memory\s+\S+\s+(\d+)/m.exec(readOrNothing(`${host.proc}/self/limits`) ?? '')?.[1];
  return {
    distribution: parseOsRelease(readOrNothing(at('etc/os-release')) ?? readOrNothing(at('usr/lib/os-release')) ?? ''),
    kernel,
    arch: machine(),
    user: user(host, at('etc')),
    capabilities: capabilities === undefined ? undefined : BigInt(`0x${capabilities}`),
    modules: !existsSync(`${host.proc}/modules`)
      ? 'not built'
      : numberIn(`${host.proc}/sys/kernel/modules_disabled`) === 1
        ? 'switched off'
        : 'can',
    signedOnly: readOrNothing(`${host.sys}/module/module/parameters/sig_enforce`)?.trim() === 'Y',
    lockdown: /\[(integrity|confidentiality)\]/.exec(
      readOrNothing(`${host.sys}/kernel/security/lockdown`) ?? '',
    )?.[1] as MachineFacts['lockdown'],
    secureBoot: secureBoot(host.sys),
    container: containerKind(host.proc, places.root),
    tracefs: tracefsState(host),
    btf: existsSync(`${host.sys}/kernel/btf/vmlinux`),
    headers: headers(kernel, places.root),
    debuginfo: [at(`usr/lib/debug/lib/modules/${kernel}/vmlinux`), at(`usr/lib/debug/boot/vmlinux-${kernel}`)]
      .flatMap((path) => [path, `${path}.debug`])
      .find(existsSync),
    debuginfod: (env['DEBUGINFOD_URLS'] ?? '').trim() !== '' || names(at('etc/debuginfod')).some((name) => name.endsWith('.urls')),
    programs: new Map(
      ['stap', 'staprun', 'bpftrace', 'gcc', 'make', 'ss', 'sudo', 'apt-cache'].flatMap((name) => {
        const path = findProgram(places, name);
        return path === undefined ? [] : [[name, path] as const];
      }),
    ),
    memlock: memlock === undefined ? undefined : Number(memlock),
    unprivilegedBpfDisabled: numberIn(`${host.proc}/sys/kernel/unprivileged_bpf_disabled`),
    perfEventParanoid: numberIn(`${host.proc}/sys/kernel/perf_event_paranoid`),
    config: configOf(kernelConfig(host.proc, places.root, kernel)),
    packageLists: !existsSync(at('etc/apt')) || names(at('var/lib/apt/lists')).some((name) => /_Packages(\.\w+)?$/.test(name)),
    packages: new Map(),
  };
}

/** As the kernel names it, not Node. */
function machine(): string {
  const known: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le', ia32: 'i686' };
  return known[arch] ?? arch;
}

function user(host: EngineHost, etc: string): MachineFacts['user'] {
  const table = (name: string) => (readOrNothing(join(etc, name)) ?? '').split('\n').map((line) => line.split(':'));
  const name = table('passwd').find(([, , uid]) => Number(uid) === host.uid)?.[0] ?? String(host.uid);
  const groups = table('group');
  const mine = new Set(getgroups?.() ?? []);
  const named = (which: (line: readonly string[]) => boolean) => groups.filter(which).map(([group = '']) => group);
  return {
    uid: host.uid,
    name,
    groups: named(([, , gid]) => gid !== undefined && mine.has(Number(gid))),
    listed: named(([, , , members]) => members?.split(',').includes(name) === true),
  };
}

/** UEFI's variable: four bytes of attributes, then 1 where Secure Boot is on. */
function secureBoot(sys: string): boolean | undefined {
  const folder = `${sys}/firmware/efi/efivars`;
  const name = names(folder).find((each) => each.startsWith('SecureBoot-'));
  try {
    return name === undefined ? undefined : readFileSync(join(folder, name)).at(4) === 1;
  } catch {
    return undefined;
  }
}

function tracefsState(host: EngineHost): MachineFacts['tracefs'] {
  if (tracefs(host.sys) !== undefined) return 'there';
  if (isMounted(host.proc, 'tracefs')) return 'not readable';
  // The kernel makes this mount point where it was built with tracing.
  return existsSync(`${host.sys}/kernel/tracing`) ? 'not mounted' : 'not built';
}

function headers(kernel: string, root: string): HeadersFacts {
  const modules = join(root, 'lib/modules');
  const whole = (release: string) => existsSync(join(modules, release, 'build/Makefile'));
  const images = names(join(root, 'boot')).flatMap((name) => /^vmlinuz-(\d.*)$/.exec(name)?.[1] ?? []);
  const releases = names(modules);
  return {
    there: whole(kernel),
    of: readOrNothing(join(modules, kernel, 'build/include/config/kernel.release'))?.trim(),
    others: releases.filter((release) => release !== kernel && whole(release)),
    bootable: [...new Set([...images, ...releases.filter((release) => existsSync(join(modules, release, 'vmlinuz')))])],
  };
}

const configOf = (text: string): MachineFacts['config'] =>
  text === '' ? undefined : new Map([...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

const numberIn = (path: string): number | undefined => {
  const text = readOrNothing(path)?.trim();
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
};

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
