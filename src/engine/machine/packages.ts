import type { Distribution, FamilyName } from './distribution.ts';
import { asRoot, reboot, type Fix } from './finding.ts';

/** A kernel as its release string names it; only of a kernel that the distribution itself packages. */
export interface PackagedKernel {
  /** Packages that hold the headers to compile modules with. */
  readonly headers: readonly string[];
  /** Packages that hold the debug information that kernel.function(...) needs. */
  readonly debuginfo: readonly string[];
  /** Packages that always bring the newest kernel of this flavour and its headers. */
  readonly newest: readonly string[];
}

/** How one family of distributions installs things, and what it calls them. */
export interface Packaging {
  install(packages: readonly string[], distribution: Distribution): Fix;
  /** Puts the files of a package that is installed back as they were. */
  reinstall(packages: readonly string[], distribution: Distribution): Fix;
  /** Reads the lists of packages anew. */
  readonly refresh?: Fix;
  /** Program -> its package. */
  readonly programs: Readonly<Record<'systemtap' | 'bpftrace' | 'gcc' | 'make' | 'ss', string>>;
  /** Undefined for a kernel that this family does not package. `arch` as `uname -m` has it. */
  kernel(release: string, arch: string, distribution: Distribution): PackagedKernel | undefined;
  installDebuginfo(kernel: PackagedKernel, distribution: Distribution): readonly Fix[];
  /** Whether SystemTap gets a kernel's debug information by itself where debuginfod is set up. */
  readonly debuginfod: boolean;
}

const programs = (ss: string) => ({ systemtap: 'systemtap', bpftrace: 'bpftrace', gcc: 'gcc', make: 'make', ss });
const apt = (packages: readonly string[]) => asRoot('apt-get', 'install', '--yes', ...packages);
const aptAgain = (packages: readonly string[]) => asRoot('apt-get', 'install', '--reinstall', '--yes', ...packages);
const zypper = (packages: readonly string[], ...options: readonly string[]) =>
  asRoot('zypper', '--non-interactive', ...options, 'install', ...packages);
/** RHEL 7 and Amazon Linux 2 have yum; dnf came after. */
const dnfOf = ({ version }: Distribution) => (/^[27](\.|$)/.test(version) ? 'yum' : 'dnf');
const dnf = (packages: readonly string[], distribution: Distribution, ...options: readonly string[]) =>
  asRoot(dnfOf(distribution), 'install', '--assumeyes', ...options, ...packages);
const dnfAgain = (packages: readonly string[], distribution: Distribution) =>
  asRoot(dnfOf(distribution), 'reinstall', '--assumeyes', ...packages);
const withDebugRepositories = (kernel: PackagedKernel, distribution: Distribution) => [
  dnf(kernel.debuginfo, distribution, '--enablerepo=*debug*'),
];

/** RPM kernels of Red Hat's making: NAME is "kernel", "kernel-rt" ...; RELEASE has the architecture at its end. */
const redHat = (name: string, release: string, arch: string): PackagedKernel => ({
  headers: [`${name}-devel-${release}`],
  debuginfo: [`${name}-debuginfo-${release}`, `${name}-debuginfo-common-${arch}-${release}`],
  newest: [name, `${name}-devel`],
});

const debianRelease =
  /^\d+\.\d+\.\d+(?:-\d+(?:\.\w+)*|\+(?:deb|bpo)\d*(?:\.\d+)*(?:-\d+)?|-0\.(?:deb|bpo)\S*?)-((?:(?:cloud|rt)-)?(?:amd64|arm64|686|686-pae|armmp|armmp-lpae|ppc64el|riscv64|s390x))$/;
const ubuntuRelease = /^\d+\.\d+\.\d+-\d+-((?!.*(?:amd64|arm64|default)$)[a-z][a-z0-9-]*)$/;
const elRelease = /^\d[\w.]*-[\w.]+\.el\d+(?:_\d+)?(uek)?\.\w+(?:\+(rt|debug|64k|rt-debug))?$/;
const fedoraRelease = /^\d[\w.]*-[\w.]+\.fc\d+\.\w+(?:\+(debug|16k|rt))?$/;
const suseRelease = /^(\d+\.\d+\.\d+-[\w.~]+)-(default|azure|rt|debug|kvmsmall|64kb|preempt|longterm)$/;
const amazonRelease = /^(\d+\.\d+)\.\d+-[\d.]+\.amzn(2|2023)\.\w+$/;

