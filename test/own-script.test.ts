import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256Of } from '../src/goals/script-file.ts';
import { loadScripts, seed, seedScript } from './lab/own-script.ts';

test('a script becomes a goal like any other: fields, units, key, engine; a rule on it is checked against them', () => {
  const { loaded, told, folder } = loadScripts(seedScript, { rule: 'forward: Opens, goal: seed.open, where: comm == "cat" && pid > 1' });
  expect(told).toEqual([]);
  if (!loaded.ok) throw new Error();
  const goal = loaded.value.catalogue.get('seed.open');
  expect(goal).toMatchObject({
    id: 'seed.open',
    title: 'What open.stp prints',
    key: ['host', 'comm'],
    fields: [
      { name: 'comm', type: 'text', optional: false },
      { name: 'pid', type: 'int', unit: 'pid', optional: false },
    ],
    engines: { systemtap: { fidelity: 'event' } },
    script: { file: join(folder, 'open.stp'), language: 'systemtap', text: seed, clock: 'none' },
  });
  expect([...loaded.value.catalogue.keys()]).toContain('tcp.retransmit');
});

test('mistakes of rules on a script are told like those of any goal', () => {
  const { told } = loadScripts(seedScript, { rule: 'forward: Opens, goal: seed.open, where: com == "cat" && pid == "x"' });
  expect(told).toEqual(['rules.yaml:6:51 error RULE_UNKNOWN_FIELD', 'rules.yaml:6:67 error RULE_WHERE_TYPE']);
});

