import type { ProblemCode } from '../problem/codes.ts';

/** A piece of an annotation: text as it stands, or a field. Offsets are UTF-16 positions in the annotation. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string; readonly start: number; readonly end: number };

/** A brace that stands for nothing; told at load. */
export interface TemplateMistake {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint: string;
  readonly start: number;
  readonly end: number;
}

const opening = '{{';
const closing = '}}';

/** The parts of an annotation. What is no `{{ field }}` stays text: `templateMistakes` says what is wrong with it. */
export function parseTemplate(text: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  const plain = (piece: string) => piece !== '' && parts.push({ kind: 'text', text: piece });
  let from = 0;
  for (let open = text.indexOf(opening); open >= 0; open = text.indexOf(opening, from)) {
    const close = text.indexOf(closing, open);
    if (close < 0) break;
    plain(text.slice(from, open));
    const inner = text.slice(open + 2, close);
    const name = inner.trim().replace(/^\$labels\./, '');
    const start = open + 2 + inner.length - inner.trimStart().length;
    if (/^\w+$/.test(name)) parts.push({ kind: 'field', name, start, end: start + inner.trim().length });
    else plain(text.slice(open, close + 2));
    from = close + 2;
  }
  plain(text.slice(from));
  return parts;
}

/** Braces that are opened and not closed, or hold something else than a field. */
export function templateMistakes(text: string): TemplateMistake[] {
  const mistakes: TemplateMistake[] = [];
  const hint = 'Write {{ field }}, for example {{ daddr }}.';
  let from = 0;
  for (let open = text.indexOf(opening); open >= 0; open = text.indexOf(opening, from)) {
    const close = text.indexOf(closing, open);
    if (close < 0) {
      mistakes.push({ code: 'RULE_BAD_TEMPLATE', message: '"{{" is never closed.', hint, start: open, end: open + 2 });
      break;
    }
    const inner = text.slice(open + 2, close).trim();
    if (!/^(\$labels\.)?\w+$/.test(inner))
      mistakes.push({ code: 'RULE_BAD_TEMPLATE', message: `"{{ ${inner} }}" is no field.`, hint, start: open, end: close + 2 });
    from = close + 2;
  }
  return mistakes;
}

/** The text with its fields put in; an unknown one prints `unknown`. Values are data: nothing in them is looked at again. */
export const renderTemplate = (parts: readonly TemplatePart[], lookup: (field: string) => string | undefined): string =>
  parts.map((part) => (part.kind === 'text' ? part.text : (lookup(part.name) ?? 'unknown'))).join('');