/** THE table of what the distributions call things. */
export const packaging: Readonly<Record<FamilyName, Packaging>> = {
  debian: {
    install: apt,
    reinstall: aptAgain,
    refresh: asRoot('apt-get', 'update'),
    programs: programs('iproute2'),
    kernel(release) {
      const flavour = debianRelease.exec(release)?.[1];
      return flavour === undefined
        ? undefined
        : {
            headers: [`linux-headers-${release}`],
            debuginfo: [`linux-image-${release}-dbg`],
            newest: [`linux-image-${flavour}`, `linux-headers-${flavour}`],
          };
    },
    installDebuginfo: ({ debuginfo }) => [apt(debuginfo)],
    debuginfod: false,
  },
  ubuntu: {
    install: apt,
    reinstall: aptAgain,
    refresh: asRoot('apt-get', 'update'),
    programs: programs('iproute2'),
    kernel(release) {
      const flavour = ubuntuRelease.exec(release)?.[1];
      return flavour === undefined
        ? undefined
        : {
            headers: [`linux-headers-${release}`],
            debuginfo: [`linux-image-${release}-dbgsym`],
            newest: [`linux-image-${flavour}`, `linux-headers-${flavour}`],
          };
    },
    // stap-prep (of the package systemtap) adds Ubuntu's archive of debug symbols and installs the -dbgsym package from there.
    installDebuginfo: () => [apt(['systemtap', 'ubuntu-dbgsym-keyring']), asRoot('stap-prep')],
    debuginfod: false,
  },
  rhel: {
    install: dnf,
    reinstall: dnfAgain,
    programs: programs('iproute'),
    kernel(release, arch) {
      const own = elRelease.exec(release);
      const [plain = release, flavour] = release.split('+');
      return own === null ? undefined : redHat(own[1] === undefined ? flavoured(flavour) : 'kernel-uek', plain, arch);
    },
    installDebuginfo: withDebugRepositories,
    debuginfod: true,
  },
  fedora: {
    install: dnf,
    reinstall: dnfAgain,
    programs: programs('iproute'),
    kernel(release, arch) {
      const [plain = release, flavour] = release.split('+');
      return fedoraRelease.test(release) ? redHat(flavoured(flavour), plain, arch) : undefined;
    },
    installDebuginfo: withDebugRepositories,
    debuginfod: true,
  },
  suse: {
    install: (packages) => zypper(packages),
    reinstall: (packages) => asRoot('zypper', '--non-interactive', 'install', '--force', ...packages),
    programs: programs('iproute2'),
    kernel(release) {
      const [, version, flavour] = suseRelease.exec(release) ?? [];
      if (version === undefined || flavour === undefined) return undefined;
      // The packages' own release has one more number, that of the rebuild; they provide the one of `uname -r`.
      return {
        headers: [`kernel-${flavour}-devel=${version}`],
        debuginfo: [`kernel-${flavour}-debuginfo=${version}`],
        newest: [`kernel-${flavour}`, `kernel-${flavour}-devel`],
      };
    },
    installDebuginfo: ({ debuginfo }) => [zypper(debuginfo, '--plus-content', 'debug')],
    debuginfod: true,
  },
  amazon: {
    install: dnf,
    reinstall: dnfAgain,
    programs: programs('iproute'),
    kernel(release, arch) {
      const [, version, system] = amazonRelease.exec(release) ?? [];
      // Amazon Linux 2023 began with 6.1; its later kernels carry their version in the package's name.
      return version === undefined
        ? undefined
        : redHat(system === '2023' && version !== '6.1' ? `kernel${version}` : 'kernel', release, arch);
    },
    installDebuginfo: withDebugRepositories,
    debuginfod: false,
  },
};

const flavoured = (flavour: string | undefined) => (flavour === undefined ? 'kernel' : `kernel-${flavour}`);

/**
 * What the distribution's own tools can do for this machine; every command that Tapline names comes from here. `refresh`: the lists of
 * packages have to be read first. Nothing on a distribution that is not in the table.
 */
export function packagingOf(distribution: Distribution, release: string, arch: string, refresh = false) {
  const table = distribution.family === undefined ? undefined : packaging[distribution.family];
  const kernel = table?.kernel(release, arch, distribution);
  const before = refresh && table?.refresh !== undefined ? [table.refresh] : [];
  const install = (names: readonly string[]): readonly Fix[] =>
    table === undefined ? [] : [...before, table.install(names, distribution)];
  return {
    kernel,
    headers: (): readonly Fix[] => (kernel === undefined ? [] : install(kernel.headers)),
    headersAgain: (): readonly Fix[] =>
      table === undefined || kernel === undefined ? [] : [...before, table.reinstall(kernel.headers, distribution)],
    program: (name: keyof Packaging['programs']): readonly Fix[] => (table === undefined ? [] : install([table.programs[name]])),
    newestKernel: (): readonly Fix[] =>
      table === undefined || kernel === undefined
        ? []
        : [...(table.refresh === undefined ? [] : [table.refresh]), table.install(kernel.newest, distribution), reboot],
    debuginfo: (): readonly Fix[] =>
      table === undefined || kernel === undefined ? [] : [...before, ...table.installDebuginfo(kernel, distribution)],
    debuginfod: table?.debuginfod ?? false,
  };
}

export type PackagingHere = ReturnType<typeof packagingOf>;
