import type { TapRecord } from '../decode/batch.ts';
import type { Condition, Key } from '../stream/output.ts';

const recordsKept = 5;
const hostsKept = 100;

/** What stands behind no record of an alert: of its rule, cumulative or since some moment. */
export interface NotCounted {
  readonly unmatched: number;
  readonly unchanged: number;
  readonly suppressed: number;
  readonly lost: number;
}

/** One life of one alert, from pending to resolved. Plain data; every change makes a new one. Times are microseconds. */
export interface Episode {
  readonly key: Key;
  /** The one alert that stands for all keys beyond max_alerts. */
  readonly overflow: boolean;
  /** Since when the condition holds, for `for`; moved on by the time that stood still. */
  readonly pendingUs: number;
  /** When it began to fire; null while pending. */
  readonly startsAtUs: number | null;
  /** Firing: since when the condition does not hold; null while it holds. */
  readonly clearUs: number | null;
  readonly repeat: number;
  readonly nextRepeatUs: number;
  /** Events in the window when last told. */
  readonly count: number;
  /** Records that counted since it was pending. */
  readonly total: number;
  readonly firstUs: number;
  readonly lastUs: number;
  /** The last few, oldest first. */
  readonly records: readonly TapRecord[];
  readonly hosts: readonly string[];
  /** The rule's counts when it became pending. */
  readonly began: NotCounted;
}

/** A pending episode of this key, without the condition's records: `counted` adds them. */
export const beginEpisode = (key: Key, timeUs: number, began: NotCounted, overflow = false): Episode => ({
  key,
  overflow,
  pendingUs: timeUs,
  startsAtUs: null,
  clearUs: null,
  repeat: 0,
  nextRepeatUs: 0,
  count: 0,
  total: 0,
  firstUs: timeUs,
  lastUs: timeUs,
  records: [],
  hosts: [],
  began,
});

/** The episode with what this condition brings. */
export function withCondition(episode: Episode, condition: Condition): Episode {
  const { records, counted, count, timeUs } = condition;
  if (counted === 0 && records.length === 0) return { ...episode, count };
  const hosts = new Set(episode.hosts);
  let firstUs = episode.firstUs;
  let lastUs = Math.max(episode.lastUs, timeUs);
  for (const record of records) {
    if (hosts.size < hostsKept) hosts.add(record.host);
    firstUs = Math.min(firstUs, record.timeUs);
    lastUs = Math.max(lastUs, record.timeUs);
  }
  return {
    ...episode,
    count,
    total: episode.total + counted,
    firstUs,
    lastUs,
    records: [...episode.records, ...records].slice(-recordsKept),
    hosts: hosts.size === episode.hosts.length ? episode.hosts : [...hosts].sort(),
  };
}

export const notCountedSince = (began: NotCounted, now: NotCounted): NotCounted => ({
  unmatched: now.unmatched - began.unmatched,
  unchanged: now.unchanged - began.unchanged,
  suppressed: now.suppressed - began.suppressed,
  lost: now.lost - began.lost,
});
