import { closeSync, openSync, writeSync } from 'node:fs';
import type { MonoTypeOperatorFunction } from 'rxjs';
import type { Frame } from '../engine/frame.ts';
import { record } from '../engine/recording.ts';
import type { Catalogue } from '../goals/catalogue.ts';
import { error, fail, ok, type Problem, type Result } from '../problem/problem.ts';

export interface Recording {
  readonly tap: MonoTypeOperatorFunction<readonly Frame[]>;
  /** A recording that is not whole is a problem. */
  close(): Result<void>;
}

/** Opens the file at once, so that a wrong path is told before anything starts. What cannot be written later is told once, and counted. */
export function recordTo(file: string, catalogue: Catalogue, notice: (problem: Problem) => void): Result<Recording> {
  let fd: number;
  try {
    fd = openSync(file, 'w', 0o640);
  } catch (cause) {
    return fail(error('RUN_FILE', `${file} cannot be written.`, { cause: words(cause) }));
  }
  let missing = 0;
  const write = (text: string) => {
    if (missing > 0) return void (missing += 1);
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    } catch (cause) {
      missing = 1;
      notice(
        error('RUN_FILE', `The recording ${file} stops here: it cannot be written any more. Watching goes on.`, { cause: words(cause) }),
      );
    }
  };
  return ok({
    tap: record([...catalogue.values()], write),
    close: () => {
      closeSync(fd);
      return missing === 0 ? ok(undefined) : fail(error('RUN_FILE', `The recording ${file} is not whole: ${missing} writes are missing.`));
    },
  });
}

const words = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
