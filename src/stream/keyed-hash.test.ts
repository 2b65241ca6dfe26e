import { expect, test } from 'vitest';
import { keyedHash } from './keyed-hash.ts';

/** Linux lib/tests/siphash_kunit.c, test_vectors_hsiphash for 32 bits, of inputs 00 01 02 ... of 0, 4, 8 bytes. */
test('agrees with hsiphash of Linux', () => {
  const words = Int32Array.of(0x03020100, 0x07060504);
  const hash = (length: number) => keyedHash(words, length, 0x03020100, 0x07060504) >>> 0;
  expect([0, 1, 2].map(hash)).toEqual([0x5814c896, 0x7e059ea6, 0x577999b1]);
});

test('another secret, another hash', () => {
  const words = Int32Array.of(1, 2, 3);
  expect(keyedHash(words, 3, 1, 2)).not.toBe(keyedHash(words, 3, 1, 3));
});
