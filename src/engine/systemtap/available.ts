import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unavailable, type Availability, type EngineHost } from '../engine.ts';
import { gatherFacts, type MachineFacts } from '../machine/facts.ts';
import { asRoot, limits, reboot, stops, type Finding } from '../machine/finding.ts';
import {
  containerFinding,
  hasCapability,
  headersFinding,
  kernelOrder,
  missingConfig,
  packagingHere,
  signingFindings,
} from '../machine/judge.ts';
import { knownPackages } from '../machine/known-packages.ts';
import { output } from '../machine/output.ts';
import { findProgram, type Places } from '../machine/places.ts';
import type { ModulePlaces } from './compile.ts';
import { readKernelObject } from './kernel-object.ts';

/** What is known of the SystemTap that is installed. */
export interface SystemtapFacts {
  /** "5.6", as stap says; undefined where it is not there. */
  readonly version: string | undefined;
  /** "7.3": the newest kernel it was made for, as it says. */
  readonly newestKernel: string | undefined;
  /** Whether any module is compiled for the running kernel already. */
  readonly compiled: boolean;
  /** Whether one of these has a signature; looked at only where the kernel asks for one. */
  readonly signed?: boolean;
}

/**
 * Names the installed SystemTap by its loader's content: a module fits the staprun of the release that compiled it. (staprun -V
 * prints nothing when its output is no terminal, and stap need not be installed where modules only run.) Undefined: not there.
 */
export function loaderId(places: Places): string | undefined {
  const path = findProgram(places, 'staprun');
  return path === undefined ? undefined : createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
}

/** Looks at everything that a load needs, without loading: kernel, locks, user, programs, headers, versions. */
export async function available(host: EngineHost, places: Places, target: ModulePlaces): Promise<Availability> {
  const facts = gatherFacts(host, places);
  const own = await systemtapFacts(host, facts, target);
  const first = judge(facts, own);
  // A package is named only where the package manager, as far as it can be asked, has it.
  const wanted = first.some(({ id }) => id === 'headers-missing' || id === 'kernel-mismatch')
    ? packagingHere(facts).kernel?.headers
    : undefined;
  const findings = wanted === undefined ? first : judge({ ...facts, packages: await knownPackages(host, facts, wanted) }, own);
  const summary = `SystemTap ${own.version === undefined ? '' : `${own.version} `}as ${host.uid === 0 ? 'root' : 'a member of stapdev'}`;
  return findings.some(({ level }) => level === 'stops') ? unavailable(findings) : { can: true, summary, findings };
}

export async function systemtapFacts(host: EngineHost, facts: MachineFacts, target: ModulePlaces): Promise<SystemtapFacts> {
  // Older releases write their version to stderr.
  const { text, said } = facts.programs.has('stap')
    ? await output(host, 'stap', ['--version'], { limitMs: 20_000 })
    : { text: '', said: [] };
  const about = [text, ...said].join('\n');
  return {
    version: /version ([0-9.]+)/.exec(about)?.[1],
    newestKernel: /tested kernel versions: \S+ \.\.\. (\d+\.\d+)/.exec(about)?.[1],
    compiled: hasCompiled(target),
    ...((facts.lockdown !== undefined || facts.signedOnly) && { signed: hasCompiled(target, isSigned) }),
  };
}

