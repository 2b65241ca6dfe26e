import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withRule } from '../src/cli/new/rule-file.ts';
import { program } from './lab/tapline.ts';
import { needs } from './needs.ts';

const shipped = readFileSync(join(import.meta.dirname, '../rules/tcp.yaml'), 'utf8');
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'tapline-new-'));
  writeFileSync(join(made, 'tapline.yaml'), 'rules: [rules/*.yaml]\nsinks:\n  out: {type: stdout}\n  mail: {type: stdout}\nto: [out]\n');
  return made;
};
const newRule = (cwd: string, ...words: string[]) =>
  new Promise<{ status: number; stdout: string; stderr: string }>((done) =>
    execFile(
      process.execPath,
      [program, 'new', 'rule', ...words],
      { cwd, env: { ...process.env, TAPLINE_CONFIG: '' } },
      (cause, stdout, stderr) => done({ status: typeof cause?.code === 'number' ? cause.code : cause === null ? 0 : -1, stdout, stderr }),
    ).stdin?.end(),
  );
const text = (result: ReturnType<typeof withRule>) => (result.ok ? result.value : result.problems[0]?.message);

test('a file is begun, and the next rule stands below it; what was written is what was asked', async () => {
  const cwd = folder();
  const first = await newRule(
    cwd,
    ...['--goal', 'tcp.retransmit', '--alert', 'PeerDown', '--where', 'state == "SYN_SENT"', '--by', 'daddr, dport'],
    ...['--threshold', '3 in 60s', '--severity', 'err', '--summary', '{{ daddr }} is down: "again"', '--to', 'mail'],
  );
  expect(first).toMatchObject({ status: 0, stderr: expect.not.stringContaining('error') as string });
  expect(first.stdout).toContain("tapline explain 'rules/own.yaml#PeerDown'");
  expect(first.stdout).toContain('watch             tapline run');
  expect((await newRule(cwd, '--goal', 'syscall.open', '--forward', 'opens')).status).toBe(0);
  expect(readFileSync(join(cwd, 'rules/own.yaml'), 'utf8')).toBe(`groups:
  - name: own
    rules:
      - alert: PeerDown
        goal: tcp.retransmit
        where: state == "SYN_SENT"
        by: [daddr, dport]
        threshold: { count: 3, within: 60s }
        labels: { severity: err }
        annotations:
          summary: '{{ daddr }} is down: "again"'
        to: [mail]

      - forward: opens
        goal: syscall.open
`);
}, 60_000);

test('what the loader would not take is not written: wrong condition, name taken, unknown sink, no threshold', async () => {
  const cwd = folder();
  const base = ['--goal', 'tcp.retransmit', '--alert', 'A'];
  for (const [more, code, status] of [
    [['--where', 'rto >= 3'], 'RULE_UNKNOWN_FIELD', 78],
    [['--to', 'nobody'], 'nobody', 78],
    [['--threshold', 'often'], 'is no threshold', 78],
    [['--forward', 'B'], 'not both', 2],
  ] as const) {
    const said = await newRule(cwd, ...base, ...more);
    expect([said.status, said.stderr]).toEqual([status, expect.stringContaining(code)]);
  }
  expect(() => readFileSync(join(cwd, 'rules/own.yaml'))).toThrow();
  await newRule(cwd, ...base);
  const before = readFileSync(join(cwd, 'rules/own.yaml'), 'utf8');
  const twice = await newRule(cwd, ...base, '--file', 'rules/other.yaml');
  expect([twice.status, twice.stderr]).toEqual([78, expect.stringContaining('RULE_DUPLICATE_NAME')]);
  expect(readFileSync(join(cwd, 'rules/own.yaml'), 'utf8')).toBe(before);
}, 120_000);

