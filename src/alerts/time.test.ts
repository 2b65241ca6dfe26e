import { expect, test } from 'vitest';
import { durationText, rfc3339 } from './time.ts';

test('RFC 3339 in UTC with six digits', () => {
  expect(rfc3339(0)).toBe('1970-01-01T00:00:00.000000Z');
  expect(rfc3339(1_795_410_193_698_123)).toBe('2026-11-23T05:03:13.698123Z');
  expect(rfc3339(1_795_410_193_000_001.75)).toBe('2026-11-23T05:03:13.000001Z');
});

test('a time that cannot be said becomes its nearest end and never throws', () => {
  expect([-1, NaN, -Infinity].map(rfc3339)).toEqual(Array(3).fill('1970-01-01T00:00:00.000000Z'));
  expect([1e300, Infinity].map((us) => rfc3339(us).slice(0, 19))).toEqual(Array(2).fill('2255-06-05T23:47:34'));
});

test('durations as a rule file says them', () => {
  expect([0, 500, 90_000, 14_400_000, 604_800_000, 61_001].map(durationText)).toEqual(['0s', '500ms', '1m30s', '4h', '7d', '1m1s1ms']);
});
