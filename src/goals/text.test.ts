import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, textOf } from './text.ts';

test('any bytes survive the way to text and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(Buffer.from(bytesOf(textOf(bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

test('any text that is well formed survives the way to bytes and back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(textOf(bytesOf(text))).toBe(text);
    }),
  );
});

test('a byte that is no UTF-8 is one lone surrogate; UTF-8 around it stays', () => {
  expect(textOf(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0x80]))).toBe('a\udcffé\udc80');
});

test('overlong forms and encoded surrogates are no UTF-8', () => {
  expect(textOf(Buffer.from([0xc0, 0xaf]))).toBe('\udcc0\udcaf');
  expect(textOf(Buffer.from([0xed, 0xa0, 0x80]))).toBe('\udced\udca0\udc80');
});
