import { expect, test } from 'vitest';
import { afterEnd, noRestarts, type Restart } from './restart.ts';

const limits = { firstMs: 500, maxMs: 3000, healthyMs: 60_000, attempts: 6 };
const endings = (count: number, readyMs: number) => {
  const all: Restart[] = [];
  for (let i = 0, state = noRestarts; i < count; i++) {
    const next = afterEnd(state, readyMs, limits);
    all.push(next);
    state = next.state;
  }
  return all.map((restart) => (restart.again ? restart.delayMs : 'given up'));
};

test('waits twice as long each time, up to the longest wait, then gives up', () =>
  expect(endings(6, 0)).toEqual([500, 1000, 2000, 3000, 3000, 'given up']));

test('a run that was healthy begins a new count', () => expect(endings(8, 60_000)).toEqual(new Array(8).fill(500)));

test('a run that was ready, but not for long enough, does not', () => expect(endings(2, 59_999)).toEqual([500, 1000]));
