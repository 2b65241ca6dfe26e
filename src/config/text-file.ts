import { isUtf8 } from 'node:buffer';
import { error, fail, ok, type Place, type Result } from '../problem/problem.ts';

/** The text of a file, without a byte order mark, and the places of its offsets (UTF-16 units). */
export class TextFile {
  readonly file: string;
  readonly text: string;
  readonly #lineStarts: number[] = [0];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
  }

  /** Errors: CONFIG_NOT_UTF8 at the first byte that is none. */
  static decode(file: string, bytes: Uint8Array): Result<TextFile> {
    const text = new TextDecoder('utf-8').decode(bytes);
    if (isUtf8(bytes)) return ok(new TextFile(file, text));
    const again = new TextEncoder().encode(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    const at = bytes.findIndex((byte, i) => byte !== again[i]);
    const place = new TextFile(file, text).place(new TextDecoder('utf-8').decode(bytes.subarray(0, at)).length);
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const byte = `0x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`;
    return fail(
      error('CONFIG_NOT_UTF8', `The byte ${byte} here is no UTF-8.`, {
        place,
        hint: `Save the file as UTF-8, or: iconv -f ${utf16 ? 'utf-16' : 'latin1'} -t utf-8.`,
      }),
    );
  }

  /** The place from `start` to before `end`, cut at the end of the line. */
  place(start: number, end = start + 1): Place {
    const at = Math.min(start, this.text.length);
    const line = this.#lineOf(at);
    const from = this.#lineStarts[line] ?? 0;
    const next = this.#lineStarts[line + 1];
    const text = this.text.slice(from, next === undefined ? undefined : next - 1).replace(/\r$/, '');
    const stop = Math.min(end, from + text.length);
    return {
      file: this.file,
      line: line + 1,
      column: characters(this.text, from, at) + 1,
      length: Math.max(1, characters(this.text, at, stop)),
      text: withoutSecrets(text),
    };
  }

  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** A password that somebody wrote into the file is not shown with the line; a variable is none. */
const withoutSecrets = (line: string): string =>
  line.replace(
    /(\b\w*(?:password|passphrase|secret|token)["']?\s*:\s+)("[^"]*"|'[^']*'|[^\s,}"'#][^\s,}]*)/gi,
    (written, key: string, value: string) => (value.includes('${') ? written : key + '*'.repeat(characters(value, 0, value.length))),
  );

/** Code points between two offsets. */
function characters(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; count++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return count;
}
