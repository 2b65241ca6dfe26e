import type { MachineFacts } from './facts.ts';
import { limits, reboot, stops, type Finding } from './finding.ts';
import { packagingOf, type PackagingHere } from './packages.ts';

/** Numbers of capabilities(7). */
const capability = { sysModule: 16n, sysAdmin: 21n, sysResource: 24n, perfmon: 38n, bpf: 39n } as const;
export const hasCapability = ({ capabilities }: MachineFacts, name: keyof typeof capability): boolean =>
  capabilities === undefined || (capabilities & (1n << capability[name])) !== 0n;

export const packagingHere = ({ distribution, kernel, arch, packageLists }: MachineFacts): PackagingHere =>
  packagingOf(distribution, kernel, arch, !packageLists);

/** "6.1" as 6001; 0 where it is no version. */
export const kernelOrder = (release: string): number => {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(major ?? 0) * 1000 + Number(minor ?? 0);
};

/** What the kernel has to be built with, and what for. Judged only where its configuration can be read. */
export function missingConfig(facts: MachineFacts, needs: Readonly<Record<string, string>>): Finding[] {
  const { config } = facts;
  if (config === undefined) return [];
  return Object.entries(needs)
    .filter(([name]) => config.get(name) !== 'y' && config.get(name) !== 'm')
    .map(([name, why]) => stops('kernel-config', `the kernel was built without ${name}: ${why}`));
}

/** Why no module can be compiled for the running kernel for want of its headers; undefined where they are there and fit. */
export function headersFinding(facts: MachineFacts): Finding | undefined {
  const { headers, kernel, distribution } = facts;
  const packaged = packagingHere(facts);
  const install = packaged.headers();
  if (headers.there && (headers.of === undefined || headers.of === kernel)) return undefined;
  if (headers.there)
    return stops(
      'kernel-mismatch',
      `the headers in /lib/modules/${kernel}/build are of another kernel, ${headers.of ?? ''}; the running one is ${kernel}`,
      packaged.headersAgain(),
      packaged.kernel === undefined ? `install the headers of ${kernel} again, or boot ${headers.of ?? 'that kernel'}` : undefined,
    );
  const waiting = headers.others.filter((release) => headers.bootable.includes(release));
  const elsewhere = headers.others.length === 0 ? '' : `; those of ${headers.others.join(' and ')} are, which do not fit`;
  if (packaged.kernel === undefined)
    return stops(
      headers.others.length === 0 ? 'headers-unpackaged' : 'kernel-mismatch',
      `the headers of the running kernel ${kernel} are not in /lib/modules/${kernel}/build${elsewhere}, and ${whose(distribution.name)}, so no package has them`,
      [],
      facts.container === undefined
        ? `whoever built this kernel has its headers; or boot ${waiting.length > 0 ? waiting.join(' or ') : 'a kernel of the distribution'}`
        : 'a container runs the kernel of its host: run Tapline on the host, or mount its /lib/modules and /usr/src here',
    );
  const installable = install.length > 0 && headersOffered(facts) !== false;
  if (waiting.length > 0)
    return stops(
      'kernel-mismatch',
      `the running kernel is ${kernel}, but the headers that are there are of ${waiting.join(' and ')}, which is installed and waits for a reboot`,
      installable ? install : [reboot],
      installable ? `or reboot into ${waiting.join(' or ')}` : undefined,
    );
  if (headersOffered(facts) === false)
    return stops(
      headers.others.length === 0 ? 'headers-superseded' : 'kernel-mismatch',
      `the headers of the running kernel ${kernel} are not installed${elsewhere}, and the package lists of this machine no longer have ${packaged.kernel.headers.join(' ')}`,
      packaged.newestKernel(),
    );
  return stops(
    headers.others.length === 0 ? 'headers-missing' : 'kernel-mismatch',
    `the headers of the running kernel ${kernel} are not installed${elsewhere}`,
    install,
  );
}

const whose = (name: string) => `it is no kernel of ${name}`;

/** Whether the package manager knows a package with the headers; undefined where it was not asked. */
function headersOffered(facts: MachineFacts): boolean | undefined {
  const wanted = packagingHere(facts).kernel?.headers ?? [];
  const told = wanted.map((name) => facts.packages.get(name));
  return told.includes(false) ? false : told.includes(undefined) ? undefined : true;
}

/** Words for a kernel that only takes signed modules: Secure Boot is usually why. */
export function signingFindings(facts: MachineFacts): Finding[] {
  const boot = facts.secureBoot === true ? ', Secure Boot is on' : facts.secureBoot === false ? ', Secure Boot is off' : '';
  const advice = facts.secureBoot === true ? 'switch Secure Boot off in the firmware, or use another engine' : 'use another engine';
  if (facts.lockdown !== undefined)
    return [
      stops(
        'lockdown',
        `the kernel is locked down (${facts.lockdown}${boot}) and takes only modules signed by a key it trusts`,
        [],
        advice,
      ),
    ];
  if (facts.signedOnly) return [stops('signed-only', `the kernel takes only signed modules (module.sig_enforce${boot})`, [], advice)];
  return [];
}

/** What is true of a container whatever engine runs in it. */
export const containerFinding = (facts: MachineFacts): Finding[] =>
  facts.container === undefined
    ? []
    : [
        limits(
          'container',
          `this is a container (${facts.container}): its kernel is the host's, and processes have other pids on the host`,
          [],
          'run Tapline on the host, or start the container with --privileged --pid=host',
        ),
      ];

/**
 * What a script of the user's own needs beyond Tapline's goals: kernel.function(...), .statement(...) and $variables want the kernel's
 * debug information. Undefined: it is there, or comes by itself.
 */
export function debuginfoFinding(facts: MachineFacts): Finding | undefined {
  const packaged = packagingHere(facts);
  if (facts.debuginfo !== undefined || (facts.debuginfod && packaged.debuginfod)) return undefined;
  const need = 'a script that probes kernel.function(...), or reads its $variables, needs the debug information of the kernel';
  if (packaged.kernel === undefined)
    return limits('debuginfo-unpackaged', `${need}, ${facts.kernel}; ${whose(facts.distribution.name)}, so no package has it`);
  if (packaged.kernel.debuginfo.some((name) => facts.packages.get(name) === false))
    return limits(
      'debuginfo-superseded',
      `${need}; the package lists of this machine do not have ${packaged.kernel.debuginfo.join(' and ')}`,
      [],
      'the archive of debug symbols may have to be added; of a kernel that was superseded it may be gone',
    );
  return limits(
    'debuginfo-missing',
    `${need}: ${packaged.kernel.debuginfo.join(' and ')}`,
    packaged.debuginfo(),
    packaged.debuginfod ? 'or set DEBUGINFOD_URLS: SystemTap then fetches it by itself' : undefined,
  );
}
