import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spawnInGroup } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { available, headersPackage, kernelRelease } from './available.ts';

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
const ask = (uid = 0, modulesDirs: readonly string[] = []) => {
  const places = { libModules: join(root, 'lib'), path: [join(root, 'bin')] };
  return available(host(uid), places, { kernel: kernelRelease(host()), cacheDir: join(root, 'cache'), modulesDirs });
};
const complete = () => {
  for (const name of ['staprun', 'gcc', 'make']) program(name);
  program('stap', "echo 'Systemtap translator/driver (version 5.6/0.196)' >&2; echo 'tested kernel versions: 3.10 ... 7.3.0-rc3' >&2");
  put(`lib/${kernel}/build/Makefile`, '');
};

test('with everything there it can', async () => {
  complete();
  expect(await ask()).toEqual({ can: true, summary: 'SystemTap 5.6 as root', limits: [] });
});

test('a kernel without modules, with modules switched off, locked down or wanting signatures: why, and no package that would not help', async () => {
  complete();
  rmSync(join(root, 'proc/modules'));
  expect(await ask()).toMatchObject({ can: false, why: expect.stringContaining('CONFIG_MODULES') as string, fix: [] });
  put('proc/modules', '');
  put('proc/sys/kernel/modules_disabled', '1\n');
  expect(await ask()).toMatchObject({ can: false, why: expect.stringContaining('switched off') as string, fix: ['sudo reboot'] });
  put('proc/sys/kernel/modules_disabled', '0\n');
  put('sys/kernel/security/lockdown', 'none [integrity] confidentiality\n');
  expect(await ask()).toMatchObject({ can: false, why: expect.stringContaining('integrity') as string, fix: [] });
  put('sys/kernel/security/lockdown', '[none] integrity confidentiality\n');
  put('sys/module/module/parameters/sig_enforce', 'Y\n');
  expect(await ask()).toMatchObject({ can: false, why: expect.stringContaining('signed') as string, fix: [] });
});

test('what is missing is named with the command that installs it, for Debian kernels only', async () => {
  const install = `sudo apt-get install -y systemtap linux-headers-${kernel}`;
  expect(await ask()).toMatchObject({ can: false, why: expect.stringContaining('not installed') as string, fix: [install] });
  complete();
  rmSync(join(root, 'lib'), { recursive: true });
  expect(await ask()).toMatchObject({ can: false, why: `the headers of the running kernel ${kernel} are not installed`, fix: [install] });
  put('proc/sys/kernel/osrelease', '6.18.44-own\n');
  expect(await ask()).toMatchObject({ can: false, why: expect.stringContaining('no Debian kernel') as string, fix: [] });
  put('proc/sys/kernel/osrelease', `${kernel}\n`);
  complete();
  rmSync(join(root, 'bin/gcc'));
  expect(await ask()).toMatchObject({ can: false, why: 'gcc is not installed', fix: [install] });
});

test('a SystemTap that is older than the kernel cannot compile; modules compiled elsewhere still run', async () => {
  complete();
  program('stap', "echo 'Systemtap translator/driver (version 4.8/0.188)' >&2; echo 'tested kernel versions: 2.6.32 ... 6.0' >&2");
  expect(await ask()).toMatchObject({
    can: false,
    why: `SystemTap 4.8 is too old for kernel ${kernel}: it was made for kernels up to 6.0`,
    fix: [],
  });
  put(`elsewhere/${kernel}/0123/tapline_x.ko`, '');
  expect(await ask(0, [join(root, 'elsewhere')])).toMatchObject({
    can: true,
    limits: [expect.stringContaining('compiled already') as string],
  });
});

test('somebody who is neither root nor in the groups is told which groups', async () => {
  complete();
  expect(await ask(1000)).toMatchObject({ can: false, why: expect.stringContaining('stapdev') as string });
});

test('packages of headers are named for the kernels that Debian has them for', () => {
  for (const release of [
    '6.1.0-35-amd64',
    '6.12.43+deb13-amd64',
    '6.12.43+deb13-cloud-amd64',
    '7.2.12+deb14-cloud-amd64',
    '6.12.9+bpo-amd64',
    '5.10.0-28-arm64',
  ])
    expect(headersPackage(release)).toBe(`linux-headers-${release}`);
  for (const release of ['6.18.44-fc-v669', '6.8.0-45-generic', '6.1.0-microsoft-standard-WSL2', '6.1.0'])
    expect(headersPackage(release)).toBeUndefined();
});
