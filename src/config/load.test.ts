import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { afterAll, expect, test } from 'vitest';
import { error } from '../problem/problem.ts';
import { renderProblems } from '../problem/render.ts';
import { loadConfig, type SinkType } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapline-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'rules'));
for (const name of ['b.yaml', 'a.yaml', 'a.test.yaml', '.hidden.yaml', 'c.txt']) writeFileSync(join(folder, 'rules', name), '');
writeFileSync(join(folder, 'secret'), 's3cret\n');

const box: SinkType = {
  type: 'box',
  grouping: 'each',
  schema: Type.Object(
    {
      path: Type.Optional(Type.String()),
      password: Type.Optional(Type.String()),
      password_file: Type.Optional(Type.String()),
      size: Type.Optional(Type.Integer({ default: 3 })),
      digest: Type.Optional(Type.String({ pattern: '^([0-9]+(ms|[smhdwy]))+$' })),
    },
    { additionalProperties: false },
  ),
  check: (options: { readonly password?: string }) =>
    options.password === 'wrong' ? [{ path: ['password'], problem: error('SINK_BAD_ADDRESS', `"${options.password}" will not do.`) }] : [],
};

const load = (yaml: string, env: Record<string, string> = {}) => {
  const file = join(folder, 'tapline.yaml');
  writeFileSync(file, yaml);
  return loadConfig(file, { sinkTypes: [box], env });
};
const told = (yaml: string, env: Record<string, string> = {}) =>
  load(yaml, env).problems.map(({ place, code, severity }) => `${place?.line}:${place?.column} ${severity} ${code}`);

test('defaults are filled in, paths count from the file, patterns are expanded by name without tests and hidden files', () => {
  const loaded = load(
    'rules: [rules/*.yaml, rules/b.yaml, rules/?.txt]\nsinks:\n  one: {type: box, path: out/x}\n  two: {type: box, size: 5}\n',
  );
  expect(loaded).toMatchObject({
    ok: true,
    problems: [],
    value: {
      engine: 'auto',
      ruleFiles: ['a.yaml', 'b.yaml', 'c.txt'].map((name) => join(folder, 'rules', name)),
      to: ['one', 'two'],
      taplineTo: ['one', 'two'],
      pollMs: 200,
    },
  });
  if (!loaded.ok) return;
  expect(loaded.value.sinks.get('one')).toMatchObject({
    type: 'box',
    options: { path: join(folder, 'out/x'), size: 3 },
    place: { line: 3, column: 3 },
  });
  expect(loaded.value.sinks.get('two')?.options).toEqual({ size: 5 });
});

test('what is said stands', () =>
  expect(load('engine: procfs\npoll: 1s\nrules: []\nsinks: {a: {type: box}, b: {type: box}}\nto: [a]\ntapline_to: [b]\n')).toMatchObject({
    value: { engine: 'procfs', pollMs: 1000, to: ['a'], taplineTo: ['b'], ruleFiles: [] },
  }));

const password = (text: string) => `rules: []\nsinks:\n  a:\n    type: box\n    password: ${text}\n`;
const passwordOf = (text: string, env: Record<string, string>) => {
  const loaded = load(password(text), env);
  return loaded.ok ? loaded.value.sinks.get('a')?.options['password'] : told(password(text), env);
};

test('variables are put into texts after YAML is read: they add no key and no type', () => {
  const env = { A: 'x, size: 9', B: '', C: '{type: "y"}\n', D: '$$ ${A}' };
  expect(passwordOf('${A}', env)).toBe('x, size: 9');
  expect(passwordOf('"<${C}>"', env)).toBe('<{type: "y"}\n>');
  expect(passwordOf('${D}', env)).toBe('$$ ${A}');
  expect(passwordOf('"${NONE:-d:-e}${B:-f}"', env)).toBe('d:-ef');
  expect(passwordOf('"${NONE:-}"', env)).toBe('');
  expect(passwordOf("'a$$b$c$${A}'", env)).toBe('a$b$c${A}');
});

