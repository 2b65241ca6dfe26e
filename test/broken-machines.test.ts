import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from './lab/tapline.ts';
import { lacking, needs } from './needs.ts';

/** Machines that are broken for real, what the doctor says of each, and its own commands run on it: afterwards it works. */

const checkout = join(import.meta.dirname, '..');
interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}
const run = (command: string, ...words: string[]) =>
  new Promise<Said>((done) =>
    execFile(command, words, { cwd: checkout, env: { ...process.env, TAPLINE_CONFIG: '' } }, (cause, stdout, stderr) =>
      done({ status: typeof cause?.code === 'number' ? cause.code : cause === null ? 0 : -1, stdout, stderr }),
    ),
  );
const doctor = `"${process.execPath}" "${program}" doctor`;
/** The part of a page about engines, and the command lines that it shows, in order. */
const engines = (page: string) => page.slice(page.lastIndexOf('\nEngines\n'), page.lastIndexOf('\nGoals\n'));
const commands = (page: string) => [...engines(page).matchAll(/^ +\$ (.*)$/gm)].map((match) => match[1]);
const plain = (page: string) => engines(page).replace(/\s+/g, ' ');

test('somebody who is not root: told so; as root the same machine works', async (context) => {
  needs(context, 'root', 'bpftrace', 'setpriv', 'tracefs');
  // Seen at /mnt: the checkout may lie where only root can look.
  const nobody = [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    process.execPath,
    '/mnt/dist/main.js',
    'doctor',
    'bpftrace',
  ];
  const said = await run('unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /mnt && exec "$@"', checkout, ...nobody);
  expect(said.stdout).toMatch(/^ {2}bpftrace +cannot +bpftrace runs as root only\n +\$ sudo npm start$/m);
  expect(said.status).toBe(69);
  const procfs = await run('unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /mnt && exec "$@"', checkout, ...nobody.slice(0, -1));
  expect(procfs.stdout).toMatch(/^ {2}procfs +works/m);
  expect(procfs.stdout).toMatch(/^ {2}tcp\.retransmit.* procfs, polls, because /m);
  expect(procfs.status).toBe(0);
  const root = await run('sh', '-c', `${doctor} bpftrace`);
  expect(root.stdout).toMatch(/^ {2}bpftrace +works/m);
  expect(root.status).toBe(0);
}, 120_000);

test('tracefs is not mounted: told so, --fix mounts it', async (context) => {
  needs(context, 'root', 'bpftrace', 'tracefs');
  // In a mount namespace of the test's own; `false |`: standard input is no terminal.
  const script = `umount -R /sys/kernel/tracing 2>/dev/null; umount /sys/kernel/debug/tracing 2>/dev/null; umount /sys/kernel/debug 2>/dev/null
    ${doctor} bpftrace; false | ${doctor} bpftrace --fix; ${doctor} bpftrace --fix --yes`;
  const { stdout, stderr, status } = await run('unshare', '--mount', '--propagation', 'private', 'sh', '-c', script);
  const pages = stdout.split(/^(?=\S.*, kernel )/m);
  expect(pages).toHaveLength(3);
  for (const page of pages.slice(0, 2)) {
    expect(page).toMatch(/^ {2}bpftrace +cannot +tracefs is not mounted, so tracepoints cannot be found$/m);
    expect(commands(page)).toEqual(['mount -t tracefs tracefs /sys/kernel/tracing']);
  }
  expect(stderr).toContain('nobody can be asked; --yes runs them without asking');
  expect(stderr).toContain('\n$ mount -t tracefs tracefs /sys/kernel/tracing\n');
  expect(pages[2]).toMatch(/^ {2}bpftrace +works/m);
  expect(status).toBe(0);
}, 120_000);

