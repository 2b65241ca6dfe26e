import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { oneOfEach, sampleRecord } from '../../../test/contracts/items.ts';
import { notificationOf } from '../../../test/contracts/sink.ts';
import type { Item } from '../../alerts/item.ts';
import { FileSink } from './file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tapline-file-'));
  path = join(folder, 'records.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
const send = (sink: FileSink, ...items: Item[]) => sink.send(notificationOf('records', items), never);
const lines = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1);
const ids = (file: string) => lines(file).map((line) => (JSON.parse(line) as { id: string }).id);

test('every item comes back from its line as it was, with the permissions asked for', async () => {
  const sink = new FileSink({ path, mode: '0600', fsync: true });
  const items = oneOfEach('file');
  expect(await send(sink, ...items)).toEqual(items.map(() => ({ outcome: 'sent' })));
  await sink.close();
  expect(lines(path).map((line) => JSON.parse(line) as unknown)).toEqual(items.map(({ body }) => body));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('follows a rotation: by rename and by removal', async () => {
  const sink = new FileSink({ path });
  await send(sink, sampleRecord('one'));
  renameSync(path, `${path}.1`);
  await send(sink, sampleRecord('two'));
  unlinkSync(path);
  await send(sink, sampleRecord('three'));
  await sink.close();
  expect(ids(`${path}.1`)).toEqual(['one']);
  expect(ids(path)).toEqual(['three']);
});

test('appends, and begins on a line of its own behind a line that was cut', async () => {
  writeFileSync(path, '{"id":"old"}\n{"id":"cu');
  const sink = new FileSink({ path });
  await send(sink, sampleRecord('new'));
  await sink.close();
  expect(lines(path).slice(0, 2)).toEqual(['{"id":"old"}', '{"id":"cu']);
  expect((JSON.parse(lines(path)[2] ?? '') as { id: string }).id).toBe('new');
});

test.for([
  ['a folder that is not there', (to: string) => join(to, 'missing/records.jsonl'), /folder does not exist/],
  ['a folder in its place', (to: string) => to, /it is a folder/],
  ['a pipe that nobody reads', (to: string) => (execFileSync('mkfifo', [join(to, 'pipe')]), join(to, 'pipe')), /nobody reads/],
] as const)('%s: to be tried again, with the reason', async ([, where, reason]) => {
  const sink = new FileSink({ path: where(folder) });
  const [result] = await send(sink, sampleRecord('lost'));
  await sink.close();
  expect(result).toMatchObject({ outcome: 'retry', problem: { code: 'SINK_WRITE', message: expect.stringMatching(reason) as string } });
});
