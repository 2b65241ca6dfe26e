import { createHash } from 'node:crypto';

/** What a compiled kernel module says about itself, and of its content. */
export interface KernelObject {
  /** The name that the kernel will know it by; undefined where it says none. */
  readonly name?: string;
  /** "7.2.12-amd64" of `vermagic=7.2.12-amd64 SMP preempt mod_unload`. */
  readonly kernel?: string;
  /** Whether a signature stands behind it. */
  readonly signed: boolean;
  /** SHA-256 of the module without its signature, 64 hex digits: signing it later changes nothing. */
  readonly sha256: string;
}

/** The kernel's mark (include/linux/module_signature.h: MODULE_SIG_STRING) and the structure before it. */
const signatureMark = Buffer.from('~Module signature appended~\n', 'latin1');
const signatureStruct = 12;

/** Reads a .ko: ELF of either width, little-endian; undefined where it is none. Its section .modinfo holds NAME=VALUE strings, each ended by NUL. */
export function readKernelObject(file: Buffer): KernelObject | undefined {
  const signatureBytes = signatureLength(file);
  const content = file.subarray(0, file.length - signatureBytes);
  const modinfo = section(content, '.modinfo');
  if (modinfo === undefined) return undefined;
  const values = new Map(
    modinfo
      .toString('latin1')
      .split('\0')
      .filter((text) => text.includes('='))
      .map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  const kernel = values.get('vermagic')?.split(' ')[0];
  const name = values.get('name');
  return {
    ...(name !== undefined && { name }),
    ...(kernel !== undefined && { kernel }),
    signed: signatureBytes > 0,
    sha256: createHash('sha256').update(content).digest('hex'),
  };
}

/** Bytes of the appended signature with its structure and mark; 0 without one. The structure ends in the signature's length (big-endian). */
function signatureLength(file: Buffer): number {
  const end = file.length - signatureMark.length;
  if (end < signatureStruct || !file.subarray(end).equals(signatureMark)) return 0;
  const length = file.readUInt32BE(end - 4) + signatureStruct + signatureMark.length;
  return length <= file.length ? length : 0;
}

function section(file: Buffer, wanted: string): Buffer | undefined {
  try {
    if (file.readUInt32BE(0) !== 0x7f454c46 || file[5] !== 1) return undefined;
    const wide = file[4] === 2;
    const word = (at: number) => (wide ? Number(file.readBigUInt64LE(at)) : file.readUInt32LE(at));
    const [headers, size, count, names] = wide
      ? [word(40), file.readUInt16LE(58), file.readUInt16LE(60), file.readUInt16LE(62)]
      : [word(32), file.readUInt16LE(46), file.readUInt16LE(48), file.readUInt16LE(50)];
    const content = (index: number) => {
      const at = headers + index * size;
      const [start, length] = [word(at + (wide ? 24 : 16)), word(at + (wide ? 32 : 20))];
      return file.subarray(start, start + length);
    };
    const table = content(names);
    for (let index = 0; index < count; index++) {
      const from = file.readUInt32LE(headers + index * size);
      if (table.toString('latin1', from, table.indexOf(0, from)) === wanted) return content(index);
    }
    return undefined;
  } catch (cause) {
    if (cause instanceof RangeError) return undefined; // It ends before what it says it has.
    throw cause;
  }
}
