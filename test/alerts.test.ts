import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { ItemBody, type AlertBody, type Item } from '../src/alerts/item.ts';
import { createAlertStage, createForwardStage, createStage, type Stage } from '../src/alerts/stage.ts';
import type { TapRecord } from '../src/decode/batch.ts';
import { batchOf } from '../src/decode/columns.ts';
import { recordAt } from '../src/decode/record.ts';
import type { Run } from '../src/engine/frame.ts';
import type { Goal } from '../src/goals/goal.ts';
import type { AlertRule, ForwardRule } from '../src/rules/rule.ts';
import type { RuleOutput } from '../src/stream/output.ts';
import { hostileName, hostilePath } from './contracts/items.ts';

const t0 = 1_795_410_193_698_123;
const s = 1_000_000;

const goal = {
  id: 'tcp.rto_change',
  title: 'The RTO of a connection changed',
  fields: [
    { name: 'saddr', type: 'address', optional: false, description: '' },
    { name: 'sport', type: 'int', unit: 'port', optional: false, description: '' },
    { name: 'daddr', type: 'address', optional: false, description: '' },
    { name: 'dport', type: 'int', unit: 'port', optional: false, description: '' },
    { name: 'rto_was_ms', type: 'int', unit: 'ms', optional: true, description: '' },
    { name: 'rto_ms', type: 'int', unit: 'ms', optional: false, description: '' },
    { name: 'comm', type: 'text', optional: true, description: '' },
    { name: 'path', type: 'text', optional: true, description: '' },
  ],
  key: ['host', 'daddr', 'dport'],
} as unknown as Goal;

const run: Run = {
  id: '0123456789abcdef',
  host: 'api-7',
  boot: 'boot-1',
  engine: 'bpftrace',
  goal: goal.id,
  module: 'm-1',
  fidelity: 'event',
  dialect: 'bpftrace',
  clock: 'monotonic',
};

const rowsOf = (...rows: { seq: number; at?: number; fields?: Record<string, string | number> }[]) =>
  batchOf(
    goal,
    run,
    rows.map(({ seq, at = 0, fields = {} }) => ({
      seq,
      timeUs: t0 + at * s,
      timeErrorUs: 40,
      fields: { saddr: '10.0.3.7', sport: 51844, daddr: '10.0.3.21', dport: 443, rto_was_ms: 408, rto_ms: 816, ...fields },
    })),
  );
const record = (seq: number, at = 0, fields: Record<string, string | number> = {}): TapRecord => recordAt(rowsOf({ seq, at, fields }), 0);

const alertRule: AlertRule = {
  kind: 'alert',
  name: 'RetransmitTimeoutGrew',
  group: 'tcp',
  goal: goal.id,
  where: { text: 'rto_ms >= 800', tree: { start: 0, end: 1, op: 'literal', type: 'bool', value: true } },
  by: ['daddr', 'dport'],
  alertBy: ['daddr', 'dport'],
  threshold: { count: 3, withinMs: 60_000 },
  labels: { team: 'network' },
  to: ['oncall', 'events'],
  place: { file: 'rules/tcp.yaml', line: 4, column: 5 },
  forMs: 0,
  keepFiringForMs: 300_000,
  maxAlerts: 1000,
  severity: 'warning',
  annotations: {
    summary: '{{ saddr }} -> {{ daddr }}\n  RTO {{ rto_was_ms }} -> {{ rto_ms }} ms {{ comm }}',
    description: 'line 1\nline 2 on {{ host }}',
  },
  runbookUrl: 'https://wiki.example.org/rto',
};
const forwardRule: ForwardRule = {
  kind: 'forward',
  name: 'tcp-events',
  group: 'tcp',
  goal: goal.id,
  by: ['host', 'comm', 'daddr', 'dport'],
  labels: { team: 'network' },
  to: ['events'],
  place: alertRule.place,
};

const key = (port = 443) => ({ text: JSON.stringify(['10.0.3.21', port]), labels: { daddr: '10.0.3.21', dport: String(port) } });
const condition = (at: number, holds: boolean, records: TapRecord[] = [], port = 443): RuleOutput => ({
  kind: 'condition',
  timeUs: t0 + at * s,
  condition: { key: key(port), holds, timeUs: t0 + at * s, count: records.length, records, counted: records.length },
});
const time = (at: number): RuleOutput => ({ kind: 'time', timeUs: t0 + at * s, standing: false });

const account = { unmatched: 10, unchanged: 0, deduped: 5 };
const deps = { host: 'here', account, lostOf: () => 0 };
const alert = (item: Item | undefined): AlertBody => {
  if (item?.body.kind !== 'alert') throw new Error('no alert');
  return item.body;
};
const feed = (stage: Stage, ...outputs: RuleOutput[]) => outputs.flatMap((output) => stage.push(output));