test('a variable that is not set, is empty, or is none is told where it stands', () => {
  expect(passwordOf('"a\\t${NONE}"', {})).toEqual(['5:19 error CONFIG_UNSET_VARIABLE']);
  expect(passwordOf('${B}', { B: '' })).toEqual(['5:15 error CONFIG_UNSET_VARIABLE']);
  expect(passwordOf('"${a-b} ${"', {})).toEqual(['5:16 error CONFIG_BAD_VARIABLE', '5:23 error CONFIG_BAD_VARIABLE']);
});

test('what came from the environment is never shown', () => {
  const { problems } = load(password('"${A}"'), { A: 'wrong' });
  expect(problems).toHaveLength(1);
  const text = renderProblems(problems, { cwd: '/' });
  expect(text).toContain('"${A}" will not do.');
  expect(text).not.toContain('wrong');
});

test('files with secrets must be there now', () => {
  expect(load('rules: []\nsinks: {a: {type: box, password_file: secret}}\n')).toMatchObject({ ok: true });
  expect(told('rules: []\nsinks: {a: {type: box, password_file: none}}\n')).toEqual(['2:39 error CONFIG_NAMED_FILE']);
  expect(told('rules: []\nsinks: {a: {type: box, password_file: rules}}\n')).toEqual(['2:39 error CONFIG_NAMED_FILE']);
});

test.each([
  ['rules: [none.yaml]\n', ['1:9 error CONFIG_FILE_MISSING']],
  ['rules: [rules]\n', ['1:9 error CONFIG_FILE_IS_DIRECTORY']],
  ['rules: ["none/*.yaml"]\n', ['1:9 warning CONFIG_NO_RULE_FILES']],
  ['rules: []\npoll: 1ms\n', ['2:7 error CONFIG_WRONG_VALUE']],
  ['rules: []\nto: [b]\n', ['2:6 error CONFIG_UNKNOWN_SINK']],
  ['rules: []\ntapline_to: [b]\n', ['2:14 error CONFIG_UNKNOWN_SINK']],
  ['rules: []\nengine: replay\n', ['2:9 error CONFIG_WRONG_VALUE']],
  ['rules: []\nspool: {}\n', ['2:1 error CONFIG_UNKNOWN_KEY']],
])('%j', (yaml, wanted) => expect(told(`${yaml}sinks: {a: {type: box}}\n`)).toEqual(wanted));

test.each([
  ['{}', ['2:8 error CONFIG_WRONG_VALUE']],
  ['{a: {type: bx}}', ['2:19 error CONFIG_UNKNOWN_SINK_TYPE']],
  ['{a: {}}', ['2:12 error CONFIG_MISSING_KEY']],
  ['{a: [x]}', ['2:12 error CONFIG_WRONG_TYPE']],
  ['{a: {type: box, szie: 1}}', ['2:24 error CONFIG_UNKNOWN_KEY']],
  ['{a: {type: box, digest: 1m1h}}', ['2:32 error CONFIG_BAD_DURATION']],
])('sinks: %s', (sinks, wanted) => expect(told(`rules: []\nsinks: ${sinks}\n`)).toEqual(wanted));

test('a variable within braces needs quotes, and is told so', () => {
  const { problems } = load('rules: []\nsinks: {a: {type: box, password: ${A}}}\n', { A: 'x' });
  expect(problems[0]).toMatchObject({ code: 'CONFIG_YAML', hint: "Put it in quotes: '${NAME}'." });
});

test('a password in the file is not shown, not even by mistakes beside it or in it', () => {
  for (const value of ['hunter2', '"hun ter2"', "'hunter2'", '12345', '[hunter2]']) {
    const { problems } = load(`rules: []\nsinks: {a: {type: box, szie: 1, password: ${value}, sise: 2}}\n`);
    expect(problems.length).toBeGreaterThan(1);
    const text = renderProblems(problems, { cwd: '/' });
    expect(text).toContain('password: ***');
    expect(text).not.toMatch(/hun|ter2|12345/);
    expect(problems.map(({ place }) => [...(place?.text ?? '')].length)).toEqual(problems.map(() => 53 + value.length));
  }
});
