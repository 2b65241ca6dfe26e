/** Bytes that follow a type's 12 (linux/btf.h), by kind: a fixed part and one for each of `vlen`. */
const tails: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  1: [4, 0],
  3: [12, 0],
  4: [0, 12],
  5: [0, 12],
  6: [0, 8],
  13: [0, 8],
  14: [4, 0],
  15: [0, 12],
  17: [4, 0],
  19: [0, 12],
};
const structKind = 4;

/**
 * Byte offset of a direct member of a kernel struct, from the kernel's own BTF (/sys/kernel/btf/vmlinux); undefined where
 * there is none. bpftrace has offsetof() only from 0.18 on.
 */
export function memberOffset(btf: Buffer, struct: string, member: string): number | undefined {
  if (btf.length < 24 || btf.readUInt16LE(0) !== 0xeb9f) return undefined;
  const header = btf.readUInt32LE(4);
  const types = header + btf.readUInt32LE(8);
  const typesEnd = types + btf.readUInt32LE(12);
  const strings = header + btf.readUInt32LE(16);
  const isNamed = (at: number, name: string) =>
    btf.compare(Buffer.from(`${name}\0`), 0, undefined, strings + at, strings + at + name.length + 1) === 0;
  for (let at = types; at + 12 <= typesEnd;) {
    const info = btf.readUInt32LE(at + 4);
    const kind = (info >> 24) & 0x1f;
    const count = info & 0xffff;
    const [fixed, each] = tails[kind] ?? [0, 0];
    if (kind === structKind && count > 0 && isNamed(btf.readUInt32LE(at), struct)) {
      for (let i = 0; i < count; i++) {
        const entry = at + 12 + 12 * i;
        const bits = btf.readUInt32LE(entry + 8);
        // With the kind flag the upper byte is a bit field's width.
        if (isNamed(btf.readUInt32LE(entry), member)) return (info >>> 31 === 1 ? bits & 0xffffff : bits) / 8;
      }
    }
    at += 12 + fixed + each * count;
  }
  return undefined;
}
