/**
 * HalfSipHash-1-3 of `words[0 .. length)`, the keyed hash of the Linux kernel's own tables (hsiphash, lib/siphash.c): a
 * remote peer that chooses its ports cannot choose which keys collide without knowing the secret `k0`, `k1`. 32 bits.
 */
export function keyedHash(words: Int32Array, length: number, k0: number, k1: number): number {
  let v0 = k0 | 0;
  let v1 = k1 | 0;
  let v2 = k0 ^ 0x6c796765;
  let v3 = k1 ^ 0x74656462;
  // One round for each word and for the length; the last three finish it.
  for (let i = 0; i < length + 4; i++) {
    const word = i < length ? (words[i] ?? 0) : i === length ? length << 26 : 0;
    if (i === length + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
