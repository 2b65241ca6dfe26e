import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

/** Data flows down this list; imports only go up it. `main`, `pipeline` and `cli` may import anything. */
const layers = [
  'problem',
  'telemetry',
  'config',
  'rules',
  'goals',
  'generate',
  'engine',
  'decode',
  'stream',
  'alerts',
  'delivery',
  'sinks',
];
const src = join(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
const source = (file: string) => readFileSync(join(src, file), 'utf8');
const layerOf = (file: string) => layers.indexOf(file.split('/')[0] ?? '');
const imports = files.flatMap((from) =>
  [...source(from).matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, to]) => ({
    from,
    to: relative(src, join(src, dirname(from), to ?? '')),
  })),
);

test('it looked at something', () => expect(imports.length).toBeGreaterThan(50));

test('imports only point against the flow of data', () => {
  const wrong = imports.filter(({ from, to }) => layerOf(from) >= 0 && (layerOf(to) < 0 || layerOf(to) > layerOf(from)));
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('every folder of src is a stage or the edge', () => {
  const known = new Set([...layers, 'cli']);
  expect(files.filter((file) => file.includes('/') && !known.has(file.split('/')[0] ?? ''))).toEqual([]);
});

test('no dumping grounds, no long files', () => {
  expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|shared|misc|types|constants)(\/|\.ts$)/.test(file))).toEqual([]);
  expect(files.filter((file) => source(file).split('\n').length > 260)).toEqual([]);
});

test('a test file that needs nothing special is on the list of those that must run on any machine', () => {
  const root = join(import.meta.dirname, '..');
  const listed = new Set(readFileSync(join(root, 'test/must-run.txt'), 'utf8').split('\n'));
  const all = [
    ...readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((file) => `src/${file}`),
    ...readdirSync(join(root, 'test')).map((file) => `test/${file}`),
  ].filter((file) => file.endsWith('.test.ts'));
  expect(all.length).toBeGreaterThan(60);
  const special = (file: string) => /\bneeds\(context|\blacking\(/.test(readFileSync(join(root, file), 'utf8'));
  expect(all.filter((file) => !special(file) && !listed.has(file))).toEqual([]);
});
