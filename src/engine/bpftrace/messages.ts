import { error, warning, type Problem } from '../../problem/problem.ts';

/** What bpftrace says on stderr that means nothing for Tapline. */
const harmless = [/RLIMIT_MEMLOCK/, /Due to it's asynchronous nature/, /Addrspace mismatch/, /^\s+/, /^Attaching \d+ probes/, /^\s*~+\s*$/];

const known: readonly { readonly says: RegExp; readonly means: (match: RegExpExecArray) => Problem }[] = [
  {
    says: /only supports running as the root user/,
    means: () => error('ENGINE_UNAVAILABLE', 'bpftrace runs as root only.', { hint: 'Run Tapline with sudo.' }),
  },
  {
    says: /tracepoint not found: (\S+)|No probes to attach/,
    means: (match) => error('ENGINE_TRACEPOINT_MISSING', `The kernel lacks the tracepoint ${match[1] ?? 'that the goal needs'}.`),
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

/** The last lines that say something, as one. */
export const lastWords = (said: readonly string[]): string =>
  said
    .filter((line) => !harmless.some((pattern) => pattern.test(line)))
    .slice(-3)
    .join(' / ');
