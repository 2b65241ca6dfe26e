import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { startBroker, type Broker } from './lab/kafka.ts';
import { addresses, makeNetLab, type NetLab } from './lab/netns.ts';
import { startRsyslog, type Rsyslog } from './lab/rsyslog.ts';
import { startSmtp, type SmtpReceiver } from './lab/smtp.ts';
import { startTapline, until, type Item, type RunningTapline } from './lab/tapline.ts';
import { lacking, needs } from './needs.ts';

const wants = ['root', 'bpftrace', 'netns', 'nstat', 'rsyslogd', 'devLog', 'kafka', 'kcat'] as const;
const rules = (netns: number) => `
groups:
  - name: e2e
    rules:
      - alert: RtoGrew
        goal: tcp.rto_change
        where: netns == ${netns} && rto_ms >= 400 && rto_ms - rto_was_ms >= 100
        by: [saddr, daddr, dport]
        labels: {severity: critical, team: network}
        annotations:
          summary: "{{ saddr }} -> {{ daddr }} RTO {{ rto_was_ms }} -> {{ rto_ms }} ms"
        to: [out, mail, collector, local, events]
      - forward: changes
        goal: tcp.rto_change
        where: netns == ${netns}
        to: [out, events]
`;

/** YAML rule -> bpftrace module -> RxJS stream -> rsyslogd (network and /dev/log), Kafka, SMTP; each receiver is a real one, and not ours. */
describe('the main job, end to end', () => {
  let lab: NetLab;
  let broker: Broker;
  let rsyslog: Rsyslog;
  let smtp: SmtpReceiver;
  let tapline: RunningTapline;
  let items: readonly Item[] = [];
  const there = lacking(...wants) === undefined;

  beforeAll(async () => {
    if (!there) return;
    lab = makeNetLab();
    [broker, rsyslog, smtp] = await Promise.all([startBroker(), startRsyslog({ devLog: true }), startSmtp()]);
    await broker.topic('tapline.e2e', 2);
    tapline = await startTapline({
      sinks: `
  mail: {type: email, smtp: "smtp://127.0.0.1:${smtp.port}", from: tapline@example.org, to: [ops@example.org], group_wait: 1s, digest: 1m}
  collector: {type: syslog, address: "tcp://127.0.0.1:${rsyslog.tcp}"}
  local: {type: syslog, address: "unix:/dev/log", facility: local3}
  events: {type: kafka, brokers: ["127.0.0.1:${broker.port}"], topic: tapline.e2e}`,
      rules: rules(lab.netns),
      args: ['--engine', 'bpftrace'],
    });
    await tapline.said('Ready');
    const server = await lab.peer(lab.b);
    await server.listen(5001);
    const client = await lab.peer(lab.a);
    await client.connect(addresses.b.v4, 5001);
    await client.connect(addresses.b.v6, 5001);
    await client.send(10);
    lab.cut();
    await client.send(1000);
    const steps = (family: 'v4' | 'v6', all: readonly Item[]) =>
      all.filter(
        (item: Item) => item.kind === 'record' && item.record.fields.daddr === addresses.b[family] && item.record.fields.rto_ms >= 800,
      );
    items = await until(async () => {
      const all = await tapline.items();
      return steps('v4', all).length > 0 && steps('v6', all).length > 0 ? all : undefined;
    });
    lab.restore();
    await smtp.mails(1);
    items = await tapline.items();
  }, 120_000);

  afterAll(async () => {
    if (!there) return;
    await Promise.allSettled([broker?.stop(), rsyslog?.stop(), smtp?.stop()]);
    lab?.close();
  }, 60_000);

  const alerts = () => items.filter((item: Item) => item.kind === 'alert' && item.state === 'firing');
  const has = (context: TestContext) => needs(context, ...wants);

  test('each connection, IPv4 and IPv6, shows its timeout doubling as the kernel had it', (context) => {
    has(context);
    for (const family of ['v4', 'v6'] as const) {
      const records = items.filter((item: Item) => item.kind === 'record' && item.record.fields.daddr === addresses.b[family]);
      const series = records.map((item: Item) => item.record.fields.rto_ms as number);
      const [first = 0] = series;
      expect(first).toBeGreaterThanOrEqual(200);
      expect(first).toBeLessThan(300);
      expect(series.slice(0, 3)).toEqual([first, first * 2, first * 4]);
      expect(records[0].record.fields.rto_was_ms).toBeUndefined();
      expect(records[1].record.fields.rto_was_ms).toBe(first);
      expect(records[0].record).toMatchObject({
        engine: 'bpftrace',
        fidelity: 'event',
        n: 1,
        fields: { saddr: addresses.a[family], dport: 5001, netns: lab.netns, state: 'ESTABLISHED' },
      });
    }
  });

  test('one alert a connection fires', (context) => {
    has(context);
    expect(
      alerts()
        .map((item: Item) => item.labels.daddr as string)
        .sort(),
    ).toEqual([addresses.b.v4, addresses.b.v6].sort());
    expect(alerts()[0]).toMatchObject({ alertname: 'RtoGrew', severity: 'crit', labels: { team: 'network', alertname: 'RtoGrew' } });
  });

  test('rsyslogd got each alert over TCP, RFC 5424 with its structured data, and over /dev/log', async (context) => {
    has(context);
    const messages = await rsyslog.messages(2 * alerts().length);
    for (const alert of alerts()) {
      const network = messages.find((message) => message.input === 'imptcp' && message.data.includes(alert.id as string));
      expect(network).toMatchObject({ version: '1', app: 'tapline', msgid: 'RtoGrew', pri: String(3 * 8 + 2) });
      expect(network?.data).toContain(`daddr="${alert.labels.daddr as string}"`);
      expect(network?.text).toContain(alert.annotations.summary as string);
      const local = messages.find((message) => message.input === 'imuxsock' && message.text.includes(alert.annotations.summary as string));
      expect(local).toMatchObject({ app: 'tapline', pri: String(19 * 8 + 2) });
    }
  });

  test('Kafka has every item under its key, read by kcat', async (context) => {
    has(context);
    const records = await broker.read('tapline.e2e');
    const values = new Map(records.map((record) => [record.headers['id'], record]));
    for (const item of items) {
      const record = values.get(item.id as string);
      expect(record?.key).toBe(item.key);
      expect(JSON.parse(record?.payload ?? 'null')).toEqual(item);
    }
    for (const alert of alerts()) expect(values.get(alert.id as string)?.headers['fingerprint']).toBe(alert.fingerprint);
  });

  test('one mail tells both alerts, parsed as MIME by a library', async (context) => {
    has(context);
    const [received] = await smtp.mails(1);
    expect(received?.recipients).toEqual(['ops@example.org']);
    const { mail } = received ?? {};
    expect(mail?.from?.value[0]?.address).toBe('tapline@example.org');
    for (const alert of alerts()) expect(mail?.text).toContain(alert.labels.daddr);
    expect(mail?.text).toContain('RtoGrew');
    expect(mail?.html).toContain('RtoGrew');
    expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
  });

  test('Ctrl-C ends it within 2 s, every sum closes, and nothing is left', async (context) => {
    has(context);
    const ended = await tapline.stop();
    expect(tapline.stderr()).not.toContain('Does not add up');
    expect(tapline.stderr()).toMatch(/Stopped in \d\.\d s\. .* 0 lost, 0 broken/);
    expect(ended.status).toBe(0);
    expect(ended.ms).toBeLessThan(2000);
    expect(bpftraceOf(tapline.pid)).toEqual([]);
  });
});

