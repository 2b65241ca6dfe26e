import type { Path } from '../config/source.ts';
import type { ProblemCode } from '../problem/codes.ts';
import { error, warning, type Place, type Problem } from '../problem/problem.ts';
import type { RawRule } from '../rules/load.ts';

/** Collects the problems of one rule; paths are below the rule where nothing else is said. */
export interface Tell {
  error(code: ProblemCode, message: string, path: Path, hint?: string): void;
  warning(code: ProblemCode, message: string, path: Path, hint?: string): void;
  /** At the key instead of its value. */
  errorAtKey(code: ProblemCode, message: string, path: Path, hint?: string): void;
  /** At a path of the whole file, e.g. of the rule's group; what stands in all rules of the group is told once. */
  errorAt(code: ProblemCode, message: string, path: Path, hint?: string, part?: 'key' | 'value'): void;
  /** At a stretch of the text of a value; UTF-16 offsets. */
  errorWithin(code: ProblemCode, message: string, path: Path, start: number, end: number, hint?: string): void;
}

export function teller({ source, path: rule }: Pick<RawRule, 'source' | 'path'>, problems: Problem[]): Tell {
  const more = (place: Place, hint: string | undefined) => ({ place, ...(hint !== undefined && { hint }) });
  const below = (path: Path, part?: 'key') => source.place([...rule, ...path], part);
  return {
    error: (code, message, path, hint) => problems.push(error(code, message, more(below(path), hint))),
    warning: (code, message, path, hint) => problems.push(warning(code, message, more(below(path), hint))),
    errorAtKey: (code, message, path, hint) => problems.push(error(code, message, more(below(path, 'key'), hint))),
    errorAt: (code, message, path, hint, part) => {
      const place = source.place(path, part);
      const same = ({ code: told, place: at }: Problem) =>
        told === code && at?.file === place.file && at.line === place.line && at.column === place.column;
      if (!problems.some(same)) problems.push(error(code, message, more(place, hint)));
    },
    errorWithin: (code, message, path, start, end, hint) =>
      problems.push(error(code, message, more(source.within([...rule, ...path], start, end), hint))),
  };
}