const valid = new Ajv({ strict: false }).compile(ItemBody);
const expectValid = (items: readonly Item[]) => {
  for (const item of items) expect(valid(item.body) ? [] : valid.errors).toEqual([]);
  for (const item of items) expect(JSON.parse(JSON.stringify(item))).toEqual(item);
};

test('an alert item says what, since when, how often, whose, and what stands behind no record', () => {
  const counts = { ...account };
  let lost = 2;
  const stage = createAlertStage({ ...alertRule, forMs: 10_000 }, goal, { host: 'here', account: counts, lostOf: () => lost });
  feed(stage, condition(2, true, [record(1, 0), record(2, 1), record(3, 2)]));
  counts.unmatched += 2;
  counts.deduped += 1;
  lost += 7;
  const [item] = feed(stage, time(20));
  expect(item).toMatchObject({
    kind: 'alert',
    rule: 'RetransmitTimeoutGrew',
    key: '["10.0.3.21",443]',
    to: ['oncall', 'events'],
    severity: 'warning',
    timeUs: t0 + 12 * s,
  });
  expect(item?.summary).toBe('10.0.3.7 -> 10.0.3.21 RTO 408 -> 816 ms unknown');
  expect(alert(item)).toMatchObject({
    state: 'firing',
    alertname: 'RetransmitTimeoutGrew',
    starts_at: '2026-11-23T05:03:25.698123Z',
    repeat: 0,
    labels: { alertname: 'RetransmitTimeoutGrew', daddr: '10.0.3.21', dport: '443', team: 'network' },
    annotations: { summary: item?.summary, description: 'line 1\nline 2 on api-7' },
    runbook_url: 'https://wiki.example.org/rto',
    count: 3,
    total: 3,
    condition: 'rto_ms >= 800, 3 in 1m, for 10s',
    first_seen: '2026-11-23T05:03:13.698123Z',
    last_seen: '2026-11-23T05:03:15.698123Z',
    hosts: ['api-7'],
    not_counted: { unmatched: 2, unchanged: 0, suppressed: 1, lost: 7 },
    place: 'rules/tcp.yaml:4',
    group: 'tcp',
  });
  expect(alert(item).records.map((one) => [one.seq, one.time_error_us, one.fields['rto_ms']])).toEqual([
    [1, 40, 816],
    [2, 40, 816],
    [3, 40, 816],
  ]);
  expect(alert(item)).not.toHaveProperty('ends_at');
  expectValid([item as Item]);
});

test('it is resolved under the same fingerprint and start, with an id of its own; so is each repeat', () => {
  const stage = createAlertStage(alertRule, goal, deps);
  const items = feed(stage, condition(0, true, [record(1)]), time(4 * 3600), condition(4 * 3600 + 1, false), time(5 * 3600));
  expect(items.map((item) => [alert(item).state, alert(item).repeat])).toEqual([
    ['firing', 0],
    ['firing', 1],
    ['resolved', 1],
  ]);
  expect(new Set(items.map((item) => item.id)).size).toBe(3);
  expect(new Set(items.map((item) => `${alert(item).fingerprint} ${alert(item).starts_at}`)).size).toBe(1);
  expect(alert(items[2]).ends_at).toBe('2026-11-23T09:08:14.698123Z');
  expectValid(items);
});

test('without a summary of its own the alert says the best sentence', () => {
  const { items } = { items: feed(createAlertStage({ ...alertRule, annotations: {} }, goal, deps), condition(0, true, [record(1)])) };
  expect(items[0]?.summary).toBe('10.0.3.7:51844 -> 10.0.3.21:443  RTO 408 -> 816 ms');
  expect(alert(items[0]).annotations).toEqual({ summary: items[0]?.summary });
});

test('hostile names and paths are data in annotations, records and keys', () => {
  const rule = { ...alertRule, annotations: { summary: '{{ comm }}: {{ path }}' } };
  const hostile = record(1, 0, { comm: hostileName, path: hostilePath });
  const items = [
    ...feed(createAlertStage(rule, goal, deps), condition(0, true, [hostile])),
    ...feed(createForwardStage(forwardRule, goal), rowsOutput({ seq: 1, fields: { comm: hostileName, path: hostilePath } })),
  ];
  expect(items[0]?.summary).toBe(`${hostileName}: ${hostilePath}`);
  expect(alert(items[0]).records[0]?.fields).toMatchObject({ comm: hostileName, path: hostilePath });
  expect(items[1]?.key).toBe(JSON.stringify(['api-7', hostileName, '10.0.3.21', 443]));
  expectValid(items);
});