/** What stands in SystemTap's way, in the order in which it has to be mended. Pure. */
export function judge(facts: MachineFacts, own: SystemtapFacts): Finding[] {
  const { kernel } = facts;
  const headers = headersFinding(facts);
  if (facts.modules === 'not built')
    return [
      stops(
        'no-modules',
        `this kernel (${kernel}) cannot load modules at all: it was built without CONFIG_MODULES`,
        [],
        'another engine has to answer here, or boot a kernel with modules',
      ),
      ...(headers === undefined ? [] : [headers]),
    ];
  if (facts.modules === 'switched off')
    return [stops('modules-disabled', 'loading modules was switched off until the next boot (kernel.modules_disabled)', [reboot])];
  const compiling = compilerFindings(facts, own);
  return [
    ...(own.signed === true
      ? signingFindings(facts).map((finding) =>
          limits(finding.id, `runs only modules that are compiled and signed already: ${finding.what}`),
        )
      : signingFindings(facts)),
    ...missingConfig(facts, {
      CONFIG_MODULE_UNLOAD: 'a probe could not be taken out again',
      CONFIG_RELAY: 'probes could not hand over what they print',
    }),
    ...(facts.programs.has('staprun')
      ? []
      : [stops('systemtap-missing', 'SystemTap is not installed (no staprun)', packagingHere(facts).program('systemtap'))]),
    ...userFindings(facts),
    ...(own.compiled
      ? compiling.map((finding) => limits(finding.id, `runs only modules that are compiled already: ${finding.what}`, finding.fix))
      : compiling),
    ...containerFinding(facts),
  ];
}

/** Members of stapusr and stapdev may load any module; of stapusr alone only those that an administrator has put in a folder of root's. */
function userFindings(facts: MachineFacts): Finding[] {
  const { uid, name, groups, listed } = facts.user;
  if (uid === 0)
    return hasCapability(facts, 'sysModule')
      ? []
      : [
          stops(
            'no-capability',
            'root may not load modules here (no CAP_SYS_MODULE), as in a container',
            [],
            'start the container with --privileged',
          ),
        ];
  const needed = ['stapusr', 'stapdev'];
  const missing = needed.filter((group) => !groups.includes(group));
  if (missing.length === 0) return [];
  const join = needed.some((group) => !listed.includes(group)) ? [asRoot('usermod', '-aG', needed.join(','), name)] : [];
  return [
    stops(
      'not-in-groups',
      `loading modules needs root, or membership in the groups stapusr and stapdev (${name} is not in ${missing.join(' and ')}${join.length === 0 ? ' yet: log in again' : ''})`,
      join,
      'log in again afterwards: a session keeps the groups that it began with; or run Tapline as root',
    ),
  ];
}

function compilerFindings(facts: MachineFacts, { version, newestKernel }: SystemtapFacts): Finding[] {
  const { programs, kernel } = facts;
  const packaged = packagingHere(facts);
  const headers = headersFinding(facts);
  const missing = (['gcc', 'make'] as const).filter((name) => !programs.has(name));
  return [
    ...(programs.has('stap') || !programs.has('staprun')
      ? []
      : [stops('compiler-missing', 'the compiler of SystemTap (stap) is not installed', packaged.program('systemtap'))]),
    ...missing.map((name) => stops(`${name}-missing`, `${name} is not installed`, packaged.program(name))),
    ...(headers === undefined ? [] : [headers]),
    ...(version !== undefined && newestKernel !== undefined && kernelOrder(kernel) > kernelOrder(newestKernel)
      ? [
          stops(
            'systemtap-old',
            `SystemTap ${version} is too old for kernel ${kernel}: it was made for kernels up to ${newestKernel}`,
            [],
            'install a newer SystemTap, or modules that were compiled elsewhere (tapline reads /var/lib/tapline/modules)',
          ),
        ]
      : []),
  ];
}

/** Any module at all for this kernel that `fits`; whether it is the one that is needed shows when it is run. */
function hasCompiled({ kernel, cacheDir, modulesDirs }: ModulePlaces, fits: (file: string) => boolean = () => true): boolean {
  return [cacheDir, ...modulesDirs].some((dir) => {
    try {
      return readdirSync(join(dir, kernel), { recursive: true, encoding: 'utf8' }).some(
        (file) => file.endsWith('.ko') && fits(join(dir, kernel, file)),
      );
    } catch {
      return false;
    }
  });
}

const isSigned = (file: string): boolean => readKernelObject(readFileSync(file))?.signed === true;
