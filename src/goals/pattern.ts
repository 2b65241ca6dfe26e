import { lineTypes, readPart, type Placeholder } from './pattern-types.ts';

/**
 * What a line of a user's script looks like: `{comm}({pid:int}) open`. Blanks stand for one blank or more, `{name}` for any
 * text, `{name:type}` for a value of that type, `{name:text:16}` for a column of 16 bytes, `{name:text:..15}` for at most 15, `{}` for
 * any text that nobody wants.
 * `{{` and `}}` are braces.
 */
export type PatternPart =
  { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'blanks' } | ({ readonly kind: 'value' } & Placeholder);

export interface Pattern {
  /** As it was written. */
  readonly text: string;
  readonly parts: readonly PatternPart[];
}

/** Offsets are UTF-16 offsets in the pattern. */
export interface PatternMistake {
  readonly message: string;
  readonly hint?: string;
  readonly start: number;
  readonly end: number;
}

export type ParsedPattern = { readonly pattern: Pattern; readonly mistakes: readonly PatternMistake[] };

const longest = 1000;
/** The matcher's work for a byte of a line grows with the pattern's size. */
const mostParts = 64;

/** Reads a pattern. All its mistakes are told; what is right in it is there all the same. Pure. */
export function parsePattern(text: string): ParsedPattern {
  const parts: PatternPart[] = [];
  const mistakes: PatternMistake[] = [];
  const wrong = (message: string, start: number, end: number, hint?: string) =>
    mistakes.push({ message, start, end, ...(hint !== undefined && { hint }) });
  let literal = '';
  const flush = () => {
    if (literal !== '') parts.push({ kind: 'literal', text: literal });
    literal = '';
  };
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? '';
    if ((character === '{' || character === '}') && text[at + 1] === character) {
      literal += character;
      at += 2;
    } else if (character === '}') {
      wrong('This "}" closes nothing.', at, at + 1, 'A brace itself is written "}}".');
      at += 1;
    } else if (character === '{') {
      const close = text.indexOf('}', at);
      if (close < 0) {
        wrong('This "{" is not closed.', at, at + 1, 'A brace itself is written "{{".');
        break;
      }
      const read = readPart(text.slice(at + 1, close));
      if (typeof read === 'string')
        wrong(read, at, close + 1, `Write {name}, {name:TYPE} or {name:text:WIDTH}. Types: ${lineTypes.join(', ')}.`);
      else {
        flush();
        parts.push({ kind: 'value', ...read });
      }
      at = close + 1;
    } else if (character === ' ' || character === '\t') {
      flush();
      if (parts.at(-1)?.kind !== 'blanks') parts.push({ kind: 'blanks' });
      at += 1;
    } else {
      if (/\p{Cc}/u.test(character)) wrong('A line holds no such control character.', at, at + 1);
      literal += character;
      at += 1;
    }
  }
  flush();
  if (text.length > longest) wrong(`A pattern has at most ${longest} characters; this one has ${text.length}.`, 0, text.length);
  if (parts.length > mostParts) wrong(`A pattern has at most ${mostParts} parts; this one has ${parts.length}.`, 0, text.length);
  return { pattern: { text, parts }, mistakes };
}
