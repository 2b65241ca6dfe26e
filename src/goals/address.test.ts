import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress, parseAddress } from './address.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0DB8::0001', '2001:db8::1'],
  ['fe80::1:0:0:0', 'fe80::1:0:0:0'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
])('%s is shown as %s (RFC 5952)', (text, shown) => expect(formatAddress(parseAddress(text) ?? new Uint8Array())).toBe(shown));

test.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', 'fe80::1%eth0', '::1/64', '1.2.3.4:80', 'localhost', ':::'])(
  '"%s" is no address',
  (text) => expect(parseAddress(text)).toBeUndefined(),
);

test('what is shown is read back as the same bytes', () =>
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes, mask) => {
      const sparse = bytes.map((byte, i) => ((mask[i & ~1] ?? 0) < 160 ? 0 : byte));
      for (const value of [bytes, sparse]) expect(parseAddress(formatAddress(value))).toEqual(value);
    }),
  ));
