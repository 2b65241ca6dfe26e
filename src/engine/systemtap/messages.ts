import { error, warning, type Problem } from '../../problem/problem.ts';

/** What a line of staprun's stderr means; undefined where it says nothing that a person needs to know. */
export function understand(line: string, name: string): Problem | undefined {
  const text = line.replace(/\x1b\[[0-9;]*m/g, '').trim();
  for (const { pattern, problem } of known) {
    const match = pattern.exec(text);
    if (match) return problem?.({ name, text, match });
  }
  return /^(ERROR|WARNING)/.test(text) ? warning('ENGINE_SAID', `SystemTap says of ${name}: ${text}`) : undefined;
}

/** How many lines the transport dropped in all, of staprun's line at its end; undefined for other lines. */
export function droppedLines(line: string): number | undefined {
  const count = /There were (\d+) transport failures/.exec(line)?.[1];
  return count === undefined ? undefined : Number(count);
}

export const busy = (name: string): Problem =>
  error('ENGINE_MODULE_BUSY', `The kernel module ${name} is loaded already; another process runs it.`, {
    hint: `If nothing runs it any more: sudo staprun -d ${name}`,
  });

interface Said {
  readonly name: string;
  readonly text: string;
  readonly match: RegExpExecArray;
}

/** In order: the first that fits. The texts are those of SystemTap 4.8 to 5.6 (staprun/*.c, runtime/transport). */
const known: readonly { readonly pattern: RegExp; readonly problem?: (said: Said) => Problem }[] = [
  {
    pattern: /probe overhead.*exceeded threshold/,
    problem: ({ name, text }) =>
      error('ENGINE_OVERLOADED', `The probes of ${name} took more than half of a processor's time, so SystemTap ended them.`, {
        cause: text,
        hint: 'Narrow the rules on this goal with a `where` on fields that are tested in the kernel (tapline explain shows which).',
      }),
  },
  {
    pattern: /There were (\d+) transport failures/,
    problem: ({ name, match, text }) =>
      warning('ENGINE_DROPPED', `${match[1]} lines of ${name} were dropped between the kernel and Tapline.`, { cause: text }),
  },
  {
    pattern: /Couldn't insert module .*File exists/,
    problem: ({ name, text }) => ({ ...busy(name), cause: text }),
  },
  {
    pattern: /Couldn't insert module .*(Invalid module format|Exec format error|disagrees about version)/,
    problem: ({ name, text }) =>
      error('ENGINE_MODULE_UNFIT', `The compiled module ${name} does not fit the running kernel; it has to be compiled again.`, {
        cause: text,
      }),
  },
  {
    pattern: /Couldn't insert module .*(Operation not permitted|Key was rejected|Required key not available|Permission denied)/,
    problem: ({ name, text }) =>
      error('ENGINE_MODULE_REFUSED', `The kernel refuses to load ${name}: it only takes signed modules (Secure Boot, lockdown).`, {
        cause: text,
      }),
  },
  {
    pattern: /Members of the "stapusr"|Unable to verify the signature|You are trying to run systemtap as a normal user/,
    problem: ({ name, text }) =>
      error('ENGINE_MODULE_REFUSED', `This user may not load ${name}.`, {
        cause: text,
        hint: 'Run as root, or join the groups stapusr and stapdev.',
      }),
  },
  {
    pattern: /(Unable to canonicalize path|Cannot attach to module|Couldn't insert module|Couldn't (find|open|read))/,
    problem: ({ name, text }) => error('ENGINE_FAILED', `${name} could not be loaded.`, { cause: text }),
  },
  // Told in the beats, with numbers; or said beside one of the above.
  { pattern: /Number of errors: \d+, skipped probes/ },
  { pattern: /There were \d+ lost messages/ },
  { pattern: /Rerun with staprun option|man (error|warning)::|^Try '-vv?'|Unknown symbol in module/ },
  { pattern: /error writing output: Broken pipe/ },
];

/** The message of `stap` that says why it could not compile: its first error, in one line. */
export function compileCause(stderr: readonly string[]): string {
  const clean = stderr.map((line) => line.replace(/\x1b\[[0-9;]*m/g, '').trim());
  const found =
    clean.find((line) => /\berror:/i.test(line) && !/\[man error/.test(line)) ?? clean.find((line) => /failed|error/i.test(line));
  return found ?? clean.at(-1) ?? 'stap said nothing';
}
