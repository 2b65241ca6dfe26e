import { placeBeforeCompanions } from '../generate/script.ts';
import type { Script } from '../goals/script.ts';
import { error, type Place, type Problem } from '../problem/problem.ts';

/** What `stap` is given a user's script as; its messages name the file. */
export const scriptFileName = 'script.stp';

/** What stap or bpftrace says is wrong with a script, at its place in it; undefined where they say nothing of the kind. */
export function scriptMistake(said: readonly string[], script: Script, goal: string): Problem | undefined {
  const clean = said.map((line) => line.replace(/\x1b\[[0-9;]*m/g, '').trim());
  const found = script.language === 'bpftrace' ? ofBpftrace(clean, script) : ofStap(clean, script);
  if (found === undefined) return undefined;
  const { words, place } = found;
  return error('ENGINE_SCRIPT_WRONG', `${script.language} does not accept the script of ${goal}: ${words}.`, {
    ...(place && { place }),
    ...(clean.some((line) => /missing \S+ kernel.*debuginfo|kernel debuginfo/.test(line)) && {
      hint: 'tapline doctor says which package has the debug information of this kernel.',
    }),
    ...(clean.length > 0 && { cause: clean.slice(0, 6).join(' / ') }),
  });
}

interface Found {
  readonly words: string;
  readonly place?: Place;
}

/** "stdin:2:46-56: ERROR: ...", "stdin:1-2: ERROR: ...", "ERROR: Error attaching probe: 'kprobe:x'". */
function ofBpftrace(said: readonly string[], script: Script): Found | undefined {
  for (const line of said) {
    const at = /^stdin:(\d+)(?::(\d+)(?:-(\d+))?|-(\d+))?: ERROR: (.+)$/.exec(line);
    if (at) {
      const [, from, column, end, to, words = ''] = at;
      const place = placeBeforeCompanions(script, Number(to ?? from), Number(column ?? 1));
      const length = Number(end ?? 0) - Number(column ?? 1);
      return { words: sentence(words), ...placeIn(script, place.line, place.column, place.column + length) };
    }
    const attach = /^ERROR: Error attaching probe: '([^']+)'/.exec(line);
    if (!attach) continue;
    const [, probe = ''] = attach;
    const offset = script.text.indexOf(probe);
    const before = script.text.slice(0, Math.max(0, offset)).split('\n');
    return {
      words: `the kernel has no ${probe} to attach to`,
      ...(offset >= 0 && placeIn(script, before.length, (before.at(-1)?.length ?? 0) + 1, 0)),
    };
  }
  return undefined;
}

/** "parse error: ..." or "semantic error: ...", and on that line or a later one "... at script.stp:3:5". */
function ofStap(said: readonly string[], script: Script): Found | undefined {
  const errors = said.filter((line) => /^(parse|semantic) error: /.test(line));
  const first = errors[0];
  if (first === undefined) return undefined;
  const reason = errors.find((line) => !/while resolving probe point|while processing/.test(line)) ?? first;
  const at = new RegExp(` at (?:\\S*/)?${scriptFileName.replace('.', '\\.')}:(\\d+):(\\d+)`).exec(
    said.slice(said.indexOf(first)).join('\n'),
  );
  return {
    words: sentence(reason.replace(/^(parse|semantic) error: /, '').replace(/: \w+ '.*$/, '')),
    ...(at && placeIn(script, Number(at[1]), Number(at[2]), 0)),
  };
}

const sentence = (words: string): string => words.replace(/\s*\[man error.*$/, '').replace(/[.\s]+$/, '');

/** Lines behind the script's own are Tapline's. */
function placeIn({ file, text }: Script, line: number, column: number, end: number): { place?: Place } {
  const lines = text.split('\n');
  if (!(line >= 1) || line > lines.length) return {};
  return { place: { file, line, column: Math.max(1, column), ...(end > column && { length: end - column }), text: lines[line - 1] ?? '' } };
}
