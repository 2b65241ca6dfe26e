import { expect, test } from 'vitest';
import { CompileQueue } from './queue.ts';

test('the first runs alone, then as many as it is wide; each is told its number; one that fails holds nobody up', async () => {
  const queue = new CompileQueue(2);
  const running: number[] = [];
  const most: number[] = [];
  const ends: (() => void)[] = [];
  const told: string[] = [];
  const work = async (at: number, of: number) => {
    told.push(`${at} of ${of}`);
    running.push(at);
    most.push(running.length);
    await new Promise<void>((resolve) => ends.push(resolve));
    running.splice(running.indexOf(at), 1);
    if (at === 1) throw new Error('the first fails');
  };
  const all = Promise.allSettled([1, 2, 3, 4].map(() => queue.run(work)));
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
  await settle();
  expect(running).toEqual([1]);
  ends.shift()?.();
  await settle();
  expect(running).toEqual([2, 3]);
  ends.shift()?.();
  await settle();
  expect(running).toEqual([3, 4]);
  ends.splice(0).forEach((end) => end());
  expect((await all).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(Math.max(...most)).toBe(2);
  expect(told).toEqual(['1 of 1', '2 of 4', '3 of 4', '4 of 4']);
});
