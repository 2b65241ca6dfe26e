/**
 * Text from a kernel is bytes. Tapline holds it as a string in which a byte that is no UTF-8 is the lone surrogate
 * U+DC80 + (byte - 0x80), as Python's surrogateescape (PEP 383) does: lossless, and JSON can carry it.
 */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `bytes[start .. end)` as text. */
export function textOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let ascii = true;
  for (let i = start; i < end && ascii; i++) ascii = (bytes[i] ?? 0) < 0x80;
  if (ascii) return end - start < 48 ? fromAscii(bytes, start, end) : strict.decode(bytes.subarray(start, end));
  try {
    return strict.decode(bytes.subarray(start, end));
  } catch {
    return escaping(bytes, start, end);
  }
}

/** The bytes that the text stands for: the inverse of `textOf`. A surrogate that stands for no byte becomes U+FFFD. */
export function bytesOf(text: string): Uint8Array {
  if (!/\p{Surrogate}/u.test(text)) return Buffer.from(text, 'utf8');
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(i + 1))) i++;
    else if (unit >= 0xdc80 && unit <= 0xdcff) {
      parts.push(Buffer.from(text.slice(from, i), 'utf8'), Uint8Array.of(unit - 0xdc00));
      from = i + 1;
    }
  }
  parts.push(Buffer.from(text.slice(from), 'utf8'));
  return Buffer.concat(parts);
}

const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;

function fromAscii(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

/** Decodes what is UTF-8 (RFC 3629: no surrogates, no overlong forms) and keeps each other byte apart. */
function escaping(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end;) {
    const length = Math.min(sequenceLength(bytes[i] ?? 0), end - i);
    const piece = length > 0 ? decodeStrictly(bytes.subarray(i, i + length)) : undefined;
    text += piece ?? String.fromCharCode(0xdc00 + (bytes[i] ?? 0));
    i += piece === undefined ? 1 : length;
  }
  return text;
}

const sequenceLength = (lead: number) => (lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0);

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
