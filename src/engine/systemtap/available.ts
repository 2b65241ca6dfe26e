import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { env, getgroups } from 'node:process';
import { startChild } from '../child.ts';
import type { Availability, EngineHost } from '../engine.ts';
import { loadedModules } from './modules.ts';
import type { Target } from './compile.ts';

/** What is needed of the system beside EngineHost; other places in tests. */
export interface Places {
  /** /lib/modules */
  readonly libModules: string;
  /** Folders to look for programs in. */
  readonly path: readonly string[];
}

export const systemPlaces = (): Places => ({ libModules: '/lib/modules', path: [...(env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'] });

export const kernelRelease = (host: EngineHost) => readFileSync(`${host.proc}/sys/kernel/osrelease`, 'latin1').trim();

/**
 * Names the installed SystemTap by its loader's content: a module fits the staprun of the release that compiled it. (staprun -V
 * prints nothing when its output is no terminal, and stap need not be installed where modules only run.) Undefined: not there.
 */
export function loaderId(places: Places): string | undefined {
  const path = findProgram(places, 'staprun');
  return path === undefined ? undefined : createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
}

/** "5.6", as stap says; undefined where it is not there. */
export async function compilerVersion(host: EngineHost, places: Places): Promise<string | undefined> {
  return findProgram(places, 'stap') === undefined ? undefined : /version ([0-9.]+)/.exec(await said(host, 'stap', ['--version']))?.[1];
}

/** Looks at everything that a load needs, without loading: kernel, locks, user, programs, headers, versions. */
export async function available(host: EngineHost, places: Places, target: Omit<Target, 'loader'>): Promise<Availability> {
  const { kernel } = target;
  if (loadedModules(host) === undefined)
    return no(`this kernel (${kernel}) cannot load modules at all: it was built without CONFIG_MODULES; another engine has to answer here`);
  if (readWord(`${host.proc}/sys/kernel/modules_disabled`) === '1')
    return no('loading modules was switched off until the next boot (kernel.modules_disabled)', ['sudo reboot']);
  const lockdown = /\[(integrity|confidentiality)\]/.exec(readWord(`${host.sys}/kernel/security/lockdown`))?.[1];
  if (lockdown !== undefined) return no(`the kernel is locked down (${lockdown}, usually by Secure Boot) and takes only signed modules`);
  if (readWord(`${host.sys}/module/module/parameters/sig_enforce`) === 'Y')
    return no('the kernel takes only signed modules (module.sig_enforce)');

  const headers = headersPackage(kernel);
  const install = `sudo apt-get install -y systemtap${headers ? ` ${headers}` : ''}`;
  if (findProgram(places, 'staprun') === undefined)
    return no('SystemTap is not installed (no staprun)', headers || hasHeaders(places, kernel) ? [install] : []);
  const groups = host.uid === 0 ? [] : groupNames();
  if (host.uid !== 0 && !(groups.includes('stapusr') && groups.includes('stapdev')))
    return no('loading modules needs root, or membership in the groups stapusr and stapdev', [
      'sudo usermod -aG stapusr,stapdev "$USER"',
      'newgrp stapdev',
    ]);

  const version = await compilerVersion(host, places);
  const summary = `SystemTap ${version === undefined ? '' : `${version} `}as ${host.uid === 0 ? 'root' : 'a member of stapdev'}`;
  const cannot = await whyNoCompile(host, places, kernel);
  if (cannot === undefined) return { can: true, summary, limits: [] };
  if (hasCompiled(target)) return { can: true, summary, limits: [`runs only modules that are compiled already: ${cannot}`] };
  const mends = cannot.startsWith('SystemTap') ? [] : headers || hasHeaders(places, kernel) ? [install] : [];
  return no(cannot, mends);
}

async function whyNoCompile(host: EngineHost, places: Places, kernel: string): Promise<string | undefined> {
  if (!findProgram(places, 'stap')) return 'the compiler of SystemTap (stap) is not installed';
  if (!hasHeaders(places, kernel))
    return headersPackage(kernel)
      ? `the headers of the running kernel ${kernel} are not installed`
      : `the headers of the running kernel ${kernel} are not in ${places.libModules}/${kernel}/build, and it is no Debian kernel, so no package has them`;
  for (const program of ['gcc', 'make']) if (!findProgram(places, program)) return `${program} is not installed`;
  const about = await said(host, 'stap', ['--version']);
  const newest = /tested kernel versions: \S+ \.\.\. (\d+)\.(\d+)/.exec(about);
  const running = /^(\d+)\.(\d+)/.exec(kernel);
  if (newest && running && order(running) > order(newest))
    return `SystemTap ${/version ([\d.]+)/.exec(about)?.[1] ?? ''} is too old for kernel ${kernel}: it was made for kernels up to ${newest[1]}.${newest[2]}`;
  return undefined;
}

/** The package of Debian with the headers of a Debian kernel; undefined for any other kernel. */
export const headersPackage = (kernel: string): string | undefined =>
  /^\d+\.\d+\.\d+(-\d+(\.\w+)*|\+(deb|bpo)\d*(\.\d+)*(-\d+)?|-0\.(deb|bpo)\S*?)-((cloud|rt)-)?(amd64|arm64|686|686-pae|armmp|armmp-lpae|ppc64el|riscv64|s390x)$/.test(
    kernel,
  )
    ? `linux-headers-${kernel}`
    : undefined;

const order = (version: RegExpExecArray) => Number(version[1]) * 1000 + Number(version[2]);
const no = (why: string, fix: readonly string[] = []): Availability => ({ can: false, why, fix });
const hasHeaders = (places: Places, kernel: string) => existsSync(join(places.libModules, kernel, 'build', 'Makefile'));

function findProgram(places: Places, name: string): string | undefined {
  return places.path
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Any module at all for this kernel; whether it is the one that is needed shows when it is run. */
function hasCompiled({ kernel, cacheDir, modulesDirs }: Omit<Target, 'loader'>): boolean {
  return [cacheDir, ...modulesDirs].some((dir) => {
    try {
      return readdirSync(join(dir, kernel)).length > 0;
    } catch {
      return false;
    }
  });
}

function groupNames(): readonly string[] {
  const mine = new Set(getgroups?.() ?? []);
  return readWord('/etc/group')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , gid]) => mine.has(Number(gid)))
    .map(([name = '']) => name);
}

function readWord(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** All that a program prints within 5 s; stap writes its version to stderr. */
async function said(host: EngineHost, program: string, args: readonly string[]): Promise<string> {
  const text: string[] = [];
  const child = startChild(host.spawn, program, args, { onStderr: (line) => text.push(line) });
  const timer = setTimeout(() => void child.stop([{ signal: 'SIGKILL', afterMs: 0 }]), 5000);
  for await (const lines of child.lines()) text.push(Buffer.from(lines).toString('latin1'));
  await child.exited;
  clearTimeout(timer);
  return text.join('\n');
}