test('the same rule on procfs, as nobody with no privilege, inside the namespace', async (context) => {
  needs(context, 'root', 'netns', 'ss', 'setpriv');
  const lab = makeNetLab();
  const tapline = await startTapline({
    rules: rules(lab.netns).replaceAll(/^ +to: .*$/gm, ''),
    args: ['--engine', 'procfs'],
    prefix: ['ip', 'netns', 'exec', lab.a, 'setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
    uid: 65534,
  });
  try {
    await tapline.said('Ready');
    const server = await lab.peer(lab.b);
    await server.listen(5001);
    const client = await lab.peer(lab.a);
    await client.connect(addresses.b.v4, 5001);
    await client.send(10);
    lab.cut();
    await client.send(1000);
    const items = await until(async () => {
      const all = await tapline.items();
      return all.some((item: Item) => item.kind === 'record' && item.record.fields.rto_ms >= 1600) ? all : undefined;
    });
    const series = items.flatMap((item: Item) => (item.kind === 'record' ? [item.record.fields.rto_ms as number] : []));
    for (const [at, rto] of series.entries()) if (at > 0) expect(rto).toBe((series[at - 1] ?? 0) * 2);
    expect(items.find((item: Item) => item.kind === 'record').record).toMatchObject({ engine: 'procfs', fidelity: 'sampled' });
    expect(items.filter((item: Item) => item.kind === 'alert')).toHaveLength(1);
    const stopped = tapline.stop();
    expect((await stopped).status).toBe(0);
    expect(tapline.stderr()).not.toContain('Does not add up');
  } finally {
    await tapline.stop();
    lab.close();
  }
}, 60_000);

/** Processes of bpftrace whose arguments name this process as the one to leave out. */
function bpftraceOf(pid: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
        return words[0]?.endsWith('bpftrace') === true && words.includes(String(pid)) ? [name] : [];
      } catch {
        return [];
      }
    });
}
