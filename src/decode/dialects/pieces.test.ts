import { expect, test } from 'vitest';
import { Pieces } from './pieces.ts';

const hex = (text: string) =>
  Buffer.from(text, 'latin1')
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
const told = (...pieces: readonly (readonly [offset: number, text: string])[]) => {
  const waiting = new Pieces();
  for (const [offset, text] of pieces) expect(waiting.addBytes('a.b', `p:a.b 1 7 5 ${offset} ${hex(text)}`)).toBe(true);
  return waiting.take(1, 7).whole(5, '');
};

test('pieces of bytes are joined by their offsets, a NUL between two arguments is a space, the last one is none', () => {
  expect(told([0, 'sh\0-c\0'], [6, 'echo "a"\0'])).toEqual({ text: 'sh -c echo "a"', size: 15 });
  expect(told([0, 'abc'], [2, 'cdef'])).toEqual({ text: 'abcdef', size: 6 });
  expect(told([0, '\0\0'])).toEqual({ text: ' ', size: 2 });
});

test('what follows a gap is left out: the text is then shorter than its record says', () =>
  expect(told([0, 'abc'], [9, 'xyz'])).toEqual({ text: 'abc', size: 3 }));

test('a character that a piece cut in two, and a byte that is no UTF-8', () => {
  const e = Buffer.from('é').toString('latin1');
  expect(told([0, `x${e[0]}`], [2, `${e[1]}\xff`])).toEqual({ text: 'xé\udcff', size: 4 });
});

test('two texts of one record, another record, another goal, and what is no such line', () => {
  const pieces = new Pieces();
  for (const line of [`p:a.b 0 1 2 0 ${hex('one')}`, `p:a.b 0 1 4 0 ${hex('two')}`, `p:a.b 0 2 2 0 ${hex('later')}`])
    expect(pieces.addBytes('a.b', line)).toBe(true);
  expect(pieces.addBytes('a.b', `p:c.d 0 1 2 3 ${hex('other')}`)).toBe(true);
  for (const line of ['', 'p:a.b 0 1 2', 'p:a.b 0 1 2 0 zz', 'x']) expect(pieces.addBytes('a.b', line)).toBe(false);
  const first = pieces.take(0, 1);
  expect([first.whole(2, '').text, first.whole(4, '').text, first.whole(6, 'own').text]).toEqual(['one', 'two', 'own']);
  expect(pieces.take(0, 2).whole(2, '').text).toBe('later');
  expect(pieces.take(0, 1).whole(2, 'gone').text).toBe('gone');
});

test('records that never come do not fill the memory', () => {
  const pieces = new Pieces();
  for (let seq = 0; seq < 5000; seq++) pieces.addBytes('a.b', `p:a.b 0 ${seq} 2 0 61`);
  let kept = 0;
  for (let seq = 0; seq < 5000; seq++) if (pieces.take(0, seq).whole(2, '').text === 'a') kept++;
  expect(kept).toBeLessThanOrEqual(1024);
  expect(pieces.addBytes('a.b', 'p:a.b 0 9 2 8193 61')).toBe(true);
  expect(pieces.take(0, 9).whole(2, '').text).toBe('');
});
