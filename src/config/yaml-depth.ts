import { Lexer } from 'yaml';

/** What the lexer puts between pieces of the text, and is none itself (yaml/src/parse/cst.ts); after `scalar` comes a text. */
const marks = new Set(['\u0002', '\u0018', '\u001f']);
const scalar = '\u001f';

/**
 * The offset at which brackets, or "- - -" on one line, nest deeper than `most`; undefined where none do. Looked at before the
 * text is parsed, because the parser calls itself for each level, and a stack that is full can take the process down.
 */
export function tooDeepAt(text: string, most: number): number | undefined {
  let at = 0;
  let open = 0;
  let dashes = 0;
  let inScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (marks.has(token)) {
      inScalar = token === scalar;
      continue;
    }
    if (!inScalar) {
      if (token === '[' || token === '{') open++;
      else if (token === ']' || token === '}') open = Math.max(0, open - 1);
      else if (open === 0 && (token === '-' || token === '?' || token === ':')) dashes++;
      else if (token.endsWith('\n')) dashes = 0;
      if (open + dashes > most) return at;
    }
    inScalar = false;
    at += token.length;
  }
  return undefined;
}
