import { describe, expect, test } from 'vitest';
import { fixPlan, runFixes } from '../src/cli/doctor/fix.ts';
import type { CliContext } from '../src/cli/context.ts';
import { judge as judgeBpftrace } from '../src/engine/bpftrace/available.ts';
import { liveEngines } from '../src/engine/index.ts';
import { unavailable } from '../src/engine/engine.ts';
import { parseOsRelease } from '../src/engine/machine/distribution.ts';
import type { MachineFacts } from '../src/engine/machine/facts.ts';
import { asRoot, commandText, reboot, stops, type Finding } from '../src/engine/machine/finding.ts';
import { debuginfoFinding } from '../src/engine/machine/judge.ts';
import { judge as judgeSystemtap } from '../src/engine/systemtap/available.ts';
import { recorded } from './doctor/distributions.ts';

/** A whole machine on which nothing is installed yet. */
const machine = (osRelease: string, kernel: string, arch = 'x86_64', more: Partial<MachineFacts> = {}): MachineFacts => ({
  distribution: parseOsRelease(osRelease),
  kernel,
  arch,
  user: { uid: 0, name: 'root', groups: [], listed: [] },
  capabilities: undefined,
  modules: 'can',
  signedOnly: false,
  lockdown: undefined,
  secureBoot: undefined,
  container: undefined,
  tracefs: 'there',
  btf: true,
  headers: { there: false, of: undefined, others: [], bootable: [kernel] },
  debuginfo: undefined,
  debuginfod: false,
  programs: new Map(),
  memlock: undefined,
  unprivilegedBpfDisabled: undefined,
  perfEventParanoid: undefined,
  config: undefined,
  packageLists: true,
  packages: new Map(),
  ...more,
});
const none = { version: undefined, newestKernel: undefined, compiled: false };
const commands = (findings: readonly (Finding | undefined)[], id: string) =>
  findings
    .find((finding) => finding?.id === id)
    ?.fix.map((fix) => commandText(fix, 0))
    .join('; ');

describe.each(recorded)('$name ($kernel)', ({ osRelease, kernel, arch, headers, debuginfo, bpftrace }) => {
  test('names the headers, the debug information and the programs as this distribution does', () => {
    const facts = machine(osRelease, kernel, arch);
    const findings = judgeSystemtap(facts, none);
    expect(commands(findings, 'headers-missing')).toBe(headers);
    expect(commands(findings, 'systemtap-missing')).toBe(bpftrace.replace('bpftrace', 'systemtap'));
    expect(commands(judgeBpftrace(facts, undefined), 'bpftrace-missing')).toBe(bpftrace);
    expect(commands([debuginfoFinding(facts)], 'debuginfo-missing')).toBe(debuginfo);
  });

  test('the headers of an older kernel of its own are a mismatch, with the same command', () => {
    const facts = machine(osRelease, kernel, arch, { headers: { there: false, of: undefined, others: ['1.2.3'], bootable: [kernel] } });
    expect(commands(judgeSystemtap(facts, none), 'kernel-mismatch')).toBe(headers);
  });

  test("a kernel that is somebody's own, and that of another distribution in a container: no package is named", () => {
    for (const foreign of ['6.18.44-fc-v782', '6.6.87.2-microsoft-standard-WSL2', '6.1.0', ...others(kernel)]) {
      const facts = machine(osRelease, foreign, arch, { container: 'docker' });
      const finding = judgeSystemtap(facts, none).find(({ id }) => id === 'headers-unpackaged');
      expect(finding, foreign).toMatchObject({ fix: [], what: expect.stringContaining('no package has them') as string });
      expect(debuginfoFinding(facts), foreign).toMatchObject({ id: 'debuginfo-unpackaged', fix: [] });
    }
  });
});

/** Kernels of the other families among those recorded. */
function others(kernel: string): string[] {
  const kind = (release: string) => /amzn|\.el\d|\.fc\d|-default$|amd64$/.exec(release)?.[0].replace(/\d+$/, '') ?? 'ubuntu';
  return recorded.map((each) => each.kernel).filter((each) => kind(each) !== kind(kernel));
}

test('a distribution that is not in the table: everything is said, no command is made up', () => {
  const facts = machine('ID=arch\nPRETTY_NAME="Arch Linux"\n', '6.15.2-arch1-1');
  for (const { fix } of [...judgeSystemtap(facts, none), ...judgeBpftrace(facts, undefined)]) expect(fix).toEqual([]);
});

test('os-release: quotes of both kinds, comments, derivatives by ID_LIKE', () => {
  expect(parseOsRelease('NAME=\'Linux Mint\'\n#ID=x\nID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID=22\n')).toEqual({
    family: 'ubuntu',
    id: 'linuxmint',
    version: '22',
    name: 'Linux Mint',
  });
  expect(parseOsRelease('').family).toBeUndefined();
});

test('debuginfod, where it is set up and has kernels, needs no package; an empty package list is read first', () => {
  const fedora = recorded.find(({ name }) => name === 'Fedora 41');
  const debian = recorded.find(({ name }) => name === 'Debian 12');
  expect(debuginfoFinding(machine(fedora?.osRelease ?? '', fedora?.kernel ?? '', 'x86_64', { debuginfod: true }))).toBeUndefined();
  expect(debuginfoFinding(machine(debian?.osRelease ?? '', debian?.kernel ?? '', 'x86_64', { debuginfod: true }))).toBeDefined();
  const fresh = machine(debian?.osRelease ?? '', debian?.kernel ?? '', 'x86_64', { packageLists: false });
  expect(commands(judgeBpftrace(fresh, undefined), 'bpftrace-missing')).toBe('apt-get update; apt-get install --yes bpftrace');
});

describe('--fix', () => {
  const [engine] = liveEngines(200);
  const told: string[] = [];
  const context = { stderr: { write: (text: string) => told.push(text) } } as unknown as CliContext;
  const examined = (...findings: Finding[]) => ({ engines: engine === undefined ? [] : [{ engine, availability: unavailable(findings) }] });

  test('each command once, in order; what ends other work, or is no mending, is left to the person', () => {
    const install = asRoot('apt-get', 'install', '--yes', 'x');
    const plan = fixPlan(
      examined(stops('a', 'a', [install]), stops('b', 'b', [install, reboot]), stops('c', 'c', [asRoot('npm', 'start')])),
    );
    expect(plan).toEqual({ run: [install], left: [reboot, asRoot('npm', 'start')] });
  });

  test('without a terminal and without --yes nothing is run; a failed command holds up what comes after it', async () => {
    const touch = { argv: ['touch', '/nonexistent/tapline'], root: false };
    const plan = { run: [touch, { argv: ['false'], root: false }], left: [] };
    expect(await runFixes(context, plan, 0, false)).toBe(false);
    expect(told.join('')).toContain('--yes runs them without asking');
    told.length = 0;
    expect(await runFixes(context, plan, 0, true)).toBe(false);
    expect(told.join('')).toMatch(/\$ touch \/nonexistent\/tapline\nIt failed \(exit status 1\); what comes after it was not run\.\n$/);
    expect(told.join('').match(/\$ false/g)).toHaveLength(1);
  });

  test('a word with a meaning to a shell is quoted where it is shown, and is only a word where it is run', () => {
    expect(commandText(asRoot('dnf', '--enablerepo=*debug*', "it's"), 1000)).toBe(`sudo dnf '--enablerepo=*debug*' 'it'\\''s'`);
  });
});