describe("on the lab's machine", () => {
  const lab = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tapline/lab');
  const missing = lacking('root', 'lab');
  const kernel = missing === undefined ? readFileSync(join(lab, 'kernel'), 'utf8').trim() : '';
  let state = '';
  beforeAll(() => {
    state = mkdtempSync(join(tmpdir(), 'tapline-machine-'));
    writeFileSync(join(state, 'release'), `${kernel}\n`);
  });
  afterAll(() => rmSync(state, { recursive: true, force: true }));

  const machine = (script: string) => run(join(checkout, 'test/lab/vm/machine.sh'), lab, state, checkout, 'bash', '-c', script);
  const inDoctor = 'node /work/dist/main.js doctor systemtap --no-try';
  const works = /^ {2}systemtap +works +SystemTap [\d.]+ as root$/m;

  test('whole, it works', async (context) => {
    needs(context, 'root', 'lab');
    expect((await machine(inDoctor)).stdout).toMatch(works);
  }, 120_000);

  test('SystemTap is not installed: told so, --fix installs it', async (context) => {
    needs(context, 'root', 'lab');
    const { stdout } = await machine(`dpkg --remove --force-depends systemtap systemtap-runtime >/dev/null; ${inDoctor}`);
    expect(stdout).toMatch(/^ {2}systemtap +cannot +SystemTap is not installed \(no staprun\)$/m);
    expect(commands(stdout).at(-1)).toBe('apt-get install --yes systemtap');
    const mended = await machine(`${inDoctor} --fix --yes`);
    expect(mended.stderr).toContain('\n$ apt-get install --yes systemtap\n');
    expect(mended.stdout, mended.stderr).toMatch(works);
  }, 300_000);

  test('the headers are not installed: told which, --fix installs them, and a module compiles', async (context) => {
    needs(context, 'root', 'lab');
    const { stdout } = await machine(`dpkg --remove --force-depends linux-headers-${kernel} >/dev/null; ${inDoctor}`);
    expect(plain(stdout)).toContain(` the headers of the running kernel ${kernel} are not installed `);
    expect(commands(stdout).at(-1)).toBe(`apt-get install --yes linux-headers-${kernel}`);
    const mended = await machine(`${inDoctor} --fix --yes`);
    expect(mended.stdout, mended.stderr).toMatch(works);
    const compiled = await machine(`cd /tmp && stap -p4 -r ${kernel} -m hello -e 'probe oneshot { println("x") }' && ls hello.ko`);
    expect(compiled.stdout, compiled.stderr).toContain('hello.ko');
  }, 400_000);

  test('the headers are of another kernel: told which, --fix puts the right ones back', async (context) => {
    needs(context, 'root', 'lab');
    const { stdout } = await machine(
      `cd /usr/src && cp -a linux-headers-${kernel} other && echo 7.2.11-other >other/include/config/kernel.release &&
       ln -sfn ../../../src/other /usr/lib/modules/${kernel}/build && ${inDoctor}`,
    );
    expect(plain(stdout)).toContain(`/lib/modules/${kernel}/build are of another kernel, 7.2.11-other;`);
    expect(commands(stdout).at(-1)).toBe(`apt-get install --reinstall --yes linux-headers-${kernel}`);
    const mended = await machine(`${inDoctor} --fix --yes; readlink /usr/lib/modules/${kernel}/build`);
    expect(mended.stdout, mended.stderr).toMatch(works);
    expect(mended.stdout).toMatch(new RegExp(`linux-headers-${kernel.replaceAll('+', '\\+')}\n$`));
  }, 300_000);

  test('a newer kernel waits for a reboot: told so, and the reboot is left to the person; after it all is well', async (context) => {
    needs(context, 'root', 'lab');
    writeFileSync(join(state, 'release'), '7.2.3+deb14-cloud-amd64\n');
    const { stdout } = await machine(`apt-get update -qq; ${inDoctor} --fix --yes; ${inDoctor}`);
    expect(plain(stdout)).toContain(`the headers that are there are of ${kernel}, which is installed and waits for a reboot`);
    expect(commands(stdout).at(-1)).toBe('reboot');
    writeFileSync(join(state, 'release'), `${kernel}\n`);
    expect((await machine(inDoctor)).stdout).toMatch(works);
  }, 300_000);

  test("this machine's own kernel, in there: no package has its headers, and none is named", async (context) => {
    needs(context, 'root', 'lab');
    const own = execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim();
    writeFileSync(join(state, 'release'), `${own}-own\n`);
    const { stdout } = await machine(inDoctor);
    expect(plain(stdout)).toMatch(/it is no kernel of Debian [^,]*, so no package has them/);
    expect(commands(stdout)).toEqual([]);
    writeFileSync(join(state, 'release'), `${kernel}\n`);
  }, 120_000);
});
