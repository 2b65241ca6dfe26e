import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startBroker } from './lab/kafka.ts';
import { startSmtp } from './lab/smtp.ts';
import { program, until } from './lab/tapline.ts';
import { needs } from './needs.ts';

const root = join(import.meta.dirname, '..');
const example = (name: string) => join(root, 'config/examples', name);
const recording = (goal: string) => join(root, 'scripts-stp', goal, 'example.jsonl');
const run = promisify(execFile);
const replay = (goal: string, config: string, env: Record<string, string>) =>
  run(process.execPath, [program, 'replay', recording(goal), '--config', example(config)], { cwd: root, env: { ...process.env, ...env } });

/** Of the demonstration: bpftrace sees the networks of other tests, too. */
const firstAlert = (out: string) =>
  out.split('\n').find((each) => each.includes('"kind":"alert"') && each.includes('"daddr":"127.0.0.1"') && each.endsWith('}'));

test('from nothing to a first alert: config/examples/first-rule.yaml with --demo, on whatever this machine can run', async () => {
  const child = spawn(process.execPath, [program, 'run', '--demo', '--config', example('first-rule.yaml')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TAPLINE_RUN_DIR: mkdtempSync(join(tmpdir(), 'tapline-use-')) },
  });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
  const line = await until(() => firstAlert(text.out));
  child.kill('SIGINT');
  const [status] = (await once(child, 'exit')) as [number];
  expect(JSON.parse(line)).toMatchObject({ alertname: 'NobodyAnswers', state: 'firing', labels: { daddr: '127.0.0.1' } });
  expect(text.err).toContain('connections to a listener that never answers were opened');
  expect(text.err).not.toContain('Does not add up');
  expect(status).toBe(0);
}, 60_000);

test(
  "a script of one's own: config/examples/own-script.yaml, an alert when this test opens the file",
  { timeout: 60_000 },
  async (context) => {
    needs(context, 'root', 'bpftrace');
    const child = spawn(process.execPath, [program, 'run', '--config', example('own-script.yaml')], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TAPLINE_RUN_DIR: mkdtempSync(join(tmpdir(), 'tapline-use-')) },
    });
    const text = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
    await until(() => (text.err.includes('Ready') ? true : undefined));
    await run('head', ['-c0', '/etc/shadow']);
    const line = await until(() => text.out.split('\n').find((each) => each.includes('"labels":{"comm":"head"') && each.endsWith('}')));
    child.kill('SIGINT');
    const [status] = (await once(child, 'exit')) as [number];
    expect(JSON.parse(line)).toMatchObject({ kind: 'alert', alertname: 'PasswordFileRead', state: 'firing', labels: { comm: 'head' } });
    expect(text.err).not.toContain('Does not add up');
    expect(status).toBe(0);
  },
);

test('retransmission alerts by e-mail: config/examples/email.yaml over a real recording', async () => {
  const smtp = await startSmtp();
  try {
    await replay('tcp.rto_change', 'email.yaml', { SMTP_URL: `smtp://127.0.0.1:${smtp.port}` });
    const [received] = await smtp.mails(1);
    expect(received?.recipients).toEqual(['ops@example.org']);
    // The recording has two connections, IPv4 and IPv6, that lose their path: one mail tells both.
    expect(received?.mail.subject).toMatch(/^\[2 alerts, 2 firing\] Tapline oncall digest /);
    expect(received?.mail.text).toMatch(/RetransmitTimeoutGrew +2 firing/);
    expect(received?.mail.text).toContain('198.18.0.6:5001');
    expect(received?.mail.text).toContain('[2001:db8:b::2]:5001');
    expect(received?.mail.text).toMatch(/\d+ ms/);
  } finally {
    await smtp.stop();
  }
}, 30_000);

test('every trace event into Kafka: config/examples/kafka.yaml, and the consumer shows resends per destination', async (context) => {
  needs(context, 'kafka');
  const broker = await startBroker();
  try {
    await broker.topic('tapline.records', 2);
    await replay('tcp.retransmit', 'kafka.yaml', { KAFKA_BROKER: `127.0.0.1:${broker.port}` });
    const { stdout } = await run(process.execPath, [example('kafka-consumer.mjs'), '--once', `127.0.0.1:${broker.port}`], { cwd: root });
    expect(stdout).toMatch(/^destination +resends +segments +worst RTO +hosts\n/);
    expect(stdout).toMatch(/^198\.18\.0\.6:5001 +\d+ +\d+ +\d+ ms {2}\S+$/m);
  } finally {
    await broker.stop();
  }
}, 90_000);
