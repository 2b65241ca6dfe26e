import type { ProblemCode } from './codes.ts';

/** A stretch of a file that a person wrote. Lines and columns count from 1, columns in characters (code points). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Characters to underline; 1 where nothing better is known. */
  readonly length?: number;
  /** The line as it stands in the file, without its line end. */
  readonly text?: string;
}

/** Something that is wrong, in words for the person who reads it. Data, never thrown across a stage. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: 'error' | 'warning';
  /** One sentence that stands alone: what is wrong and what was expected. */
  readonly message: string;
  readonly place?: Place;
  /** What to do next: a sentence, or a command that can be pasted. */
  readonly hint?: string;
  /** What another program or the system said, quoted. */
  readonly cause?: string;
}

/** A value, or the problems that stand in its way. Warnings may come with a value. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const ok = <T>(value: T, problems: readonly Problem[] = []): Result<T> => ({ ok: true, value, problems });
export const fail = (...problems: readonly Problem[]): Result<never> => ({ ok: false, problems });

export const error = (code: ProblemCode, message: string, more: Omit<Problem, 'code' | 'severity' | 'message'> = {}): Problem => ({
  code,
  severity: 'error',
  message,
  ...more,
});

export const warning = (code: ProblemCode, message: string, more: Omit<Problem, 'code' | 'severity' | 'message'> = {}): Problem => ({
  code,
  severity: 'warning',
  message,
  ...more,
});
