import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, defaultBackoff } from './backoff.ts';

test('doubles from the first to the cap, half of it by chance', () => {
  expect([1, 2, 3, 6, 7, 50, 5000].map((failures) => backoffMs(failures, () => 0))).toEqual([
    500, 1000, 2000, 16_000, 30_000, 30_000, 30_000,
  ]);
  expect([1, 2, 3].map((failures) => backoffMs(failures, () => 0.5))).toEqual([750, 1500, 3000]);
});

test('never shorter than half the first wait, never longer than the cap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (failures, chance) => {
      const ms = backoffMs(failures, () => chance);
      expect(ms).toBeGreaterThanOrEqual(defaultBackoff.firstMs / 2);
      expect(ms).toBeLessThanOrEqual(defaultBackoff.capMs);
    }),
  );
});
