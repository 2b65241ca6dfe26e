import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Problem } from '../problem/problem.ts';
import { parseSource, readSource, type Source } from './source.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
function source(text: string): Source {
  const read = parseSource('x.yaml', bytes(text));
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
}
const told = (problems: readonly Problem[]) => problems.map(({ code, place }) => `${place?.line}:${place?.column} ${code}`);
const wrong = (text: string | Uint8Array) => told(parseSource('x.yaml', typeof text === 'string' ? bytes(text) : text).problems);

test.each([
  ['a tab', 'a:\n\t- b\n', ['2:1 CONFIG_TAB']],
  ['two mistakes', 'a: b: c\nd: 1\ne: @x\n', ['1:4 CONFIG_YAML', '3:4 CONFIG_YAML']],
  ['a duplicate key', 'a: 1\nb: {c: 1, c: 2}\na: 2\n', ['2:11 CONFIG_DUPLICATE_KEY', '3:1 CONFIG_DUPLICATE_KEY']],
  ['an alias of nothing', 'abc: &abc 1\nb: *abd\n', ['2:4 CONFIG_ALIAS']],
  ['an alias inside its anchor', 'a: &a [*a]\n', ['1:8 CONFIG_ALIAS']],
  ['a number too large', 'a: 12345678901234567890\n', ['1:4 CONFIG_NUMBER_TOO_LARGE']],
  ['a tag', 'a: !known(pid)\n', ['1:4 CONFIG_YAML']],
  ['a key that is a list', '? [a]\n: 1\n', ['1:3 CONFIG_BAD_KEY']],
  ['two documents', 'a: 1\n---\nb: 1\n', ['2:1 CONFIG_YAML']],
  ['nothing', '', ['1:1 CONFIG_FILE_EMPTY']],
  ['comments only', '# a\n', ['1:1 CONFIG_FILE_EMPTY']],
  ['a quote that is never closed', 'a: "x\n', ['2:1 CONFIG_YAML']],
  ['text behind a quote', 'a: "x" == b\n', ['1:8 CONFIG_YAML']],
  ['YAML 1.1', '%YAML 1.1\n---\na: yes\n', ['1:1 CONFIG_YAML']],
  ['wide characters before it', '"한😀": {a: 1, a: 2}\n', ['1:14 CONFIG_DUPLICATE_KEY']],
])('%s', (_, text, expected) => expect(wrong(text)).toEqual(expected));

test('nesting is refused, whether deep or deeper than the stack', () => {
  const deep = (levels: number) => `a: ${'['.repeat(levels)}${']'.repeat(levels)}\n`;
  expect(wrong(deep(60))).toEqual([]);
  expect(wrong(deep(100))).toEqual([`1:68 CONFIG_TOO_DEEP`]);
  expect(wrong(deep(20_000)).map((line) => line.split(' ')[1])).toEqual(['CONFIG_TOO_DEEP']);
});

test('an alias bomb is defused', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]\n`).join('')}`;
  expect(wrong(bomb).map((line) => line.split(' ')[1])).toEqual(['CONFIG_ALIAS']);
});

test('an alias stands for the last anchor of its name before it, in keys too, and inside what another alias repeats', () => {
  const read = source('a: &x 1\nb: &y [*x]\nc: &x 2\nd: [*y, *x]\n&k e: *k\n');
  expect(read.value).toEqual({ a: 1, b: [1], c: 2, d: [[1], 2], e: 'e' });
  expect(wrong('a: *x\nb: &x 1\n')).toEqual(['1:4 CONFIG_ALIAS']);
});

test('a file of nothing but aliases is refused once, and is not searched once for each', () => {
  // With a search for each alias this takes minutes: the test would run into the time limit of the runner.
  expect(wrong(`a: &a 1\nb: [${'*a,'.repeat(60_000)}]\n`)).toEqual(['2:30005 CONFIG_ALIAS']);
});

test('a byte that is no UTF-8 is found; UTF-16 is too', () => {
  expect(wrong(Buffer.from('a: é\nb: caf\xe9\n', 'latin1'))).toEqual(['1:4 CONFIG_NOT_UTF8']);
  expect(wrong(Buffer.concat([bytes('a: é\nb: caf'), Buffer.from([0xe9, 0x0a])]))).toEqual(['2:7 CONFIG_NOT_UTF8']);
  expect(wrong(Buffer.from('\ufeffa: 1', 'utf16le'))).toEqual(['1:1 CONFIG_NOT_UTF8']);
});

