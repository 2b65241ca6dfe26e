import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildProgram } from '../src/cli/index.ts';
import { referenceFiles } from '../src/cli/reference.ts';
import { codes } from '../src/problem/codes.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

test('generated schemas and pages are what is committed (npm run reference makes them)', () => {
  const files = referenceFiles(buildProgram({ stdout: process.stdout, stderr: process.stderr, env: {}, cwd: root }, () => undefined));
  expect(files.size).toBeGreaterThan(8);
  for (const [file, text] of files) expect(existsSync(join(root, file)) ? read(file) : 'missing', file).toBe(text);
});

test('every key of every schema says what it is', () => {
  const silent: string[] = [];
  let looked = 0;
  const walk = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return;
    const { properties } = value as { properties?: Record<string, { description?: string; const?: unknown }> };
    for (const [name, key] of Object.entries(properties ?? {})) {
      looked += 1;
      if (key.description === undefined && key.const === undefined) silent.push(`${path}.${name}`);
    }
    for (const [name, child] of Object.entries(value)) walk(child, `${path}.${name}`);
  };
  for (const name of ['tapline', 'rules', 'goal']) walk(JSON.parse(read(`config/${name}.schema.json`)), name);
  expect(looked).toBeGreaterThan(60);
  expect(silent).toEqual([]);
});

test('every code of the catalogue is used, outside of the catalogue and in some test', () => {
  const program = sources
    .filter((file) => !file.endsWith('.test.ts') && !file.startsWith('problem/codes'))
    .map((file) => read(`src/${file}`))
    .join('\n');
  const unused = Object.keys(codes).filter((code) => !program.includes(`'${code}'`));
  expect(unused).toEqual([]);
});

test('shipped YAML names its schema, and the file is there', () => {
  const files = [
    ...readdirSync(join(root, 'rules')).map((name) => `rules/${name}`),
    ...readdirSync(join(root, 'config')).map((name) => `config/${name}`),
    ...readdirSync(join(root, 'rules/examples')).map((name) => `rules/examples/${name}`),
    ...readdirSync(join(root, 'config/examples')).map((name) => `config/examples/${name}`),
  ].filter((file) => file.endsWith('.yaml'));
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(read(file))?.[1];
    expect(schema, file).toBeDefined();
    expect(existsSync(join(root, file, '..', schema ?? '')), `${file}: ${schema ?? ''}`).toBe(true);
  }
});
