import { isIPv4, isIPv6 } from 'node:net';

/** Bytes 0 to 11 of an IPv4 address as 16 bytes (RFC 4291 2.5.5.2). */
const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** An IPv4 or IPv6 address as 16 bytes, IPv4 mapped; undefined where the text is none (a zone, a port, a prefix length are not part of one). */
export function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from([...mappedPrefix, ...text.split('.').map(Number)]);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = withoutDots(text).split('::');
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = tail === undefined ? left : [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** 16 bytes from `at` on, as RFC 5952 has it; a mapped IPv4 address as IPv4. */
export function formatAddress(bytes: Uint8Array, at = 0): string {
  if (isMapped(bytes, at)) return `${bytes[at + 12]}.${bytes[at + 13]}.${bytes[at + 14]}.${bytes[at + 15]}`;
  const parts: string[] = [];
  const values: number[] = [];
  for (let i = 0; i < 16; i += 2) values.push(((bytes[at + i] ?? 0) << 8) | (bytes[at + i + 1] ?? 0));
  const { start, length } = longestZeroes(values);
  for (let i = 0; i < 8; i++) {
    if (length > 1 && i === start) {
      parts.push(i === 0 ? ':' : '');
      i += length - 1;
      if (i === 7) parts.push('');
    } else parts.push((values[i] ?? 0).toString(16));
  }
  return parts.join(':');
}

export const isMapped = (bytes: Uint8Array, at = 0): boolean => mappedPrefix.every((byte, i) => bytes[at + i] === byte);

const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));

/** "::ffff:192.0.2.1" -> "::ffff:c000:201" */
const withoutDots = (text: string) =>
  text.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) =>
      `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
  );

/** RFC 5952 4.2: the longest run of zero groups, the first of equals; a single group is not shortened. */
function longestZeroes(values: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let i = 0; i < values.length; i++) {
    let end = i;
    while (end < values.length && values[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    i = Math.max(i, end);
  }
  return best;
}
