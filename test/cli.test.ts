import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { program } from './lab/tapline.ts';

const root = join(import.meta.dirname, '..');

/** The built program; answers what it said and its exit status. */
const tapline = (...words: string[]) =>
  new Promise<{ status: number; stdout: string; stderr: string }>((done) =>
    execFile(
      process.execPath,
      [program, ...words],
      { cwd: root, env: { ...process.env, NO_COLOR: '1', TAPLINE_CONFIG: '', SMTP_PASSWORD: 'secret' } },
      (cause, stdout, stderr) => done({ status: typeof cause?.code === 'number' ? cause.code : cause === null ? 0 : -1, stdout, stderr }),
    ),
  );

describe('the command line', () => {
  test.each([[[]], [['run']], [['validate']], [['explain']], [['goals']], [['doctor']], [['replay']], [['sinks', 'test']]])(
    '%j --help shows an example',
    async (words) => {
      const { status, stdout } = await tapline(...words, '--help');
      expect(status).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}\$ (sudo |zcat .* \| )?tapline /);
    },
  );

  test('wrong usage is 2 and says what was meant', async () => {
    const { status, stderr } = await tapline('validat');
    expect(status).toBe(2);
    expect(stderr).toContain('Did you mean validate?');
  });

  test('a configuration that is not there is 78, told with its place', async () => {
    const { status, stderr } = await tapline('run', '--config', 'no/such.yaml');
    expect(status).toBe(78);
    expect(stderr).toMatch(/^no\/such\.yaml:1:1: error CONFIG_FILE_MISSING: /);
    expect(stderr).toContain('Nothing was started.');
  });

  test('the shipped configuration and every example are fine', async () => {
    for (const file of [
      'config/tapline.yaml',
      'config/examples/first-rule.yaml',
      'config/examples/email.yaml',
      'config/examples/own-script.yaml',
      'config/examples/kafka.yaml',
      'config/examples/syslog.yaml',
    ]) {
      const { status, stdout, stderr } = await tapline('validate', '--config', file);
      expect(`${stderr}${stdout}`, file).toMatch(/: fine\. \d+ rules? in \d+ files?, \d+ sinks?\.\n$/);
      expect(status).toBe(0);
    }
  });

  test('a mistake stands where it is: file, line, column, code, advice, the line itself; as JSON too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tapline-cli-'));
    const file = join(folder, 'tcp.yaml');
    writeFileSync(
      file,
      'groups:\n  - name: tcp\n    rules:\n      - alert: A\n        goal: tcp.retransmit\n        # rto is not its name\n        where: rto >= 800\n',
    );
    const { status, stderr } = await tapline('validate', file);
    expect(status).toBe(78);
    const [first, ...rest] = stderr.split('\n');
    expect(first).toBe(`${file}:7:16: error RULE_UNKNOWN_FIELD: tcp.retransmit has no field "rto"; did you mean "rto_ms"?`);
    expect(rest.join('\n')).toContain('where: rto >= 800');
    expect(rest.join('\n')).toMatch(/\^\^\^/);
    const json = JSON.parse((await tapline('validate', file, '--json')).stdout) as {
      valid: boolean;
      diagnostics: { code: string; range: { start: { line: number; column: number } } }[];
    };
    expect(json.valid).toBe(false);
    expect(json.diagnostics[0]).toMatchObject({ code: 'RULE_UNKNOWN_FIELD', range: { start: { line: 7, column: 16 } } });
  });

  test.each([
    ['retransmit', 'tcp.retransmit'],
    ['timeout grew', 'tcp.rto_change'],
    ['which file', 'syscall.open'],
    ['who opens this file', 'syscall.open'],
  ])('goals "%s" begins with %s', async (words, id) => {
    const { status, stdout } = await tapline('goals', words);
    expect(status).toBe(0);
    expect(stdout.split(/\s/)[0]).toBe(id);
  });

  test('goals GOAL shows fields, units, cost and engines', async () => {
    const { stdout } = await tapline('goals', 'tcp.retransmit');
    for (const part of ['rto_ms', ' ms ', 'Cost', 'Engines', 'procfs', 'sampled', 'bpftrace', 'every event'])
      expect(stdout).toContain(part);
  });

  test('explain says in words what a rule does: event, why that one, cost, kernel and stream, state, when, where; --source prints the module', async () => {
    const { status, stdout } = await tapline('explain', 'rules/tcp.yaml', '--engine', 'bpftrace', '--source');
    expect(status).toBe(0);
    expect(stdout).toContain('tracepoint:tcp:tcp_retransmit_skb');
    expect(stdout).toMatch(/in the kernel\s+state == "ESTABLISHED" && rto_ms >= 800/);
    expect(stdout).toMatch(/in the stream\s+.*rto_ms - rto_was_ms >= 100/);
    const one = await tapline('explain', 'RetransmitTimeoutGrew', '--engine', 'bpftrace');
    for (const part of [
      /^tcp\.rto_change: /,
      /^ {2}event +tracepoints (\S+\s+)*tcp:tcp_retransmit_skb/m,
      /^ {2}why that +The timeout is looked at where it matters/m,
      /^ {2}cost +One map look-up a retransmission/m,
      /^ {2}module +tapline_tcp_rto_change_[0-9a-f]{12}$/m,
      /^RetransmitTimeoutGrew {2}alert, warning {2}\(rules\/tcp\.yaml:17\)$/m,
      /^ {2}in words +tells terminal, records when this is so, once for each daddr, dport: /m,
      /^ {2}remembers +condition: the last event of each daddr, dport; at most 100,000/m,
      /^ {2}tells +fires at once; resolved when it was not so for 5m$/m,
      /^ {2}to +terminal \(stdout\): each alert, firing and resolved at once$/m,
    ])
      expect(one.stdout).toMatch(part);
    expect(one.stdout).not.toContain('printf');
    const off = await tapline('explain', 'rules/cpu.yaml');
    expect([off.status, off.stdout.match(/^ {2}switched off +enabled: false; what follows is what it would do$/gm)?.length]).toEqual([
      0, 3,
    ]);
    const near = await tapline('explain', 'RetransmitTimeoutGrow');
    expect([near.status, near.stderr]).toEqual([2, expect.stringContaining('Did you mean RetransmitTimeoutGrew?')]);
    const json = JSON.parse(
      (await tapline('explain', 'config/examples/email.rules.yaml', '-c', 'config/examples/email.yaml', '--engine', 'systemtap', '--json'))
        .stdout,
    ) as {
      events: string[];
      explained: { to: string[] }[];
    }[];
    expect(json[0]?.events).toContain('tracepoint tcp:tcp_retransmit_skb');
    expect(json[0]?.explained[0]?.to.join(' ')).toMatch(/\(email\): the first mail 10s after its first alert, then at most one in /);
  });

  test('doctor says of each engine whether it can, and exits 0 where one does', async () => {
    const { status, stdout } = await tapline('doctor');
    expect(status).toBe(0);
    for (const engine of ['systemtap', 'bpftrace', 'procfs'])
      expect(stdout).toMatch(new RegExp(`^  ${engine}\\s+(works|works, limited|cannot)\\s+\\S`, 'm'));
    const json = JSON.parse((await tapline('doctor', '--json')).stdout) as { engines: Record<string, { can: boolean }> };
    expect(json.engines['procfs']?.can).toBe(true);
  });

  test('sinks test sends one message that says it is a test', async () => {
    const { status, stdout, stderr } = await tapline('sinks', 'test', 'terminal');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'alert', alertname: 'TaplineTest' });
    expect(stderr).toContain('terminal: sent');
    const wrong = await tapline('sinks', 'test', 'terminl');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('did you mean "terminal"?');
  });
});
