import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { bytesOf } from '../src/goals/text.ts';
import { startBroker } from './lab/kafka.ts';
import { startRsyslog } from './lab/rsyslog.ts';
import { startSmtp } from './lab/smtp.ts';
import { startTapline, until, type Item } from './lab/tapline.ts';
import { needs } from './needs.ts';

/** 15 bytes are all that a process name gets (TASK_COMM_LEN is 16). */
const comm = '","rto_ms":1}\n{';
const path = '/tmp/x","rto_ms":1}\n{"goal":"fake"\x1b]0;owned\x07\x1b[2J\u202e';
const opener = `
  require('fs').writeFileSync('/proc/self/comm', ${JSON.stringify(comm)});
  process.stdin.once('data', () => { try { require('fs').openSync(${JSON.stringify(path)}) } catch {} process.exit(0) });
  process.stdout.write('up\\n');`;

test('a process that names itself like a record, and a path like a terminal command, reach every sink as that name and path', async (context) => {
  needs(context, 'root', 'bpftrace', 'rsyslogd', 'kafka', 'kcat');
  const child = spawn(process.execPath, ['-e', opener], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const [broker, rsyslog, smtp] = await Promise.all([startBroker(), startRsyslog(), startSmtp()]);
  context.onTestFinished(async () => {
    child.kill('SIGKILL');
    await Promise.allSettled([broker.stop(), rsyslog.stop(), smtp.stop()]);
  });
  await broker.topic('hostile');
  const tapline = await startTapline({
    sinks: `
  terminal: {type: stdout, format: text}
  mail: {type: email, smtp: "smtp://127.0.0.1:${smtp.port}", from: tapline@example.org, to: [ops@example.org], group_wait: 1s}
  collector: {type: syslog, address: "tcp://127.0.0.1:${rsyslog.tcp}"}
  events: {type: kafka, brokers: ["127.0.0.1:${broker.port}"], topic: hostile}`,
    to: 'out, terminal, mail, collector, events',
    rules: `
groups:
  - name: hostile
    rules:
      - alert: HostileOpen
        goal: syscall.open
        where: pid == ${child.pid ?? 0} && ret == -2 && path.contains("rto_ms")
        by: [comm, path]
        annotations: {summary: "{{ comm }} opened {{ path }}"}
      - forward: opens
        goal: syscall.open
        where: pid == ${child.pid ?? 0} && ret == -2 && path.contains("rto_ms")
        to: [out, terminal, collector, events]
`,
    args: ['--engine', 'bpftrace'],
  });
  try {
    await tapline.said('Ready');
    child.stdin.write('go\n');
    const items = await until(async () => {
      const all = await tapline.items();
      return all.length >= 2 ? all : undefined;
    });
    const record = items.find((item: Item) => item.kind === 'record');
    const alert = items.find((item: Item) => item.kind === 'alert');
    expect(items).toHaveLength(2);
    expect(record.record.fields).toMatchObject({ comm, path, path_cut: false, ret: -2 });
    expect(alert.labels).toMatchObject({ comm, path });
    expect(alert.key).toBe(JSON.stringify([comm, path]));

    const stored = await until(async () => {
      const all = await broker.read('hostile');
      return all.length >= 2 ? all : undefined;
    });
    expect(stored).toHaveLength(2);
    for (const { payload, headers } of stored) expect(JSON.parse(payload)).toEqual(items.find((item: Item) => item.id === headers['id']));

    const messages = await rsyslog.messages(2);
    expect(messages).toHaveLength(2);
    for (const message of messages) {
      expect(message.text).toContain('\\x1b]0;owned\\x07');
      expect(message.text).not.toMatch(/\p{Cc}/u);
    }

    const [received] = await smtp.mails(1);
    expect(received?.recipients).toEqual(['ops@example.org']);
    expect(received?.mail.subject).toContain('HostileOpen');
    expect(received?.mail.subject).not.toMatch(/\p{Cc}/u);
    expect(received?.mail.text).toContain('\\x1b]0;owned\\x07');
    expect(received?.mail.html).not.toContain('\x1b');

    await until(() => (tapline.stdout().includes('opened') && tapline.stdout().includes(' record ') ? true : undefined));
    expect(tapline.stdout().replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(tapline.stdout()).toContain('\\x1b]0;owned\\x07');
    expect(Buffer.from(bytesOf(record.record.fields.comm as string))).toEqual(Buffer.from(comm));
  } finally {
    await tapline.stop();
  }
}, 90_000);
