import { formatAddress, isMapped, parseAddress } from './address.ts';

/** A network, IPv4 mapped into IPv6 (RFC 4291 2.5.5.2). */
export interface Network {
  readonly family: 4 | 6;
  /** 16 bytes, those beyond the prefix 0. */
  readonly bytes: Uint8Array;
  /** Length of the prefix within the 16 bytes: 104 for 10.0.0.0/8. */
  readonly bits: number;
  /** False where bits beyond the prefix were set in what was written. */
  readonly exact: boolean;
}

/** "10.0.0.0/8", "2001:db8::/32"; undefined where the text is none. An IPv6 network with a mapped IPv4 address is an IPv4 network. */
export function parseNetwork(text: string): Network | undefined {
  const [, written = '', length = ''] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseAddress(written);
  if (address === undefined) return undefined;
  const bits = written.includes(':') ? Number(length) : Number(length) + 96;
  if (bits > 128) return undefined;
  const mask = maskOf(bits);
  const bytes = address.map((byte, i) => byte & (mask[i] ?? 0));
  return {
    family: bits >= 96 && isMapped(bytes) ? 4 : 6,
    bytes,
    bits,
    exact: address.every((byte, i) => byte === bytes[i]),
  };
}

/** 16 bytes with that many leading ones. */
export const maskOf = (bits: number): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => (0xff00 >> Math.min(Math.max(bits - 8 * i, 0), 8)) & 0xff);

export const formatNetwork = ({ family, bytes, bits }: Network): string =>
  family === 4 ? `${formatAddress(bytes)}/${bits - 96}` : `${formatAddress(bytes)}/${bits}`;

/** Whether the 16 bytes from `at` on are an address of the network. An IPv4 address is in no IPv6 network, nor the other way round. */
export function contains({ family, bytes, bits }: Network, address: Uint8Array, at = 0): boolean {
  if (family === 6 && isMapped(address, at)) return false;
  for (let i = 0; 8 * i < bits; i++) {
    const shift = Math.max(8 * (i + 1) - bits, 0);
    if ((address[at + i] ?? 0) >> shift !== (bytes[i] ?? 0) >> shift) return false;
  }
  return true;
}

/** Whether the prefix of an IPv6 network also stands before mapped IPv4 addresses, which are none of it. */
export function coversMapped({ family, bytes, bits }: Network): boolean {
  const mask = maskOf(bits);
  return family === 6 && bits < 96 && bytes.every((byte, i) => byte === ((i === 10 || i === 11 ? 0xff : 0) & (mask[i] ?? 0)));
}
