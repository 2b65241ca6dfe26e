import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockKernelEngines } from './lock.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'tapline-lock-'));

test('a second run with a kernel engine is refused, and told whose the first is', () => {
  const env = { TAPLINE_RUN_DIR: folder() };
  const first = lockKernelEngines(env);
  const second = lockKernelEngines(env);
  expect(first.ok).toBe(true);
  expect(second.ok).toBe(false);
  expect(second.problems[0]).toMatchObject({ code: 'RUN_SECOND' });
  expect(second.problems[0]?.message).toContain(`process ${process.pid}`);
  if (first.ok) first.value.release();
  expect(lockKernelEngines(env).ok).toBe(true);
});

test.each(['{"pid":1,"started":"never"}', '{"pid":999999999,"started":"1"}', 'garbage', ''])(
  'a lock that a killed run left (%s) holds nobody up',
  (left) => {
    const env = { TAPLINE_RUN_DIR: folder() };
    const first = lockKernelEngines(env);
    const [name = ''] = readdirSync(env.TAPLINE_RUN_DIR);
    writeFileSync(join(env.TAPLINE_RUN_DIR, name), left);
    expect(first.ok && lockKernelEngines(env).ok).toBe(true);
  },
);
