import { expect, test } from 'vitest';
import { join } from 'node:path';
import { parseSource } from '../config/source.ts';
import type { RawRule } from '../rules/load.ts';
import type { AlertRule } from '../rules/rule.ts';
import { loadGoals } from './catalogue.ts';
import { resolveRules } from './resolve.ts';

const goals = loadGoals(join(import.meta.dirname, '../../scripts-stp'));
if (!goals.ok) throw new Error(goals.problems.map(({ message }) => message).join(' '));
const catalogue = goals.value;
const destinations = { sinks: ['terminal', 'oncall'], to: ['terminal'] };

/** Rules as flow maps, in one group. */
function resolve(rules: readonly string[], group = 'name: g', to = destinations) {
  const read = parseSource(
    'rules.yaml',
    new TextEncoder().encode(`${group}\nrules:\n${rules.map((rule) => `  - { ${rule} }\n`).join('')}`),
  );
  if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join(' '));
  const source = read.value;
  const { rules: bodies, ...rest } = source.value as { rules: RawRule['body'][] } & RawRule['group'];
  const raw = bodies.map((body, i): RawRule => ({
    source,
    path: ['rules', i],
    groupPath: [],
    group: rest,
    body,
    kind: 'alert' in body ? 'alert' : 'forward',
    whole: true,
  }));
  const { rules: made, problems } = resolveRules(raw, catalogue, to);
  return { made, told: problems.map(({ code, severity, place }) => `${place?.line}:${place?.column} ${severity} ${code}`) };
}
const one = (rule: string, group?: string) => {
  const { made, told } = resolve([rule], group);
  expect(told).toEqual([]);
  return made[0] as AlertRule;
};

test('defaults: the goal key, the global sinks, 5m, 1000 alerts, severity warning', () => {
  expect(one('alert: A, goal: tcp.retransmit')).toEqual({
    kind: 'alert',
    name: 'A',
    group: 'g',
    goal: 'tcp.retransmit',
    by: ['host', 'netns', 'saddr', 'sport', 'daddr', 'dport'],
    alertBy: ['host', 'netns', 'saddr', 'sport', 'daddr', 'dport'],
    labels: {},
    to: ['terminal'],
    forMs: 0,
    keepFiringForMs: 300_000,
    maxAlerts: 1000,
    severity: 'warning',
    annotations: {},
    place: expect.objectContaining({ file: 'rules.yaml', line: 3, column: 14 }) as unknown,
  });
});

test('everything that can be said arrives, durations in milliseconds', () => {
  const rule = one(
    'alert: A, goal: tcp.retransmit, where: sport == 1, by: [daddr], changed: [state], dedupe: 10s, threshold: { count: 3, within: 1h30m, by: [dport] }, ' +
      'for: 500ms, keep_firing_for: 1d, max_alerts: 5, labels: { severity: page, n: 1, b: true }, annotations: { summary: "{{ daddr }}" }, ' +
      'runbook_url: "https://example.org/x", to: [oncall, terminal, oncall]',
  );
  expect(rule).toMatchObject({
    where: { text: 'sport == 1', tree: { op: '==' } },
    by: ['daddr'],
    alertBy: ['dport'],
    dedupeMs: 10_000,
    threshold: { count: 3, withinMs: 5_400_000 },
    forMs: 500,
    keepFiringForMs: 86_400_000,
    maxAlerts: 5,
    labels: { severity: 'page', n: '1', b: 'true' },
    severity: 'crit',
    annotations: { summary: '{{ daddr }}' },
    runbookUrl: 'https://example.org/x',
    to: ['oncall', 'terminal'],
  });
  expect([...(rule.changed ?? [])]).toEqual([['state', 0]]);
});

test('the group says what its rules do not', () => {
  const group = 'name: g\nlabels: { team: net, severity: info }\nto: [oncall]';
  expect(one('alert: A, goal: tcp.retransmit', group)).toMatchObject({ labels: { team: 'net' }, severity: 'info', to: ['oncall'] });
  expect(one('alert: A, goal: tcp.retransmit, labels: { severity: error, team: db }, to: [terminal]', group)).toMatchObject({
    labels: { team: 'db' },
    severity: 'err',
    to: ['terminal'],
  });
});

test('by: [] is one alert for the rule; without threshold.by an alert is about by', () => {
  expect(one('alert: A, goal: tcp.retransmit, by: []')).toMatchObject({ by: [], alertBy: [] });
  expect(one('alert: A, goal: tcp.retransmit, by: [daddr], threshold: { count: 1, within: 1m }')).toMatchObject({ alertBy: ['daddr'] });
});

test('a forward rule has no life cycle', () => {
  expect(Object.keys(one('forward: F, goal: tcp.rto_change, changed: { rto_ms: 100 }, dedupe: 1s')).sort()).toEqual(
    ['by', 'changed', 'dedupeMs', 'goal', 'group', 'kind', 'labels', 'name', 'place', 'to'], // prettier-ignore
  );
});

