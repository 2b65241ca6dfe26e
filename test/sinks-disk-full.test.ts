import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileSink } from '../src/sinks/file/file.ts';
import { sampleRecord } from './contracts/items.ts';
import { notificationOf } from './contracts/sink.ts';
import { needs } from './needs.ts';

test('a full disk: no part of a line stays, what was refused is taken when there is room again', async (context) => {
  needs(context, 'root');
  const folder = mkdtempSync(join(tmpdir(), 'tapline-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tapline-test', folder]);
  const path = join(folder, 'records.jsonl');
  const sink = new FileSink({ path });
  try {
    const filler = join(folder, 'filler');
    writeFileSync(filler, Buffer.alloc(40 * 1024));
    const send = async (name: string) => {
      const items = [0, 1, 2].map((index) => sampleRecord(`${name}-${index}`));
      const results = await sink.send(notificationOf('records', items), new AbortController().signal);
      return results.map(({ outcome }) => outcome);
    };
    const all = (outcome: string) => [outcome, outcome, outcome];
    const stored: string[] = [];
    let number = 0;
    for (; number < 100; number += 1) {
      const outcomes = await send(`batch-${number}`);
      if (outcomes[0] === 'retry') break;
      expect(outcomes).toEqual(all('sent'));
      stored.push(`batch-${number}`);
    }
    expect(number).toBeGreaterThan(2);
    expect(number).toBeLessThan(100);
    const [first] = await sink.send(
      notificationOf('records', [sampleRecord('long', { path: 'x'.repeat(9000) })]),
      new AbortController().signal,
    );
    expect(first).toMatchObject({
      outcome: 'retry',
      problem: { code: 'SINK_WRITE', message: `${path} cannot be written: the disk is full.` },
    });
    const ids = () =>
      readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { id: string }).id);
    const expected = (names: string[]) => names.flatMap((name) => [0, 1, 2].map((index) => `${name}-${index}`));
    expect(readFileSync(path, 'utf8').endsWith('}\n')).toBe(true);
    expect(ids()).toEqual(expected(stored));
    unlinkSync(filler);
    expect(await send(`batch-${number}`)).toEqual(all('sent'));
    expect(ids()).toEqual(expected([...stored, `batch-${number}`]));
  } finally {
    await sink.close();
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});