function rowsOutput(...rows: Parameters<typeof rowsOf>): RuleOutput {
  const batch = rowsOf(...rows);
  return { kind: 'rows', batch, selection: { rows: Uint32Array.from(rows, (_, at) => at), count: rows.length }, timeUs: t0 };
}

test('more than max_alerts: one alert says so', () => {
  const stage = createAlertStage({ ...alertRule, maxAlerts: 1 }, goal, deps);
  const items = [1, 2, 3].flatMap((port) => feed(stage, condition(port, true, [record(port)], port)));
  expect(items.map((item) => item.key)).toEqual(['["10.0.3.21",1]', '[]']);
  expect(items[1]?.summary).toMatch(/max_alerts/);
  expect(alert(items[1]).labels).toEqual({ alertname: 'RetransmitTimeoutGrew', team: 'network', overflow: 'max_alerts' });
  expectValid(items);
});

test('a restart re-sends nothing and goes on with the same ids', () => {
  const outputs = [condition(0, true, [record(1)]), condition(1, true, [record(2, 1)]), condition(61, false), time(100), time(4000)];
  const whole = feed(createAlertStage(alertRule, goal, deps), ...outputs);
  for (let cut = 0; cut <= outputs.length; cut++) {
    const before = createAlertStage(alertRule, goal, deps);
    const items = feed(before, ...outputs.slice(0, cut));
    const after = createStage(alertRule, goal, deps);
    after.restore(JSON.parse(JSON.stringify(before.snapshot())) as ReturnType<Stage['snapshot']>);
    items.push(...feed(after, ...outputs.slice(cut)));
    expect(items).toEqual(whole);
  }
  expect(whole).toHaveLength(2);
});

test('a forward rule makes an item of each row that passed, and of what dedupe held back', () => {
  const stage = createStage(forwardRule, goal, deps);
  const batch = rowsOf({ seq: 1 }, { seq: 2 }, { seq: 3, at: 1, fields: { comm: 'nginx' } });
  const items = [
    ...stage.push({ kind: 'rows', batch, selection: { rows: Uint32Array.of(0, 2, 9), count: 2 }, timeUs: t0 }),
    ...stage.push({
      kind: 'closing',
      timeUs: t0 + 10 * s,
      closing: {
        key: { text: '["api-7",null,"10.0.3.21",443]', labels: {} },
        t0Us: t0,
        endUs: t0 + 10 * s,
        count: 41,
        firstUs: t0 + 1,
        lastUs: t0 + 2 * s,
        last: record(44, 2),
      },
    }),
    ...stage.push(time(11)),
  ];
  expect(items.map((item) => [item.kind, item.key, item.timeUs])).toEqual([
    ['record', '["api-7",null,"10.0.3.21",443]', t0],
    ['record', '["api-7","nginx","10.0.3.21",443]', t0 + s],
    ['suppressed', '["api-7",null,"10.0.3.21",443]', t0 + 10 * s],
  ]);
  expect(items[1]?.summary).toBe('nginx  10.0.3.7:51844 -> 10.0.3.21:443  RTO 408 -> 816 ms');
  expect(items[2]?.summary).toMatch(/^41 more in 10s, last: /);
  expect(items[2]?.body).toMatchObject({ count: 41, first: '2026-11-23T05:03:13.698124Z', record: { seq: 44 } });
  expect(items[0]?.body).toMatchObject({
    kind: 'record',
    labels: { team: 'network' },
    record: { host: 'api-7', boot: 'boot-1', run: run.id, lane: 0, seq: 1 },
  });
  expectValid(items);
});

test('a forwarded loss has a kind and a count of its own', () => {
  const lostGoal = {
    id: 'tapline.lost',
    title: 'Tapline lost something',
    fields: [
      { name: 'of', type: 'text', optional: false, description: '' },
      { name: 'reason', type: 'enum', values: ['hole', 'sink'], optional: false, description: '' },
      { name: 'count', type: 'int', unit: 'records', optional: false, description: '' },
    ],
  } as unknown as Goal;
  const batch = batchOf(lostGoal, { ...run, goal: lostGoal.id, engine: 'tapline' }, [
    { seq: 1, timeUs: t0, fields: { of: 'tcp.retransmit', reason: 'hole', count: 12 } },
  ]);
  const stage = createForwardStage({ ...forwardRule, goal: lostGoal.id, by: ['of'] }, lostGoal);
  const items = stage.push({ kind: 'rows', batch, selection: { rows: Uint32Array.of(0), count: 1 }, timeUs: t0 });
  expect(items).toMatchObject([{ kind: 'lost', severity: 'warning', key: '["tcp.retransmit"]', body: { kind: 'lost', count: 12 } }]);
  expectValid(items);
});
