import fc from 'fast-check';
import { BlockList } from 'node:net';
import { expect, test } from 'vitest';
import { formatAddress, isMapped, parseAddress } from './address.ts';
import { contains, coversMapped, formatNetwork, parseNetwork } from './network.ts';

test.each([
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['192.0.2.1/32', '192.0.2.1/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:DB8:0::/32', '2001:db8::/32'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['::/0', '::/0'],
])('%s is the network %s', (text, shown) => expect(parseNetwork(text)).toEqual({ ...(parseNetwork(shown) ?? fail()), exact: true }));
const fail = () => {
  throw new Error('no network');
};

test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '::/129', '::/08', '::1%lo/64', '/8', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8'])(
  '"%s" is no network',
  (text) => expect(parseNetwork(text)).toBeUndefined(),
);

test('bits beyond the length are found, and the network is named', () => {
  const network = parseNetwork('10.1.2.3/8') ?? fail();
  expect(network.exact).toBe(false);
  expect(formatNetwork(network)).toBe('10.0.0.0/8');
});

const address = fc.oneof(
  fc.ipV4(),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatAddress(bytes)),
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => formatAddress(bytes.map((byte, i) => (i < 10 ? 0 : i < 12 ? 0xff : byte)))),
);
test('an address is in a network as node:net has it, and IPv4 is in no IPv6 network', () =>
  fc.assert(
    fc.property(address, address, fc.nat(32), fc.nat(128), fc.nat(15), (base, other, v4, v6, kept) => {
      const family = base.includes(':') ? 'ipv6' : 'ipv4';
      const bits = family === 'ipv4' ? v4 : v6;
      const network = parseNetwork(`${base}/${bits}`) ?? fail();
      // One that shares the network's first bytes, so that both answers come up.
      const bytes = (parseAddress(other) ?? fail()).map((byte, i) => (i <= kept ? (network.bytes[i] ?? 0) : byte));
      const near = formatAddress(bytes);
      const list = new BlockList();
      list.addSubnet(base, bits, family);
      const same = (isMapped(bytes) ? 'ipv4' : 'ipv6') === family;
      expect(contains(network, bytes)).toBe(same && list.check(near, family));
    }),
    { numRuns: 2000 },
  ));

test('an IPv6 network whose prefix fits mapped addresses is known as one', () => {
  const covers = ['::/0', '::/80', '::fe00:0:0/87', '::ff00:0:0/88'].map((text) => coversMapped(parseNetwork(text) ?? fail()));
  expect(covers).toEqual([true, true, true, true]);
  const not = ['8000::/1', '::/96', '2001:db8::/32', '10.0.0.0/8', '0.0.0.0/0'].map((text) => coversMapped(parseNetwork(text) ?? fail()));
  expect(not).toEqual([false, false, false, false, false]);
});