test.each<[what: string, yaml: string, told: string[]]>([
  ['not trusted', '  a: { script: open.stp, pattern: "{comm}({pid:int}) open" }\n', ['rules.yaml:2:16 error SCRIPT_NOT_TRUSTED']],
  ['trusted: false', '  a: { script: open.stp, trusted: false, pattern: "{c}" }\n', ['rules.yaml:2:35 error SCRIPT_NOT_TRUSTED']],
  ['not there', '  a: { script: no.stp, trusted: true, pattern: "{c}" }\n', ['rules.yaml:2:16 error CONFIG_FILE_MISSING']],
  ['neither .stp nor .bt', '  a: { script: rules.yaml, trusted: true, pattern: "{c}" }\n', ['rules.yaml:2:16 error SCRIPT_BAD_FILE']],
  [
    'another hash',
    `  a: { script: open.stp, trusted: true, pattern: "{c}", sha256: ${'a'.repeat(64)} }\n`,
    ['rules.yaml:2:65 error SCRIPT_CHANGED'],
  ],
  [
    'a name that is taken',
    '  tcp.retransmit: { script: open.stp, trusted: true, pattern: "{c}" }\n',
    ['rules.yaml:2:3 error SCRIPT_BAD_NAME'],
  ],
  ['a name that is none', '  Bad-Name: { script: open.stp, trusted: true, pattern: "{c}" }\n', ['rules.yaml:2:3 error SCRIPT_BAD_NAME']],
  ['no pattern', '  a: { script: open.stp, trusted: true }\n', ['rules.yaml:2:6 error SCRIPT_BAD_PATTERN']],
  ['both forms', '  a: { script: open.stp, trusted: true, pattern: "{c}", json: true }\n', ['rules.yaml:2:63 error SCRIPT_BAD_PATTERN']],
  [
    'a brace that is not closed',
    '  a: { script: open.stp, trusted: true, pattern: "{c} {pid" }\n',
    ['rules.yaml:2:55 error SCRIPT_BAD_PATTERN'],
  ],
  [
    'a brace that closes nothing',
    '  a: { script: open.stp, trusted: true, pattern: "{c} x}" }\n',
    ['rules.yaml:2:56 error SCRIPT_BAD_PATTERN'],
  ],
  [
    'a type that is none',
    '  a: { script: open.stp, trusted: true, pattern: "{c} {pid:integer}" }\n',
    ['rules.yaml:2:55 error SCRIPT_BAD_PATTERN'],
  ],
  ['a name twice', '  a: { script: open.stp, trusted: true, pattern: "{c:int} {c:int}" }\n', ['rules.yaml:2:50 error SCRIPT_BAD_PATTERN']],
  [
    'nothing between two texts',
    '  a: { script: open.stp, trusted: true, pattern: "{c}{d:word}" }\n',
    ['rules.yaml:2:50 error SCRIPT_BAD_PATTERN'],
  ],
  [
    'two texts that may hold anything',
    '  a: { script: open.stp, trusted: true, pattern: "{c} {d}" }\n',
    ['rules.yaml:2:50 warning SCRIPT_AMBIGUOUS'],
  ],
  [
    'two types for a name',
    '  a: { script: open.stp, trusted: true, pattern: "{c:int}", fields: { c: word } }\n',
    ['rules.yaml:2:50 error SCRIPT_BAD_FIELD'],
  ],
  [
    'a field that no pattern has',
    '  a: { script: open.stp, trusted: true, pattern: "{c}", fields: { d: int } }\n',
    ['rules.yaml:2:67 error SCRIPT_BAD_FIELD'],
  ],
  ['an enum without members', '  a: { script: open.stp, trusted: true, pattern: "{c:enum}" }\n', ['rules.yaml:2:6 error SCRIPT_BAD_FIELD']],
  [
    'a key that is no field',
    '  a: { script: open.stp, trusted: true, pattern: "{comm}", key: [cmm] }\n',
    ['rules.yaml:2:66 error RULE_UNKNOWN_FIELD'],
  ],
  [
    'an option of the other engine',
    '  a: { script: open.stp, trusted: true, pattern: "{c}", bpftrace_options: { unsafe: true } }\n',
    ['rules.yaml:2:57 error SCRIPT_BAD_OPTION'],
  ],
  [
    'an option that is no limit of the runtime',
    '  a: { script: open.stp, trusted: true, pattern: "{c}", stap_options: { define: { KERNEL_PATH: 1 } } }\n',
    ['rules.yaml:2:83 error CONFIG_UNKNOWN_KEY'],
  ],
  ['a key that is none', '  a: { script: open.stp, trusted: true, patern: "{c}" }\n', ['rules.yaml:2:41 error CONFIG_UNKNOWN_KEY']],
  [
    'a clock without a time',
    '  a: { script: open.stp, trusted: true, pattern: "{c}", clock: kernel }\n',
    ['rules.yaml:2:57 error SCRIPT_BAD_OPTION'],
  ],
  [
    'two times',
    '  a: { script: open.stp, trusted: true, pattern: "{a:time_s} {b:time_s} {c}" }\n',
    ['rules.yaml:2:50 error SCRIPT_BAD_FIELD'],
  ],
])('%s: told at its place', (_, yaml, told) => expect(loadScripts(yaml).told).toEqual(told));

test('a rule on a script that is wrong is not told to have no goal', () =>
  expect(loadScripts('  a: { script: open.stp, pattern: "{c}" }\n', { rule: 'forward: F, goal: a' }).told).toEqual([
    'rules.yaml:2:16 error SCRIPT_NOT_TRUSTED',
  ]));

test('the hash that is written down lets this script through', () =>
  expect(loadScripts(`  a: { script: open.stp, trusted: true, pattern: "{c}", sha256: ${sha256Of(seed)} }\n`).told).toEqual([]));

test('several kinds of lines: what only some of them have may be unknown', () => {
  const { loaded, told } = loadScripts(
    '  a: { script: open.stp, trusted: true, pattern: ["{c:word} exec {path}", "{c:word} exit {status:int}"], ignore: ["TIME {}"] }\n',
  );
  expect(told).toEqual([]);
  const fields = loaded.ok ? loaded.value.catalogue.get('a')?.fields : undefined;
  expect(fields?.map(({ name, optional }) => [name, optional])).toEqual([['c', false], ['path', true], ['status', true]]); // prettier-ignore
});
