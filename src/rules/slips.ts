/** What a person meant who wrote something that is no CEL; offsets are UTF-16 positions in the condition. */
export interface Slip {
  readonly message: string;
  readonly hint?: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The slip that explains why parsing stopped at `start` .. `end`: other languages' operators, units behind numbers, texts without
 * quotes. `said` is the parser's own message, which is put into plain words where no slip is recognised.
 */
export function slipAt(text: string, said: string, start: number, end: number): Slip {
  for (const { pattern, tell } of slips)
    for (const found of text.matchAll(pattern)) {
      const stretch = { start: found.index, end: found.index + found[0].length };
      // The parser stops inside what it does not understand, or right behind it.
      if (
        start >= stretch.start &&
        (start <= stretch.end || text.slice(stretch.end, start).trim() === '') &&
        !insideQuotes(text, stretch.start)
      )
        return { ...tell(found[0]), ...stretch };
    }
  return { message: `The condition cannot be read: ${inWords(said)}.`, start, end };
}

const insteadOf = (right: string) => (wrong: string) => ({ message: `"${wrong}" is no operator here; write "${right}".` });

const slips: readonly { readonly pattern: RegExp; readonly tell: (wrong: string) => { readonly message: string; readonly hint?: string } }[] = [
  { pattern: /\band\b/gi, tell: insteadOf('&&') },
  { pattern: /\bor\b/gi, tell: insteadOf('||') },
  { pattern: /\bnot\b(?=\s)/gi, tell: insteadOf('!') },
  { pattern: /<>/g, tell: insteadOf('!=') },
  { pattern: /=~|!~/g, tell: (wrong) => ({ message: `"${wrong}" is no operator here: conditions have no regular expressions.`, hint: 'Use startsWith, endsWith, contains, == or in.' }) },
  { pattern: /={3}/g, tell: insteadOf('==') },
  { pattern: /!==/g, tell: insteadOf('!=') },
  { pattern: /(?<![=<>!])=(?![=~])/g, tell: insteadOf('==') },
  { pattern: /\bin\s*\([^()]*\)/g, tell: () => ({ message: 'A list stands in square brackets: in [80, 443].' }) },
  { pattern: /(?<!&)&(?!&)|(?<!\|)\|(?!\|)|<<|>>|\^|~/g, tell: (wrong) => ({ message: `"${wrong}" is no operator here${wrong === '&' || wrong === '|' ? `; did you mean "${wrong}${wrong}"?` : '.'}`, hint: 'There are no operators on bits; the lowest two bits of a number are its remainder: flags % 4.' }) },
  { pattern: /(?<![\w.])\d+(?:\.\d+){3}(?:\/\d+)?(?![\w.])/g, tell: (wrong) => ({ message: `An address stands in quotes: write "${wrong}".` }) },
  { pattern: /\b\d[\d.]*(?:ms|us|ns|s|m|h|d|k|kb|mb|gb|b)\b/gi, tell: (wrong) => ({ message: `"${wrong}" is no number: numbers stand without a unit.`, hint: 'The unit of each field is its own: tapline goals GOAL lists them.' }) },
  { pattern: /\b\d{1,3}(?:[_ ,]\d{3})+\b/g, tell: (wrong) => ({ message: `"${wrong}" is no number; write ${wrong.replace(/[_ ,]/g, '')}.` }) },
  { pattern: /#/g, tell: () => ({ message: '"#" cannot stand in a condition.', hint: 'A comment stands on a line of its own above `where`.' }) },
  { pattern: /[“”„«»‘’]/g, tell: (wrong) => ({ message: `${wrong} is no quote here; write ".` }) },
]; // prettier-ignore

/** True where an odd number of quotes stands before `at`. */
function insideQuotes(text: string, at: number): boolean {
  let open = '';
  for (let i = 0; i < at; i++) {
    const character = text[i] ?? '';
    if (open === '') open = character === '"' || character === "'" ? character : '';
    else if (character === '\\') i++;
    else if (character === open) open = '';
  }
  return open !== '';
}

function inWords(said: string): string {
  const name = (token: string) => tokens[token] ?? token;
  return said
    .replace(/^Unexpected token: EOF/, 'something is missing at the end')
    .replace(/^Unexpected token: (\w+)/, (_, token: string) => `${name(token)} cannot stand here`)
    .replace(/^Expected (\w+), got EOF/, (_, token: string) => `${name(token)} is missing at the end`)
    .replace(/^Expected (\w+), got (\w+)/, (_, wanted: string, got: string) => `${name(wanted)} was expected, not ${name(got)}`)
    .replace(/^Unexpected character: '?(.+?)'?$/, '"$1" was not expected here')
    .replace(/^Unterminated string/, 'the text has no closing quote')
    .replace(/^Reserved identifier: (\w+)/, '"$1" is a reserved word of CEL')
    .replace(/^Invalid escape sequence: (.*)/, '$1 is no escape; a backslash itself is \\\\')
    .replace(/^Exceeded (\w+) \((\d+)\)/, 'it is larger or nested deeper than can be read ($1 $2)');
}

const tokens: Readonly<Record<string, string>> = {
  RPAREN: '")"', LPAREN: '"("', RBRACKET: '"]"', LBRACKET: '"["', RBRACE: '"}"', LBRACE: '"{"', AND: '"&&"', OR: '"||"', EQ: '"=="', NE: '"!="',
  LT: '"<"', LE: '"<="', GT: '">"', GE: '">="', PLUS: '"+"', MINUS: '"-"', MULTIPLY: '"*"', DIVIDE: '"/"', MODULO: '"%"', NOT: '"!"', IN: '"in"',
  COLON: '":"', QUESTION: '"?"', COMMA: '","', DOT: '"."', IDENTIFIER: 'a name', NUMBER: 'a number', STRING: 'a text', BOOLEAN: 'true or false',
}; // prettier-ignore
