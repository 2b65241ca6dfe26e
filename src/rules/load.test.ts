import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadRules } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapline-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

const load = (...texts: string[]) =>
  loadRules(
    texts.map((text, i) => {
      const file = join(folder, `${i}.yaml`);
      writeFileSync(file, text);
      return file;
    }),
  );
const places = (problems: ReturnType<typeof load>['problems']) =>
  problems.map(({ code, place }) => `${place?.line}:${place?.column} ${code}`);

test('rules of all groups and files, in order, with their groups', () => {
  const group = (name: string, rules: string) => `  - name: ${name}\n    to: [a]\n    rules:\n${rules}`;
  const rule = (kind: string, name: string) => `      - { ${kind}: ${name}, goal: tcp.retransmit }\n`;
  const { rules, problems } = load(
    `groups:\n${group('one', rule('alert', 'A') + rule('forward', 'B'))}${group('two', rule('alert', 'C'))}`,
    `groups:\n${group('three', rule('alert', 'D'))}`,
  );
  expect(problems).toEqual([]);
  expect(rules.map(({ kind, body, group: { name, to }, whole }) => [kind, body[kind], name, to, whole])).toEqual([
    ['alert', 'A', 'one', ['a'], true],
    ['forward', 'B', 'one', ['a'], true],
    ['alert', 'C', 'two', ['a'], true],
    ['alert', 'D', 'three', ['a'], true],
  ]);
});

test('a rule with a wrong key is kept without it, and marked', () => {
  const { rules, problems } = load(
    'groups:\n  - name: g\n    rules:\n      - { alert: A, goal: 5, by: x, where: a > 1, dedup: 1s, __proto__: 1, toString: 2 }\n',
  );
  expect(places(problems).sort()).toEqual([
    '4:27 CONFIG_WRONG_TYPE',
    '4:34 CONFIG_WRONG_TYPE',
    '4:51 CONFIG_UNKNOWN_KEY',
    '4:62 CONFIG_UNKNOWN_KEY',
    '4:76 CONFIG_UNKNOWN_KEY',
  ]);
  expect(rules).toMatchObject([{ whole: false, body: { alert: 'A', where: 'a > 1' } }]);
  expect(Object.keys(rules[0]?.body ?? {})).toEqual(['alert', 'where']);
});

test('a group with wrong keys keeps its rules', () => {
  const { rules, problems } = load('groups:\n  - name: [x]\n    labels: 5\n    to: a\n    rules:\n      - { alert: A, goal: g }\n');
  expect(places(problems)).toEqual(['2:11 CONFIG_WRONG_TYPE', '3:13 CONFIG_WRONG_TYPE', '4:9 CONFIG_WRONG_TYPE']);
  expect(rules).toMatchObject([{ group: {}, body: { alert: 'A', goal: 'g' } }]);
  expect(rules[0]?.group).not.toHaveProperty('to');
});

test.each([
  ['{ alrt: A, goal: g }', 'CONFIG_UNKNOWN_KEY', 'did you mean "alert"?'],
  ['{ Forward: A, goal: g }', 'CONFIG_UNKNOWN_KEY', 'did you mean "forward"?'],
  ['{ goal: g }', 'RULE_NO_KIND', '`alert: NAME` or `forward: NAME`'],
  ['{ alert: A, forward: B, goal: g }', 'RULE_TWO_KINDS', 'not both'],
  ['{ forward: A, goal: g, threshold: { count: 1, within: 1m } }', 'CONFIG_UNKNOWN_KEY', 'A forward rule has no "threshold".'],
  ['{ alert: A, goal: g, expr: x > 1 }', 'CONFIG_UNKNOWN_KEY', '`where` is what says that here'],
  ['{ alert: A, goal: g, severity: page }', 'CONFIG_UNKNOWN_KEY', '`labels: { severity: ... }`'],
  ['{ alert: A, goal: g, wher: x > 1 }', 'CONFIG_UNKNOWN_KEY', 'did you mean "where"?'],
  ['{ alert: A }', 'CONFIG_MISSING_KEY', '"goal" is missing'],
  ['{ alert: A, goal: g, enabled: yes }', 'CONFIG_WRONG_TYPE', 'true or false'],
  ['{ alert: "", goal: g }', 'CONFIG_WRONG_VALUE', 'must not be empty'],
  ['{ alert: A, goal: g, runbook_url: wiki }', 'CONFIG_WRONG_VALUE', '`runbook_url`'],
])('%s: %s', (rule, code, words) => {
  const { problems } = load(`groups:\n  - name: g\n    rules:\n      - ${rule}\n`);
  expect(problems).toMatchObject([{ code }]);
  expect(problems[0]?.message).toContain(words);
});

test('what is no file of rules at all is told once', () => {
  for (const text of ['[]', '5', 'groups: 5', 'groups: [5]', 'groups:\n  - name: g\n    rules: 5', 'groups:\n  - name: g\n    rules: [5]'])
    expect(load(`${text}\n`), text).toMatchObject({ rules: [], problems: [{ code: 'CONFIG_WRONG_TYPE' }] });
});
