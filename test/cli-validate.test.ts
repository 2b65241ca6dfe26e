import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import type { CliContext } from '../src/cli/context.ts';
import { main } from '../src/cli/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapline-validate-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes the files into a folder of their own and validates its tapline.yaml there. */
async function validate(files: Readonly<Record<string, string>>, ...words: string[]) {
  const cwd = mkdtempSync(join(folder, 'case-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(cwd, name, '..'), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
  const text = { stdout: '', stderr: '' };
  const stream = (key: 'stdout' | 'stderr') => new PassThrough().on('data', (chunk: Buffer) => (text[key] += chunk.toString('utf8')));
  const context = { stdout: stream('stdout'), stderr: stream('stderr'), env: {}, cwd } as unknown as CliContext;
  return { status: await main(['validate', ...words], context), ...text };
}
const config = (more = '') => `rules: [rules/*.yaml]\nsinks:\n  terminal: { type: stdout }\n${more}`;
const rules = (...each: string[]) => `groups:\n  - name: g\n    rules:\n${each.map((rule) => `      - { ${rule} }\n`).join('')}`;
const firstLines = (stderr: string) => stderr.split('\n').filter((line) => /^\S+:\d+:\d+: (error|warning) /.test(line));

test('mistakes of the configuration and of all rule files are told in one go, in the order of the files', async () => {
  const { status, stderr } = await validate({
    'tapline.yaml': config('  ops: { type: emial }\npol: 1s\n'),
    'rules/a.yaml': rules('alert: A, goal: tcp.retransmit, where: rto > 1', 'alert: B, goal: tcp.retransmit, to: [opps]'),
    'rules/b.yaml': rules('alert: A, goal: tcp.retransmit'),
  });
  expect(status).toBe(78);
  expect(firstLines(stderr).map((line) => line.replace(/: .*$/, '').concat(' ', /(error|warning) (\w+)/.exec(line)?.[2] ?? ''))).toEqual([
    'tapline.yaml:4:16 CONFIG_UNKNOWN_SINK_TYPE',
    'tapline.yaml:5:1 CONFIG_UNKNOWN_KEY',
    'rules/a.yaml:4:50 RULE_UNKNOWN_FIELD',
    'rules/a.yaml:5:48 RULE_UNKNOWN_SINK',
    'rules/b.yaml:4:18 RULE_DUPLICATE_NAME',
  ]);
  expect(stderr).toContain('There is a rule "A" already, at ');
  expect(stderr).toMatch(/\n5 errors\. Nothing was started\.\n$/);
});

test('the first line, the source line, the caret below the place, the hint', async () => {
  const { stderr } = await validate({
    'tapline.yaml': config(),
    'rules/tcp.yaml': rules('alert: 한글, goal: tcp.retransmit, where: rto >= 800'),
  });
  expect(stderr.split('\n')).toEqual([
    'rules/tcp.yaml:4:51: error RULE_UNKNOWN_FIELD: tcp.retransmit has no field "rto"; did you mean "rto_ms"?',
    '  4 |       - { alert: 한글, goal: tcp.retransmit, where: rto >= 800 }',
    `    | ${' '.repeat(52)}^^^`,
    '  hint: Fields: host, netns, saddr, sport, daddr, dport, state, kind, rto_ms, backoff, segs, err, pid, comm.',
    '1 error. Nothing was started.',
    '',
  ]);
});

test('a warning is told, and is no failure', async () => {
  const rule = 'alert: A, goal: tcp.retransmit, by: [daddr], dedupe: 1m, threshold: { count: 5, within: 1m }';
  const { status, stdout, stderr } = await validate({ 'tapline.yaml': config(), 'rules/a.yaml': rules(rule) });
  expect(firstLines(stderr)).toEqual([expect.stringMatching(/^rules\/a\.yaml:4:88: warning RULE_NEVER_FIRES: .*except on procfs/)]);
  expect(status).toBe(0);
  expect(stdout).toBe('tapline.yaml: fine. 1 rule in 1 file, 1 sink.\n');
});

test('files on the command line stand in for those of the configuration', async () => {
  const files = { 'tapline.yaml': config(), 'rules/bad.yaml': 'groups: 5\n', 'mine.yaml': rules('alert: A, goal: tcp.retransmit') };
  expect((await validate(files)).status).toBe(78);
  expect(await validate(files, 'mine.yaml')).toMatchObject({ status: 0, stderr: '' });
});

test('what a hostile file holds is shown, not acted on', async () => {
  const { stderr } = await validate({
    'tapline.yaml': config(),
    'rules/a.yaml': rules('alert: A, goal: "tcp\\e[31m\\u202e"', 'alert: B, goal: tcp.retransmit, "\u202e\u200b": 1'),
  });
  expect(stderr).toContain('There is no goal "tcp\\x1b[31m\\u{202e}"');
  expect(stderr).toContain('There is no key "\\u{202e}\\u{200b}"');
  expect(stderr).not.toMatch(/[\u001b\u202e\u200b]/);
});

test('2000 rules are read and checked', async () => {
  const many = Array.from(
    { length: 2000 },
    (_, i) =>
      `alert: Rule${i}, goal: tcp.retransmit, where: 'rto_ms > ${i} && daddr in ["192.0.2.1", "2001:db8::${i % 10}"]', by: [daddr, dport], dedupe: 10s, threshold: { count: 2, within: 1m }, annotations: { summary: "{{ daddr }} {{ rto_ms }}" }`,
  );
  const begin = performance.now();
  const fine = await validate({ 'tapline.yaml': config(), 'rules/many.yaml': rules(...many) });
  const fineMs = performance.now() - begin;
  expect(fine).toMatchObject({ status: 0, stdout: 'tapline.yaml: fine. 2000 rules in 1 file, 1 sink.\n' });
  const broken = await validate(
    { 'tapline.yaml': config(), 'rules/many.yaml': rules(...many.map((rule) => rule.replace('rto_ms', 'rto'))) },
    '--format',
    'short',
  );
  expect(firstLines(broken.stderr)).toHaveLength(2000);
  process.stdout.write(`2000 rules: ${fineMs.toFixed(0)} ms; with 2000 mistakes ${(performance.now() - begin - fineMs).toFixed(0)} ms\n`);
});
