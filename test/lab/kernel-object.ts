/** The smallest ELF that says of itself what a compiled kernel module says: a section table with .modinfo and its names. 64 bit, little-endian. */
export function kernelObject(name: string, kernel: string): Buffer {
  const modinfo = Buffer.from(`license=GPL\0name=${name}\0vermagic=${kernel} SMP preempt mod_unload \0`, 'latin1');
  const names = Buffer.from('\0.modinfo\0.shstrtab\0', 'latin1');
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const sectionHeader = (nameAt: number, start: number, length: number) => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(nameAt, 0);
    bytes.writeBigUInt64LE(BigInt(start), 24);
    bytes.writeBigUInt64LE(BigInt(length), 32);
    return bytes;
  };
  const [modinfoAt, namesAt] = [64, 64 + modinfo.length];
  header.writeBigUInt64LE(BigInt(namesAt + names.length), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(3, 60);
  header.writeUInt16LE(2, 62);
  return Buffer.concat([
    header,
    modinfo,
    names,
    sectionHeader(0, 0, 0),
    sectionHeader(1, modinfoAt, modinfo.length),
    sectionHeader(10, namesAt, names.length),
  ]);
}

/** The same with what the kernel's sign-file appends; the signature itself is no real one. */
export function signed(object: Buffer): Buffer {
  const signature = Buffer.alloc(300, 7);
  const about = Buffer.alloc(12);
  about.writeUInt32BE(signature.length, 8);
  return Buffer.concat([object, signature, about, Buffer.from('~Module signature appended~\n', 'latin1')]);
}
