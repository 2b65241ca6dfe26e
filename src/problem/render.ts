import { isAbsolute, relative } from 'node:path';
import { codes } from './codes.ts';
import { printable } from './printable.ts';
import type { Place, Problem } from './problem.ts';
import { widthOf } from './width.ts';

export interface RenderOptions {
  /** Files below it are shown relative to it. */
  readonly cwd: string;
  readonly colour?: boolean;
  /** long: with the source line, the hint and the cause. short: the first line only, as editors read it. */
  readonly format?: 'long' | 'short';
}

const widest = 120;

/** All problems as text, in the order of files and places, each line ended. */
export function renderProblems(problems: readonly Problem[], options: RenderOptions): string {
  const paint =
    options.colour === true ? (style: string, text: string) => `\u001b[${style}m${text}\u001b[0m` : (_: string, text: string) => text;
  return inFileOrder(problems)
    .map((problem) => {
      const colour = problem.severity === 'error' ? '1;31' : '1;33';
      const at = problem.place === undefined ? '' : `${shownPlace(problem.place, options.cwd)}: `;
      const lines = [`${at}${paint(colour, `${problem.severity} ${problem.code}`)}: ${printable(problem.message)}`];
      if (options.format === 'short') return `${lines.join('')}\n`;
      if (problem.place?.text !== undefined) lines.push(...excerpt(problem.place, (caret) => paint(colour, caret)));
      if (problem.cause !== undefined) lines.push(`  cause: ${printable(problem.cause)}`);
      if (problem.hint !== undefined) lines.push(`  hint: ${printable(problem.hint)}`);
      return lines.map((line) => `${line}\n`).join('');
    })
    .join('');
}

/** One object in the manner of `terraform validate -json`. */
export function problemsJson(problems: readonly Problem[], cwd: string) {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  return {
    format_version: '1.0',
    valid: errors === 0,
    error_count: errors,
    warning_count: problems.length - errors,
    diagnostics: inFileOrder(problems).map(({ code, severity, message, place, hint, cause }) => ({
      code,
      severity,
      summary: codes[code].summary,
      detail: message,
      ...(place && {
        range: {
          filename: shownFile(place.file, cwd),
          start: { line: place.line, column: place.column },
          end: { line: place.line, column: place.column + (place.length ?? 1) },
        },
      }),
      ...(place?.text !== undefined && { snippet: place.text }),
      ...(cause !== undefined && { cause }),
      fix: hint ?? codes[code].fix,
    })),
  };
}

/** Problems without a place come first; files stand in the order in which they first appear. */
function inFileOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((problem) => problem.place?.file))];
  const rank = new Map(files.map((file, index) => [file, file === undefined ? -1 : index]));
  return [...problems].sort(
    (a, b) =>
      (rank.get(a.place?.file) ?? 0) - (rank.get(b.place?.file) ?? 0) ||
      (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
      (a.place?.column ?? 0) - (b.place?.column ?? 0),
  );
}

const shownPlace = (place: Place, cwd: string) => `${printable(shownFile(place.file, cwd))}:${place.line}:${place.column}`;

function shownFile(file: string, cwd: string): string {
  const near = relative(cwd, file);
  return !isAbsolute(file) || near === '' || near.startsWith('..') || isAbsolute(near) ? file : near;
}

/** The source line with what is meant underlined: tabs stay tabs in both lines, wide characters take two carets, a long line is cut around them. */
function excerpt(place: Place, paint: (caret: string) => string): string[] {
  const characters = [...(place.text ?? '')];
  const at = Math.min(place.column - 1, characters.length);
  const length = Math.max(1, Math.min(place.length ?? 1, widest / 2));
  const from = characters.length <= widest ? 0 : Math.max(0, Math.min(at - widest / 3, characters.length - widest));
  const to = Math.min(characters.length, from + widest);
  const shown = (part: readonly string[]) => part.map((character) => (character === '\t' ? '\t' : printable(character))).join('');
  const blank = (part: readonly string[]) => part.map((character) => (character === '\t' ? '\t' : ' '.repeat(widthOf(character)))).join('');
  const under = characters.slice(at, at + length).reduce((sum, character) => sum + (character === '\t' ? 1 : widthOf(character)), 0);
  const margin = `${place.line}`;
  const cut = from > 0 ? '...' : '';
  return [
    `  ${margin} | ${cut}${shown(characters.slice(from, to))}${to < characters.length ? '...' : ''}`,
    `  ${' '.repeat(margin.length)} | ${' '.repeat(cut.length)}${blank(characters.slice(from, at))}${paint('^'.repeat(Math.max(1, under)))}`,
  ];
}
