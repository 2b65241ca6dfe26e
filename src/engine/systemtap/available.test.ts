import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spawnInGroup } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { kernelRelease } from '../machine/facts.ts';
import { commandText } from '../machine/finding.ts';
import { available } from './available.ts';

let root: string;
const kernel = '6.12.43+deb13-amd64';
const put = (path: string, text: string, mode = 0o644) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
};
const program = (name: string, script = '') => put(`bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tapline-stap-'));
  put('proc/sys/kernel/osrelease', `${kernel}\n`);
  put('proc/modules', 'ext4 1 1 - Live 0x0\n');
  put('etc/os-release', 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n');
  put('etc/passwd', 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n');
});
afterEach(() => rmSync(root, { recursive: true }));

const host = (uid = 0): EngineHost => ({
  spawn: (command, args, options) => spawnInGroup(join(root, 'bin', command), args, options),
  clock: { nowUs: () => 0 },
  proc: join(root, 'proc'),
  sys: join(root, 'sys'),
  hostname: 'h',
  uid,
});
const target = (modulesDirs: readonly string[] = []) => ({ kernel: kernelRelease(host()), cacheDir: join(root, 'cache'), modulesDirs });
const ask = (uid = 0, modulesDirs: readonly string[] = []) =>
  available(host(uid), { root, path: [join(root, 'bin')] }, target(modulesDirs));
/** [id, what, commands] of each thing that stops it. */
const stopped = async (uid = 0) =>
  (await ask(uid)).findings
    .filter(({ level }) => level === 'stops')
    .map(({ id, what, fix }) => [id, what, fix.map((each) => commandText(each, uid))]);
const complete = () => {
  for (const name of ['staprun', 'gcc', 'make']) program(name);
  program('stap', "echo 'Systemtap translator/driver (version 5.6/0.196)'; echo 'tested kernel versions: 3.10 ... 7.3.0-rc3'");
  put(`lib/modules/${kernel}/build/Makefile`, '');
};

test('with everything there it can', async () => {
  complete();
  expect(await ask()).toEqual({ can: true, summary: 'SystemTap 5.6 as root', findings: [] });
});

test('a kernel without modules, with modules switched off, locked down or wanting signatures: why, and no package that would not help', async () => {
  complete();
  rmSync(join(root, 'proc/modules'));
  expect(await stopped()).toEqual([['no-modules', expect.stringContaining('CONFIG_MODULES'), []]]);
  put('proc/modules', '');
  put('proc/sys/kernel/modules_disabled', '1\n');
  expect(await stopped()).toEqual([['modules-disabled', expect.stringContaining('switched off'), ['reboot']]]);
  put('proc/sys/kernel/modules_disabled', '0\n');
  put('sys/kernel/security/lockdown', 'none [integrity] confidentiality\n');
  expect(await stopped()).toEqual([['lockdown', expect.stringContaining('integrity'), []]]);
  put('sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c', '\u0006\0\0\0\u0001');
  expect(await stopped()).toEqual([['lockdown', expect.stringContaining('Secure Boot is on'), []]]);
  put('sys/kernel/security/lockdown', '[none] integrity confidentiality\n');
  put('sys/module/module/parameters/sig_enforce', 'Y\n');
  expect(await stopped()).toEqual([['signed-only', expect.stringContaining('signed'), []]]);
});

test('what is missing is named with the command that installs it, each thing at once', async () => {
  expect(await stopped()).toEqual([
    ['systemtap-missing', 'SystemTap is not installed (no staprun)', ['apt-get install --yes systemtap']],
    ['gcc-missing', 'gcc is not installed', ['apt-get install --yes gcc']],
    ['make-missing', 'make is not installed', ['apt-get install --yes make']],
    ['headers-missing', `the headers of the running kernel ${kernel} are not installed`, [`apt-get install --yes linux-headers-${kernel}`]],
  ]);
  complete();
  rmSync(join(root, 'bin/gcc'));
  expect(await stopped(0)).toEqual([['gcc-missing', 'gcc is not installed', ['apt-get install --yes gcc']]]);
});

test("a kernel that is not the distribution's own: said so, and no package named", async () => {
  complete();
  put('proc/sys/kernel/osrelease', '6.18.44-own\n');
  expect(await stopped()).toEqual([
    [
      'kernel-mismatch',
      expect.stringMatching(/6\.18\.44-own.*it is no kernel of Debian GNU\/Linux 13 \(trixie\), so no package has them/),
      [],
    ],
  ]);
  rmSync(join(root, 'lib'), { recursive: true });
  expect(await stopped()).toEqual([['headers-unpackaged', expect.stringContaining('no package has them'), []]]);
});

test('headers of another kernel: which, and whether a reboot or a package mends it', async () => {
  complete();
  put('proc/sys/kernel/osrelease', '6.12.41+deb13-amd64\n');
  const install = ['apt-get install --yes linux-headers-6.12.41+deb13-amd64'];
  expect(await stopped()).toEqual([['kernel-mismatch', expect.stringContaining(`those of ${kernel} are, which do not fit`), install]]);
  put(`boot/vmlinuz-${kernel}`, '');
  expect(await stopped()).toEqual([['kernel-mismatch', expect.stringContaining('waits for a reboot'), install]]);
  put('proc/sys/kernel/osrelease', `${kernel}\n`);
  expect(await stopped()).toEqual([]);
  put(`lib/modules/${kernel}/build/include/config/kernel.release`, '6.12.9-amd64\n');
  expect(await stopped()).toEqual([
    ['kernel-mismatch', expect.stringContaining('are of another kernel, 6.12.9-amd64'), [expect.anything()]],
  ]);
});

test('headers that the archive no longer has: the newest kernel, and a reboot', async () => {
  complete();
  rmSync(join(root, 'lib'), { recursive: true });
  put('etc/apt/sources.list', '');
  expect(await stopped()).toEqual([
    ['headers-missing', expect.anything(), ['apt-get update', `apt-get install --yes linux-headers-${kernel}`]],
  ]);
  put('var/lib/apt/lists/mirror_dists_trixie_main_binary-amd64_Packages', '');
  program('apt-cache', 'exit 100');
  expect(await stopped()).toEqual([
    [
      'headers-superseded',
      expect.stringContaining(`no longer have linux-headers-${kernel}`),
      ['apt-get update', 'apt-get install --yes linux-image-amd64 linux-headers-amd64', 'reboot'],
    ],
  ]);
  program('apt-cache', 'for last; do :; done; echo "Package: $last"');
  expect(await stopped()).toEqual([['headers-missing', expect.anything(), [`apt-get install --yes linux-headers-${kernel}`]]]);
});

test('a SystemTap that is older than the kernel cannot compile; modules compiled elsewhere still run', async () => {
  complete();
  program('stap', "echo 'Systemtap translator/driver (version 4.8/0.188)' >&2; echo 'tested kernel versions: 2.6.32 ... 6.0' >&2");
  const why = `SystemTap 4.8 is too old for kernel ${kernel}: it was made for kernels up to 6.0`;
  expect(await ask()).toMatchObject({ can: false, why, findings: [{ id: 'systemtap-old', fix: [] }] });
  put(`elsewhere/${kernel}/0123/tapline_x.ko`, '');
  expect(await ask(0, [join(root, 'elsewhere')])).toMatchObject({
    can: true,
    findings: [{ level: 'limits', what: expect.stringContaining('compiled already') as string }],
  });
});

test('somebody who is neither root nor in the groups is told which groups, and to log in again where only that is missing', async () => {
  complete();
  expect(await stopped(1000)).toEqual([
    ['not-in-groups', expect.stringContaining('ann is not in stapusr and stapdev'), ['sudo usermod -aG stapusr,stapdev ann']],
  ]);
  put('etc/group', 'stapusr:x:4001:ann\nstapdev:x:4002:bob,ann\n');
  expect(await stopped(1000)).toEqual([['not-in-groups', expect.stringContaining('yet: log in again'), []]]);
});

test('root without CAP_SYS_MODULE, as in a container', async () => {
  complete();
  put('proc/self/status', 'Name:\tx\nCapEff:\t00000000a80425fb\n');
  put('.dockerenv', '');
  expect(await ask()).toMatchObject({
    can: false,
    findings: [{ id: 'no-capability' }, { id: 'container', level: 'limits', what: expect.stringContaining('docker') as string }],
  });
});
