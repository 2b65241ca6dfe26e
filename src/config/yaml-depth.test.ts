import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tooDeepAt } from './yaml-depth.ts';

test.each([
  ['lists', '['.repeat(5) + ']'.repeat(5), 3],
  ['maps', 'a: {b: {c: {d: {e: 1}}}}', 11],
  ['lists of lists on one line', '- - - - 1\n', 6],
])('%s that nest too deeply', (_, text, at) => {
  expect(tooDeepAt(text, 3)).toBe(at);
  expect(tooDeepAt(text, 6)).toBeUndefined();
});

test.each([
  'a: "[[[[["\n',
  'a: x[[[[[\n',
  '# [[[[[\n',
  "a: '{{ x }} {{ y }} {{ z }}'\n",
  'a: |\n  [[[[[\n  - - - -\n',
  '- 1\n- 2\n- 3\n- 4\n- 5\n',
  '[1, [2], [3], [4]]',
  '{a: 1, b: 2, c: 3, d: 4, e: 5}',
])('what is text, a comment, or beside one another is not deep: %j', (text) => expect(tooDeepAt(text, 3)).toBeUndefined());

test('two hundred thousand levels are refused as two hundred are', () =>
  fc.assert(
    fc.property(fc.constantFrom('[', '{', '- ', '{a: ', '[{', '? '), fc.constantFrom(200, 200_000), (opening, times) => {
      expect(tooDeepAt(opening.repeat(times), 128)).toBeGreaterThan(0);
    }),
    { numRuns: 20 },
  ));
