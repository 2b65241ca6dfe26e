/** How a scalar is written, in the words of the yaml package. */
export type ScalarStyle = 'PLAIN' | 'QUOTE_SINGLE' | 'QUOTE_DOUBLE' | 'BLOCK_FOLDED' | 'BLOCK_LITERAL';

interface Unit {
  readonly text: string;
  readonly at: number;
  /** White space that YAML may fold, keep or drop. */
  readonly soft: boolean;
}

/**
 * For each UTF-16 unit of a scalar's value the offset in `source` that it comes from, and one more for its end. `start` to `end`
 * is the scalar with its quotes or its block header. YAML changes white space only (folding, indentation, YAML 1.2 chapter 6.5),
 * and escapes in double quotes: so all else is found again one by one, and white space lies in between.
 */
export function scalarOffsets(source: string, start: number, end: number, style: ScalarStyle, value: string): number[] {
  const units = unitsOf(source, start, end, style);
  const offsets: number[] = [];
  let j = 0;
  let last = start;
  for (let i = 0; i < value.length;) {
    const unit = units[j];
    const wanted = value[i] ?? '';
    if (unit === undefined) offsets[i++] = last;
    else if (unit.text === wanted && !(unit.soft && wanted === '\n')) {
      last = unit.at + 1;
      offsets[i++] = unit.at;
      j++;
    } else if (isSpace(wanted) && unit.soft) {
      // A run of white space in the value comes from a run in the source; their lengths may differ.
      offsets[i++] = unit.at;
      if (!isSpace(value[i] ?? 'x') || i >= value.length) while (units[j]?.soft === true) j++;
      else if (units[j + 1]?.soft === true) j++;
    } else if (unit.soft) j++;
    else offsets[i++] = unit.at;
  }
  offsets.push(units[j]?.soft === false ? (units[j]?.at ?? last) : last);
  return offsets;
}

const isSpace = (text: string) => text === ' ' || text === '\n' || text === '\t';

function unitsOf(source: string, start: number, end: number, style: ScalarStyle): Unit[] {
  const units: Unit[] = [];
  const literal = (at: number) => {
    const text = source[at] ?? '';
    if (text !== '\r') units.push({ text, at, soft: isSpace(text) });
  };
  if (style === 'PLAIN') for (let at = start; at < end; at++) literal(at);
  if (style === 'BLOCK_FOLDED' || style === 'BLOCK_LITERAL')
    for (let at = source.indexOf('\n', start) + 1; at > 0 && at < end; at++) literal(at);
  if (style === 'QUOTE_SINGLE')
    for (let at = start + 1; at < end - 1; at++) {
      literal(at);
      if (source[at] === "'") at++;
    }
  if (style === 'QUOTE_DOUBLE')
    for (let at = start + 1; at < end - 1; at++) {
      if (source[at] !== '\\') {
        literal(at);
        continue;
      }
      const { text, length } = escaped(source, at);
      for (const unit of text.split('')) units.push({ text: unit, at, soft: false });
      at += length - 1;
    }
  return units;
}

const simple: Readonly<Record<string, string>> = {
  '0': '\0', a: '\u0007', b: '\b', t: '\t', '\t': '\t', n: '\n', v: '\v', f: '\f', r: '\r', e: '\u001b', ' ': ' ', '"': '"', '/': '/', '\\': '\\',
  N: '\u0085', _: '\u00a0', L: '\u2028', P: '\u2029',
}; // prettier-ignore
const hexDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The escape at `at` (YAML 1.2, 5.7): what it stands for, and how long it is. An escaped line end stands for nothing. */
function escaped(source: string, at: number): { readonly text: string; readonly length: number } {
  const kind = source[at + 1] ?? '';
  const digits = hexDigits[kind];
  if (digits !== undefined) {
    const code = Number.parseInt(source.slice(at + 2, at + 2 + digits), 16);
    return { text: code <= 0x10ffff ? String.fromCodePoint(code) : '', length: 2 + digits };
  }
  if (kind === '\n') return { text: '', length: 2 };
  if (kind === '\r') return { text: '', length: 3 };
  return { text: simple[kind] ?? kind, length: 2 };
}
