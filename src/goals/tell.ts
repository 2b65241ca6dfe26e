import type { Path } from '../config/source.ts';
import type { ProblemCode } from '../problem/codes.ts';
import { error, warning, type Problem } from '../problem/problem.ts';
import type { RawRule } from '../rules/load.ts';

/** Collects the problems of one rule; paths are below the rule. */
export interface Tell {
  error(code: ProblemCode, message: string, path: Path, hint?: string): void;
  warning(code: ProblemCode, message: string, path: Path, hint?: string): void;
  /** At the key instead of its value. */
  errorAtKey(code: ProblemCode, message: string, path: Path, hint?: string): void;
  /** At a path of the whole file, e.g. of the rule's group. */
  errorAt(code: ProblemCode, message: string, path: Path, hint?: string): void;
  /** At a stretch of the text of a value. */
  errorWithin(code: ProblemCode, message: string, path: Path, start: number, end: number, hint?: string): void;
}

export function teller({ source, path: rule }: Pick<RawRule, 'source' | 'path'>, problems: Problem[]): Tell {
  const more = (hint: string | undefined) => (hint === undefined ? {} : { hint });
  return {
    error: (code, message, path, hint) => problems.push(error(code, message, { place: source.place([...rule, ...path]), ...more(hint) })),
    warning: (code, message, path, hint) => problems.push(warning(code, message, { place: source.place([...rule, ...path]), ...more(hint) })),
    errorAtKey: (code, message, path, hint) => problems.push(error(code, message, { place: source.place([...rule, ...path], 'key'), ...more(hint) })),
    errorAt: (code, message, path, hint) => {
      // A mistake of the group stands in all its rules, and is told once.
      const place = source.place(path);
      const same = (each: Problem) => each.code === code && each.place?.file === place.file && each.place.line === place.line && each.place.column === place.column;
      if (!problems.some(same)) problems.push(error(code, message, { place, ...more(hint) }));
    },
    errorWithin: (code, message, path, start, end, hint) => problems.push(error(code, message, { place: source.within([...rule, ...path], start, end), ...more(hint) })),
  };
}
