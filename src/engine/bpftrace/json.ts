import { textOf } from '../../goals/text.ts';
import { overlongMark } from '../child.ts';

/**
 * A line of `bpftrace -f json`; undefined where it is no JSON. bpftrace (0.17 to 0.27 at least) prints a byte B >= 0x80 of a string
 * as `\uffffffB`: such an escape is turned back into the byte, without mistaking a backslash that the text itself contains.
 */
export function parseBpftrace(chunk: Uint8Array, start: number, end: number): unknown {
  if (chunk[start] === overlongMark) return undefined;
  const line = Buffer.from(chunk.buffer, chunk.byteOffset + start, end - start);
  try {
    if (!line.includes('\\uffffff')) return JSON.parse(textOf(line));
    const mended = line
      .toString('latin1')
      .replace(/\\(?:uffffff([89a-f][0-9a-f])|[^])/g, (escape: string, hex: string | undefined) =>
        hex === undefined ? escape : String.fromCharCode(parseInt(hex, 16)),
      );
    return JSON.parse(textOf(Buffer.from(mended, 'latin1')));
  } catch {
    return undefined;
  }
}
