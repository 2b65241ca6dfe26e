import type { Goal } from '../../goals/goal.ts';
import type { Observation } from './watch.ts';
import type { Owner } from './owners.ts';
import type { Row } from './reader.ts';

export interface RowFacts {
  readonly netns: number;
  readonly owner: Owner | undefined;
}

/** What a goal makes of one observation; undefined where it has nothing to tell of it. */
export type RowMaker = (observation: Observation, facts: RowFacts) => Row | undefined;

/** The reader `tcp`, goal by goal. A goal that is read from procfs has one line here. */
const makers: Readonly<Record<string, (seen: Observation) => { n: number; own: Readonly<Record<string, string | number>> } | undefined>> = {
  'tcp.retransmit': (seen) => ({ n: seen.n, own: { ...(seen.n === 1 && { segs: 1 }) } }),
  'tcp.rto_change': (seen) =>
    seen.rtoMs === undefined || seen.rtoMs === seen.rtoWasMs
      ? undefined
      : { n: changes(seen, seen.rtoMs), own: { ...(seen.rtoWasMs !== undefined && { rto_was_ms: seen.rtoWasMs }) } },
};

/** Undefined where the reader of TCP sockets does not know the goal. */
export function rowMaker(goal: Goal): RowMaker | undefined {
  const maker = makers[goal.id];
  if (maker === undefined || goal.engines.procfs?.reader !== 'tcp') return undefined;
  const names = goal.fields.map((field) => field.name);
  return (seen, facts) => {
    const made = maker(seen);
    if (made === undefined) return undefined;
    const { socket, kind, rtoMs, backoff } = seen;
    const { saddr, sport, daddr, dport } = socket;
    const state = socket.request ? 'NEW_SYN_RECV' : socket.state;
    const { netns, owner } = facts;
    const values = new Map<string, string | number | undefined>(
      Object.entries({ netns, saddr, sport, daddr, dport, state, kind, rto_ms: rtoMs, backoff, ...owner, ...made.own }),
    );
    return { n: made.n, columns: names.map((name) => values.get(name) ?? null) };
  };
}

/**
 * How many changes of the timeout lie between two looks: it doubles step by step, so 200 -> 800 ms were two. Never more than
 * there were resends.
 */
function changes(seen: Observation, rtoMs: number): number {
  const { rtoWasMs, backoff = 0 } = seen;
  const steps = rtoWasMs === undefined || rtoMs < rtoWasMs ? backoff + 1 : Math.round(Math.log2(rtoMs / rtoWasMs));
  return Math.max(1, Math.min(steps, seen.n));
}