test('a byte order mark and CRLF do not move columns', () => {
  const read = source('\ufeffa: 1\r\nb: x y\r\n');
  expect(read.value).toEqual({ a: 1, b: 'x y' });
  expect(read.place(['a'], 'key')).toEqual({ file: 'x.yaml', line: 1, column: 1, length: 1, text: 'a: 1' });
  expect(read.within(['b'], 2, 3)).toEqual({ file: 'x.yaml', line: 2, column: 6, length: 1, text: 'b: x y' });
});

test('values are YAML 1.2, and keys are only keys', () => {
  const read = source('a: no\nb: 012\n1: x\ntrue: y\n__proto__: {z: 1}\n<<: {q: 1}\n');
  expect(Object.entries(read.value as object)).toEqual([['1', 'x'], ['a', 'no'], ['b', 12], ['true', 'y'], ['__proto__', { z: 1 }], ['<<', { q: 1 }]]); // prettier-ignore
});

test('places of keys and values, and of what is not there', () => {
  const read = source('groups:\n  - name: g\n    to: [a, bb]\n    labels:\n      x: 1\n    empty:\n');
  const at = (path: (string | number)[], part?: 'key' | 'value') => {
    const { line, column, length } = read.place(path, part);
    return [line, column, length];
  };
  expect(at(['groups', 0, 'to', 1])).toEqual([3, 13, 2]);
  expect(at(['groups', 0, 'to'])).toEqual([3, 9, 7]);
  expect(at(['groups', 0, 'to'], 'key')).toEqual([3, 5, 2]);
  expect(at(['groups', 0])).toEqual([2, 5, 4]);
  expect(at(['groups', 0, 'labels'])).toEqual([4, 5, 6]);
  expect(at(['groups', 0, 'labels', 'y'])).toEqual([4, 5, 6]);
  expect(at(['groups', 0, 'empty'])).toEqual([6, 5, 5]);
  expect(at(['groups', 7, 'x'])).toEqual([1, 1, 6]);
  expect(at([])).toEqual([1, 1, 6]);
});

test('aliases are followed, for values and for places', () => {
  const read = source('a: &x\n  where: rto > 1\nb: *x\n');
  expect(read.value).toEqual({ a: { where: 'rto > 1' }, b: { where: 'rto > 1' } });
  expect(read.place(['b'])).toMatchObject({ line: 3, column: 4, length: 2 });
  expect(read.within(['b', 'where'], 0, 3)).toMatchObject({ line: 2, column: 10, length: 3 });
});

test('a part of a text is found in every style', () => {
  const read = source('a: >-\n  x &&\n  rto > 1\nb: "x\\t\\"rto\\" "\nc: |\n    x\n      rto\n');
  for (const [key, line, column] of [
    ['a', 3, 3],
    ['b', 4, 10],
    ['c', 7, 7],
  ] as const) {
    // prettier-ignore
    const start = ((read.value as Record<string, string>)[key] ?? '').indexOf('rto');
    expect(read.within([key], start, start + 3)).toMatchObject({ line, column, length: 3 });
  }
  expect(read.within(['a'], 0, 9)).toMatchObject({ line: 2, column: 3, length: 4 });
});

test('files that cannot be read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tapline-source-'));
  const large = join(folder, 'large.yaml');
  writeFileSync(large, '#'.repeat(4 * 1024 * 1024 + 1));
  expect(told(readSource(folder).problems)).toEqual(['1:1 CONFIG_FILE_IS_DIRECTORY']);
  expect(told(readSource(join(folder, 'none.yaml')).problems)).toEqual(['1:1 CONFIG_FILE_MISSING']);
  expect(told(readSource(join(large, 'none.yaml')).problems)).toEqual(['1:1 CONFIG_FILE_MISSING']);
  expect(told(readSource(large).problems)).toEqual(['1:1 CONFIG_FILE_TOO_LARGE']);
  // A name with NUL in it is refused by Node itself, for every user.
  expect(told(readSource(`${folder}/a\0b`).problems)).toEqual(['1:1 CONFIG_FILE_UNREADABLE']);
  chmodSync(large, 0o644);
});
