import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { CliContext } from '../src/cli/context.ts';
import { main } from '../src/cli/index.ts';

const folder = join(import.meta.dirname, 'broken');

/** expected.txt: a file a line, and below it `line:column CODE` of every mistake in it. */
const expected = new Map<string, string[]>();
for (const line of readFileSync(join(folder, 'expected.txt'), 'utf8').split('\n')) {
  if (line.startsWith('  ')) [...expected.values()].at(-1)?.push(line.trim());
  else if (line !== '' && !line.startsWith('#')) expected.set(line, []);
}

/** `tapline validate` in process: a file of rules is checked with broken/tapline.yaml, a configuration by itself. */
async function validate(below: string, name: string) {
  const text = { stdout: '', stderr: '' };
  const stream = (key: 'stdout' | 'stderr') => new PassThrough().on('data', (chunk: Buffer) => (text[key] += chunk.toString('utf8')));
  const context = { stdout: stream('stdout'), stderr: stream('stderr'), env: {}, cwd: below } as unknown as CliContext;
  const words = name.startsWith('config/') ? ['-c', join(below, name)] : ['-c', join(folder, 'tapline.yaml'), name];
  const status = await main(['validate', ...words], context);
  return { status, ...text };
}

const firstLine = /^(\S+?):(\d+:\d+): (error|warning) ([A-Z0-9_]+): \S/;

describe.each([...expected])('%s', (name, mistakes) => {
  test('every mistake is told where it stands, and no other', async () => {
    const { status, stdout, stderr } = await validate(folder, name);
    const told = stderr.split('\n').flatMap((line) => {
      const [, file, place, severity, code] = firstLine.exec(line) ?? [];
      return file === undefined ? [] : [`${file} ${place} ${severity} ${code}`];
    });
    expect(told.sort()).toEqual(mistakes.map((each) => `${name} ${each.replace(' ', ' error ')}`).sort());
    expect(status).toBe(78);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`\\n${mistakes.length} errors?\\. Nothing was started\\.\\n$`));
  });

  test('with only its mistakes mended it loads', async () => {
    const { status, stderr } = await validate(join(folder, 'fixed'), name);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

test('every broken file is expected to be, and mended by changing lines that are near a mistake', () => {
  const files = ['rules', 'config'].flatMap((part) => readdirSync(join(folder, part)).map((name) => `${part}/${name}`)).sort();
  expect(files).toEqual([...expected.keys()].sort());
  expect(files.length).toBeGreaterThanOrEqual(30);
  for (const [name, mistakes] of expected) {
    if (name === 'rules/directory.yaml') continue;
    const lines = (path: string) => readFileSync(path, 'latin1').split('\n');
    const [broken, fixed] = [lines(join(folder, name)), lines(join(folder, 'fixed', name))];
    if (broken.length !== fixed.length) continue;
    const wrong = mistakes.map((each) => Number(each.split(':')[0]));
    const changed = broken.flatMap((line, i) => (line === fixed[i] ? [] : [i + 1]));
    for (const line of changed)
      expect(
        wrong.some((at) => Math.abs(at - line) <= 3),
        `${name}:${line}`,
      ).toBe(true);
  }
});
