import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { warning } from '../problem/problem.ts';
import type { CliContext } from './context.ts';
import { Progress } from './progress.ts';

let written: string[];
const context = (isTTY: boolean, env: CliContext['env'] = {}): CliContext => {
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { stdout: stream, stderr: stream, env, cwd: '/' };
};
beforeEach(() => {
  written = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());
const compiling = (text: string) => warning('ENGINE_COMPILING', text);
const compiled = warning('ENGINE_COMPILED', 'Compiled it.');

test('on a terminal: one line that is rewritten each second, cut to its width, gone when it is over', () => {
  const progress = new Progress(context(true));
  expect(progress.take(compiling('Compiling a (1 of 2).'))).toBe(true);
  vi.advanceTimersByTime(2000);
  expect(written).toEqual(['\r\x1b[KCompiling a (1 of 2). 0 s', '\r\x1b[KCompiling a (1 of 2). 1 s', '\r\x1b[KCompiling a (1 of 2). 2 s']);
  progress.take(compiling('Compiling a (1 of 2, 30 s so far).'));
  expect(written).toHaveLength(3);
  progress.take(compiled);
  expect(written.splice(0).at(-1)).toBe('\r\x1b[K');
  vi.advanceTimersByTime(5000);
  expect(written).toEqual([]);
  progress.take(compiling('x'.repeat(100)));
  expect(written[0]?.length).toBeLessThan(70);
  progress.end();
});

test('elsewhere: plain lines, nothing rewritten; other problems are left to others', () => {
  for (const plain of [context(false), context(true, { TERM: 'dumb' })]) {
    written = [];
    const progress = new Progress(plain);
    progress.take(compiling('Compiling a.'));
    vi.advanceTimersByTime(5000);
    progress.take(compiled);
    progress.clear();
    expect(written).toEqual(['Compiling a.\n', 'Compiled it.\n']);
    expect(progress.take(warning('ENGINE_SAID', 'x'))).toBe(false);
  }
});
