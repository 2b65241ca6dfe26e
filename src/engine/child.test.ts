import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { overlongMark, spawnInGroup, startChild, wholeLines } from './child.ts';

const sh = (script: string, onStderr?: (line: string) => void) =>
  startChild(spawnInGroup, 'sh', ['-c', script], onStderr ? { onStderr } : {});
const text = async (chunks: AsyncIterable<Uint8Array>) => {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('latin1');
};
async function* pieces(...parts: string[]) {
  for (const part of parts) yield Buffer.from(part, 'latin1');
}

test('chunks end at line ends, whatever pieces they came in', async () => {
  const chunks: string[] = [];
  for await (const chunk of wholeLines(pieces('a', 'b\nc\nd', '', 'e', '\n', 'last'), 100)) chunks.push(Buffer.from(chunk).toString());
  expect(chunks).toEqual(['ab\nc\n', 'de\n', 'last\n']);
});

test('an over-long line is replaced by its marked beginning, and only it', async () => {
  const long = 'x'.repeat(150);
  expect(await text(wholeLines(pieces('a\n', long, long, long, '\nb\n'), 300))).toBe(
    `a\n${String.fromCharCode(overlongMark)}${'x'.repeat(200)}\nb\n`,
  );
});

test('reads stdout to its end, tells stderr by lines, and how it ended', async () => {
  const said: string[] = [];
  const child = sh('echo out; echo one >&2; echo two >&2; exit 3', (line) => said.push(line));
  expect(await text(child.lines())).toBe('out\n');
  expect(await child.exited).toEqual({ code: 3, signal: null });
  expect(said).toEqual(['one', 'two']);
});

test('a program that does not exist is an exit with an error', async () => {
  const child = startChild(spawnInGroup, '/nonexistent/program', []);
  expect((await child.exited).error?.message).toContain('ENOENT');
  expect((await child.stop()).code).toBeNull();
});

test('stop ends a child that ignores INT and TERM, and its own children', async () => {
  const child = sh('trap "" INT TERM; sleep 1000 & echo $!; wait; wait');
  const lines = child.lines();
  const grandchild = Buffer.from((await lines.next()).value ?? [])
    .toString()
    .trim();
  const exit = await child.stop([
    { signal: 'SIGINT', afterMs: 0 },
    { signal: 'SIGTERM', afterMs: 20 },
    { signal: 'SIGKILL', afterMs: 20 },
  ]);
  expect(exit.signal).toBe('SIGKILL');
  await expect.poll(() => existsSync(`/proc/${grandchild}/exe`)).toBe(false);
});

test('what a child prints while it is stopping can still be read', async () => {
  const child = sh('trap "echo bye; exit 0" INT; echo hello; while :; do sleep 0.05; done');
  const lines = child.lines();
  expect(Buffer.from((await lines.next()).value ?? []).toString()).toBe('hello\n');
  const exited = child.stop();
  expect(await text(lines)).toBe('bye\n');
  expect((await exited).code).toBe(0);
});
