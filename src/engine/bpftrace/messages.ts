import { error, warning, type Problem } from '../../problem/problem.ts';

/** What bpftrace says on stderr that means nothing for Tapline. */
const harmless = [
  /RLIMIT_MEMLOCK/,
  // 0.27 on a kernel without kprobes; 0.27 about loops, for whoever writes them.
  /available_filter_functions/,
  /^HINT: /,
  /Addrspace is not set/,
  // Remarks on the program's text, for whoever writes it: Tapline does.
  /^\S+:\d[-:\d]*: WARNING: /,
  /^\s+/,
  /^Attaching \d+ probes/,
  /^\s*~+\s*$/,
];

const known: readonly { readonly says: RegExp; readonly means: (match: RegExpExecArray) => Problem }[] = [
  {
    says: /only supports running as the root user/,
    means: () => error('ENGINE_UNAVAILABLE', 'bpftrace runs as root only.', { hint: 'Run Tapline with sudo.' }),
  },
  {
    says: /tracepoint not found: (\S+)|No matches for tracepoint (\S+?)\.?$|No probes to attach/,
    means: ([, old, current]) =>
      error('ENGINE_TRACEPOINT_MISSING', `The kernel lacks the tracepoint ${old ?? current ?? 'that the goal needs'}.`),
  },
  {
    says: /Error loading program: (\S+)/,
    means: (match) => error('ENGINE_FAILED', `The kernel refused the probe on ${match[1]?.replace('tracepoint:', '') ?? '?'}.`),
  },
  {
    says: /Operation not permitted|Permission denied/,
    means: () =>
      error(
        'ENGINE_FAILED',
        'The kernel did not permit the probes: it may be locked down, or this is a container without the right to trace.',
      ),
  },
  {
    says: /^\S+:\d[-:\d]*: ERROR: (.+?)\.?$/,
    means: (match) => error('ENGINE_FAILED', `bpftrace does not accept the probe: ${match[1] ?? ''}.`),
  },
  { says: /Cannot allocate memory|No space left/, means: () => error('ENGINE_FAILED', 'There was not enough memory for the probes.') },
  {
    says: /Lost (\d+) events/,
    means: (match) =>
      warning(
        'ENGINE_SAID',
        `bpftrace lost ${match[1]} lines because they were not read in time; the records among them are counted as lost.`,
      ),
  },
];

/** What a line of stderr means; undefined where it means nothing for anybody. */
export function understand(line: string): Problem | undefined {
  for (const { says, means } of known) {
    const match = says.exec(line);
    if (match) return { ...means(match), cause: line };
  }
  if (harmless.some((pattern) => pattern.test(line))) return undefined;
  return warning('ENGINE_SAID', 'bpftrace says something that Tapline does not know.', { cause: line });
}

/** Lines that say something. */
export const telling = (said: readonly string[]): string[] => said.filter((line) => !harmless.some((pattern) => pattern.test(line)));

/** The last lines that say something, as one. */
export const lastWords = (said: readonly string[]): string => telling(said).slice(-3).join(' / ');

/** Whether a line is the piece of the program that the line before, "stdin:1:1-29: ERROR: ...", is about. */
export const isQuote = (line: string, before: string | undefined): boolean =>
  before !== undefined && /^\S+:\d[-:\d]*: (ERROR|WARNING): /.test(before) && !/^(\S+: )?(ERROR|WARNING|HINT): /.test(line);

/** 0.27 prints what it thinks of a program on stdout, before the first line of JSON: that is for the ears that listen to stderr. */
export class FirstWords {
  readonly #hear: (line: string) => void;
  #over = false;

  constructor(hear: (line: string) => void) {
    this.#hear = hear;
  }

  /** What is left of whole lines of stdout. */
  without(chunk: Uint8Array): Uint8Array {
    let start = 0;
    while (!this.#over && start < chunk.length) {
      if (chunk[start] === 0x7b /* { */) this.#over = true;
      else {
        const end = chunk.indexOf(10, start) + 1 || chunk.length;
        const line = Buffer.from(chunk.subarray(start, end)).toString().trimEnd();
        // The rest are pieces of the program that it quotes.
        if (/\b(WARNING|ERROR)\b/.test(line)) this.#hear(line);
        start = end;
      }
    }
    return chunk.subarray(start);
  }
}