test('enabled: false is checked, and not run', () => {
  expect(resolve(['alert: A, goal: tcp.retransmit, enabled: false'])).toEqual({ made: [], told: [] });
  expect(resolve(['alert: A, goal: tcp.retransmit, enabled: false, by: [x]']).told).toEqual(['3:60 error RULE_UNKNOWN_FIELD']);
});

test("rules on Tapline's own goals are rules like any other", () =>
  expect(one('alert: Blind, goal: tapline.lost, by: [of], where: count > 5')).toMatchObject({ goal: 'tapline.lost' }));

test('dedupe: 0s is none', () => expect(one('alert: A, goal: tcp.retransmit, dedupe: 0s')).not.toHaveProperty('dedupeMs'));

test('one wrong rule does not hide the others; names are unique over both kinds', () => {
  const { made, told } = resolve([
    'alert: A, goal: tcp.retransmit',
    'forward: A, goal: tcp.retransmit',
    'alert: B, goal: syscall.opne',
    'alert: C, goal: tcp.retransmit',
  ]);
  expect(made.map(({ name }) => name)).toEqual(['A', 'C']);
  expect(told).toEqual(['4:16 error RULE_DUPLICATE_NAME', '5:23 error RULE_UNKNOWN_GOAL']);
});

test('a mistake of the group is told once, not once a rule', () => {
  const group = 'name: g\nlabels: { daddr: x, severity: hot }\nto: [nobody]';
  expect(resolve(['alert: A, goal: tcp.retransmit', 'alert: B, goal: tcp.retransmit'], group).told.sort()).toEqual([
    '2:11 error RULE_LABEL_SHADOWS_FIELD',
    '2:31 error RULE_BAD_SEVERITY',
    '3:6 error RULE_UNKNOWN_SINK',
  ]);
});

test('without its goal as much of a rule is checked as can be', () =>
  expect(
    resolve([
      'alert: A, goal: nothing, where: a = b, labels: { severity: hot, alertname: x }, annotations: { s: "{{ a" }, to: [nobody], for: 200y',
    ])
      .told.map((each) => each.split(' ')[2])
      .sort(),
  ).toEqual([
    'CONFIG_BAD_DURATION',
    'RULE_BAD_SEVERITY',
    'RULE_BAD_TEMPLATE',
    'RULE_LABEL_SHADOWS_FIELD',
    'RULE_UNKNOWN_GOAL',
    'RULE_UNKNOWN_SINK',
    'RULE_WHERE_SYNTAX',
  ]));

test('a rule that tells nobody is told so', () => {
  expect(resolve(['alert: A, goal: tcp.retransmit'], 'name: g', { sinks: ['terminal'], to: [] }).told).toEqual(['3:5 error RULE_NO_SINK']);
  expect(resolve(['alert: A, goal: tcp.retransmit, to: []']).told).toEqual(['3:43 error RULE_NO_SINK']);
});

test.each([
  ['"tapline.x"', 'RULE_BAD_NAME'],
  ['" a"', 'RULE_BAD_NAME'],
  ['"a\\nb"', 'RULE_BAD_NAME'],
  ['"a\\x1b"', 'RULE_BAD_NAME'],
  [`"${'x'.repeat(129)}"`, 'RULE_BAD_NAME'],
])('the name %s cannot be used', (name, code) =>
  expect(resolve([`alert: ${name}, goal: tcp.retransmit`]).told).toEqual([`3:14 error ${code}`]),
);

test.each([
  ['changed: {}', 'RULE_BAD_CHANGED'],
  ['changed: []', 'RULE_BAD_CHANGED'],
  ['changed: { comm: 1 }', 'RULE_BAD_CHANGED'],
  ['changed: { x: 1 }', 'RULE_UNKNOWN_FIELD'],
  ['changed: [pid, pid]', 'RULE_DUPLICATE_FIELD'],
  ['threshold: { count: 1, within: 0s }', 'CONFIG_BAD_DURATION'],
  ['threshold: { count: 1, within: 1m, by: [y] }', 'RULE_UNKNOWN_FIELD'],
  ['labels: { __x: y }', 'RULE_BAD_LABEL'],
  ['labels: { x: "{{ daddr }}" }', 'RULE_BAD_LABEL'],
  ['annotations: { summary: "{{ x }}" }', 'RULE_UNKNOWN_VARIABLE'],
])('%s is refused', (keys, code) =>
  expect(resolve([`alert: A, goal: tcp.retransmit, ${keys}`]).told).toEqual([expect.stringMatching(new RegExp(` error ${code}$`))]),
);

test('a threshold out of reach: an error where every engine is exact, a warning where one samples', () => {
  const keys = 'dedupe: 1m, threshold: { count: 5, within: 1m }';
  expect(resolve([`alert: A, goal: syscall.open, ${keys}`])).toMatchObject({ made: [], told: ['3:69 error RULE_NEVER_FIRES'] });
  expect(resolve([`alert: A, goal: tcp.retransmit, ${keys}`])).toMatchObject({
    made: [{ name: 'A' }],
    told: ['3:71 warning RULE_NEVER_FIRES'],
  });
});
