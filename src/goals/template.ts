/** A piece of an annotation: text as it stands, or a field. Offsets are UTF-16 positions in the annotation. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string; readonly start: number; readonly end: number };

/** A brace that stands for nothing; told at load as RULE_BAD_TEMPLATE. */
export interface TemplateMistake {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

export interface Template {
  readonly parts: readonly TemplatePart[];
  readonly mistakes: readonly TemplateMistake[];
}

const opening = '{{';
const closing = '}}';

/** `{{ field }}`, or `{{ $labels.field }}` as in Prometheus. What is neither stays text, and is a mistake. */
export function readTemplate(text: string): Template {
  const parts: TemplatePart[] = [];
  const mistakes: TemplateMistake[] = [];
  const plain = (from: number, to: number) => {
    const piece = text.slice(from, to);
    if (piece !== '') parts.push({ kind: 'text', text: piece });
    const stray = piece.indexOf(closing);
    if (stray >= 0 && !piece.startsWith(opening))
      mistakes.push({ message: '"}}" closes nothing.', start: from + stray, end: from + stray + closing.length });
  };
  let from = 0;
  for (let open = text.indexOf(opening); open >= 0; open = text.indexOf(opening, from)) {
    const close = text.indexOf(closing, open);
    if (close < 0) {
      mistakes.push({ message: '"{{" is never closed.', start: open, end: open + opening.length });
      break;
    }
    plain(from, open);
    const inner = text.slice(open + opening.length, close);
    const word = inner.trim();
    const name = /^(?:\$labels\.)?(\w+)$/.exec(word)?.[1];
    const end = close + closing.length;
    if (name === undefined) {
      mistakes.push({ message: wrongWords(word), start: open, end });
      plain(open, end);
    } else {
      const stop = close - (inner.length - inner.trimEnd().length);
      parts.push({ kind: 'field', name, start: stop - name.length, end: stop });
    }
    from = end;
  }
  plain(from, text.length);
  return { parts, mistakes };
}

function wrongWords(inner: string): string {
  if (inner === '') return '"{{ }}" names no field.';
  if (/\$value\b/.test(inner)) return '"$value" is unknown here: an alert has no single value; name the field that is meant.';
  if (/[|\s(]/.test(inner)) return `"{{ ${inner} }}" is no field: templates put in fields, and have no functions.`;
  return `"{{ ${inner} }}" is no field.`;
}

/** The parts of an annotation that was checked before. */
export const parseTemplate = (text: string): readonly TemplatePart[] => readTemplate(text).parts;

/** The text with its fields put in; an unknown one prints `unknown`. Values are data: nothing in them is looked at again. */
export const renderTemplate = (parts: readonly TemplatePart[], lookup: (field: string) => string | undefined): string =>
  parts.map((part) => (part.kind === 'text' ? part.text : (lookup(part.name) ?? 'unknown'))).join('');
