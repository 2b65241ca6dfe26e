import { error, warning, type Problem } from '../../problem/problem.ts';
import type { EngineHost } from '../engine.ts';
import type { SocketReading, Source } from './socket.ts';
import { procSource, ssSource } from './sources.ts';

/** `auto`: ss where it works, else /proc/net/tcp. */
export type SourceChoice = 'auto' | 'ss' | 'proc';

export interface OpenedSource {
  readonly source: Source;
  /** Its first reading. */
  readonly readings: readonly SocketReading[];
  readonly notice?: Problem;
}

/** The source that works, with its first reading; a problem where none does. */
export async function openSource(
  host: EngineHost,
  wanted: SourceChoice,
  signal: AbortSignal,
): Promise<OpenedSource | { readonly problem: Problem }> {
  let notice: Problem | undefined;
  for (const source of wanted === 'auto' ? [ssSource(host), procSource(host)] : [wanted === 'ss' ? ssSource(host) : procSource(host)]) {
    try {
      return { source, readings: await source.read(() => false, signal), ...(notice && { notice }) };
    } catch (cause) {
      notice =
        wanted === 'auto' && source.name === 'ss'
          ? warning('ENGINE_PROCFS_WITHOUT_SS', 'Sockets are read from /proc/net/tcp: timeouts in steps of 10 ms, no fast retransmits.', {
              hint: 'Install ss (iproute2); tapline doctor gives the command.',
              cause: words(cause),
            })
          : unreadable('the TCP sockets', words(cause));
    }
  }
  return { problem: notice ?? unreadable('the TCP sockets', 'no source') };
}

/** `what`: "the TCP sockets". */
export const unreadable = (what: string, cause: string) => error('ENGINE_PROCFS_UNREADABLE', `procfs cannot read ${what}.`, { cause });
export const lookFailed = (what: string, cause: string) =>
  warning(
    'ENGINE_PROCFS_LOOK_FAILED',
    `One look at ${what} failed; what happened in between shows in the next one or is counted as missed.`,
    { cause },
  );

export const words = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
