import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationPattern, parseDuration } from './duration.ts';

test.each([
  ['0', 0],
  ['0s', 0],
  ['500ms', 500],
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1d', 86_400_000],
  ['1w', 604_800_000],
  ['1y', 31_536_000_000],
  ['1y2w3d4h5m6s7ms', 31_536_000_000 + 2 * 604_800_000 + 3 * 86_400_000 + 4 * 3_600_000 + 5 * 60_000 + 6007],
])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(['', '5', '5 m', '1.5h', '-5m', '1m1h', '5m5m', 'm', '5M', '5min', '１m', '5m\n', '101y', '9'.repeat(400) + 's'])(
  '"%s" is none',
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

test('what the schema lets through is a duration, but for the longest ones', () =>
  fc.assert(
    fc.property(fc.stringMatching(new RegExp(durationPattern)), (text) => {
      const ms = parseDuration(text);
      // More than a century is refused, and it takes a number above 90 to say that.
      if (text !== '' && ms === undefined) expect(Math.max(...[...text.matchAll(/\d+/g)].map(Number))).toBeGreaterThan(90);
    }),
  ));