test('a file keeps every byte that stood in it: comments, blank lines, its own way of writing', () => {
  const added = text(withRule(shipped, { alert: 'X', goal: 'tcp.retransmit', by: ['daddr'] }, undefined)) ?? '';
  expect(added).toBe(`${shipped}\n      - alert: X\n        goal: tcp.retransmit\n        by: [daddr]\n`);
  const commented = 'groups:\n- name: a\n  rules:\n  -   alert: A # one\n      goal: g\n# about b\n- name: b\n  rules: []\n';
  expect(text(withRule(commented, { alert: 'X', goal: 'g' }, 'a'))).toBe(
    'groups:\n- name: a\n  rules:\n  -   alert: A # one\n      goal: g\n\n  - alert: X\n    goal: g\n# about b\n- name: b\n  rules: []\n',
  );
  const flow = text(withRule(commented, { alert: 'X', goal: 'g' }, 'b')) ?? '';
  for (const part of ['# one', '# about b', 'alert: X']) expect(flow).toContain(part);
  expect(text(withRule(commented, { alert: 'X', goal: 'g' }, 'c'))).toContain('- name: c\n  rules:\n    - alert: X\n');
});

test('what is no file of rules is left alone', () => {
  for (const wrong of ['- a\n', 'groups: 1\n', 'a: [\n', 'groups: [{name: a}]\n'])
    expect(withRule(wrong, { alert: 'X' }, undefined).ok).toBe(false);
});

test('without a terminal nobody is asked', async () => {
  const { status, stderr } = await newRule(folder(), '--goal', 'who opens files');
  expect([status, stderr]).toEqual([2, expect.stringContaining('standard input is no terminal')]);
}, 60_000);

test('on a terminal it asks for what is open, asks again where the loader objects, and writes the rule', async (context) => {
  needs(context, 'script');
  const cwd = folder();
  const command = `exec "${process.execPath}" "${program}" new rule`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd, env: { ...process.env, TAPLINE_CONFIG: '' } });
  let screen = '';
  // Each question with its answer; the next one is awaited before it is given.
  const talk: [string, string][] = [
    ['What should be watched?', 'zebra'],
    ['No goal fits', 'who opens files'],
    ['Which one? [1]', ''],
    ['Alert (fires, resolves)', ''],
    ['Its name? [OwnSyscallOpen]', 'Opens'],
    ['Which records?', 'pth == "x"'],
    ['did you mean "path"?', 'path == "/etc/shadow"'],
    ['for each what?', ''],
    ['How often before it fires?', '2 in 10s'],
    ['How grave?', ''],
    ['To which sinks? out, mail. [out]', 'mail'],
  ];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
    const [question, answer] = talk[0] ?? [];
    if (question === undefined || !screen.includes(question)) return;
    screen = screen.slice(screen.indexOf(question) + question.length);
    talk.shift();
    child.stdin.write(`${answer ?? ''}\r`);
  });
  const status = await new Promise((done) => child.once('exit', done));
  expect([status, talk], screen).toEqual([0, []]);
  expect(readFileSync(join(cwd, 'rules/own.yaml'), 'utf8')).toBe(`groups:
  - name: own
    rules:
      - alert: Opens
        goal: syscall.open
        where: path == "/etc/shadow"
        threshold: { count: 2, within: 10s }
        labels: { severity: warning }
        to: [mail]
`);
}, 60_000);

test('Ctrl-C at a question ends it, and nothing is written', async (context) => {
  needs(context, 'script');
  const cwd = folder();
  const child = spawn('script', ['-qefc', `exec "${process.execPath}" "${program}" new rule`, '/dev/null'], { cwd });
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const asked = screen.includes('Words of a symptom');
    screen += chunk;
    if (!asked && screen.includes('Words of a symptom')) child.stdin.write('\u0003');
  });
  expect(await new Promise((done) => child.once('exit', done)), screen).toBe(1);
  expect(screen).toContain('Nothing was written.');
  expect(() => readFileSync(join(cwd, 'rules/own.yaml'))).toThrow();
}, 60_000);
