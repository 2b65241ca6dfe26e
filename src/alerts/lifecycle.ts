import type { Condition } from '../stream/output.ts';
import { Deadlines } from './deadlines.ts';
import { beginEpisode, notCountedSince, withCondition, type Episode, type NotCounted } from './episode.ts';

/** All in microseconds of stream time. */
export interface LifecycleSettings {
  readonly forUs: number;
  readonly keepUs: number;
  readonly repeatUs: number;
  readonly maxAlerts: number;
}

/** Something to tell: the alert fires (again: `episode.repeat` > 0) or is over. */
export interface Transition {
  readonly state: 'firing' | 'resolved';
  readonly timeUs: number;
  readonly episode: Episode;
}

/** Plain data. `began` of each episode is turned into what was not counted so far, because counters begin anew in a new process. */
export interface LifecycleSnapshot {
  readonly episodes: readonly Episode[];
  readonly nowUs: number | null;
  readonly standingUs: number | null;
}

/** Real keys are JSON arrays, so this one is free. */
const overflowName = '';
/** The alert about too many alerts stays for at least this long after the last refusal, so that it does not flap. */
const overflowKeepUs = 300_000_000;

/**
 * inactive -> pending -> firing -> resolved of every key of one rule (semantics 12): a pure function of the condition's
 * edges and stream time. `counts` answers the rule's cumulative counts, to tell later what was not counted since.
 */
export class Lifecycle {
  readonly #settings: LifecycleSettings;
  readonly #counts: () => NotCounted;
  readonly #live = new Map<string, Episode>();
  readonly #deadlines = new Deadlines();
  #nowUs: number | null = null;
  /** Since when no engine of the goal is ready; null while one is. */
  #standingUs: number | null = null;

  constructor(settings: LifecycleSettings, counts: () => NotCounted) {
    this.#settings = settings;
    this.#counts = counts;
  }

  /** A key's condition turned, or records counted towards it. */
  condition(condition: Condition): Transition[] {
    const { timeUs } = condition;
    // What is due at this very instant waits for what the instant brings: a condition that ends after exactly `for` never fires.
    const told = this.#expire(timeUs, false);
    this.#nowUs = Math.max(this.#nowUs ?? timeUs, timeUs);
    const name = condition.key.text;
    const episode = this.#live.get(name);
    if (episode === undefined) {
      if (!condition.holds) return told;
      if (this.#count() >= this.#settings.maxAlerts) return [...told, ...this.#refuse(condition)];
      this.#put(name, withCondition(beginEpisode(condition.key, timeUs, this.#counts()), condition));
    } else if (episode.startsAtUs === null) {
      if (!condition.holds) this.#live.delete(name);
      else this.#put(name, withCondition(episode, condition));
    } else {
      const clearUs = condition.holds ? null : (episode.clearUs ?? Math.max(timeUs, episode.startsAtUs));
      this.#put(name, { ...withCondition(episode, condition), clearUs });
    }
    return [...told, ...this.#settle(name, timeUs)];
  }

  /** Stream time. While it stands nothing is due, and what is pending or ending waits (semantics 12). */
  time(timeUs: number, standing: boolean): Transition[] {
    if (standing) {
      this.#standingUs ??= Math.min(this.#nowUs ?? timeUs, timeUs);
      return [];
    }
    if (this.#standingUs !== null) this.#resume(this.#standingUs, timeUs);
    this.#nowUs = Math.max(this.#nowUs ?? timeUs, timeUs);
    return this.#expire(timeUs, true);
  }

  snapshot(): LifecycleSnapshot {
    const now = this.#counts();
    const episodes = [...this.#live.values()].map((episode) => ({ ...episode, began: notCountedSince(episode.began, now) }));
    return { episodes, nowUs: this.#nowUs, standingUs: this.#standingUs };
  }

  restore(snapshot: LifecycleSnapshot): void {
    const now = this.#counts();
    this.#live.clear();
    this.#nowUs = snapshot.nowUs;
    this.#standingUs = snapshot.standingUs;
    for (const episode of snapshot.episodes) this.#live.set(nameOf(episode), { ...episode, began: notCountedSince(episode.began, now) });
    this.#rebuild();
  }

  /** For tests of its bounds. */
  get pendingDeadlines(): number {
    return this.#deadlines.size;
  }

  /** Live alerts without the one about too many. */
  #count(): number {
    return this.#live.size - (this.#live.has(overflowName) ? 1 : 0);
  }

  #refuse(condition: Condition): Transition[] {
    const { timeUs } = condition;
    const told: Transition[] = [];
    let episode = this.#live.get(overflowName);
    if (episode === undefined) {
      episode = {
        ...beginEpisode({ text: '[]', labels: {} }, timeUs, this.#counts(), true),
        startsAtUs: timeUs,
        nextRepeatUs: timeUs + this.#settings.repeatUs,
      };
      episode = withCondition(episode, { ...condition, count: 1 });
      told.push({ state: 'firing', timeUs, episode });
    } else {
      episode = withCondition(episode, { ...condition, count: episode.count + 1 });
    }
    this.#put(overflowName, { ...episode, clearUs: Math.max(episode.clearUs ?? timeUs, timeUs) });
    return told;
  }

  /** What is due by now for one key, right after its own condition. */
  #settle(name: string, timeUs: number): Transition[] {
    const told: Transition[] = [];
    for (let episode = this.#live.get(name); episode !== undefined && this.#dueUs(episode) <= timeUs; episode = this.#live.get(name)) {
      if (this.#standingUs !== null && episode.startsAtUs !== null) break;
      told.push(this.#step(name, episode, timeUs));
    }
    return told;
  }

  /** All that is due before this time, or by it. */
  #expire(timeUs: number, inclusive: boolean): Transition[] {
    const told: Transition[] = [];
    if (this.#standingUs !== null) return told;
    for (let next = this.#deadlines.first; next !== undefined; next = this.#deadlines.first) {
      if (inclusive ? next.dueUs > timeUs : next.dueUs >= timeUs) break;
      this.#deadlines.take();
      const episode = this.#live.get(next.name);
      if (episode !== undefined && this.#dueUs(episode) === next.dueUs) told.push(this.#step(next.name, episode, timeUs));
    }
    return told;
  }

  #step(name: string, episode: Episode, timeUs: number): Transition {
    const dueUs = this.#dueUs(episode);
    if (episode.startsAtUs === null) {
      const firing = { ...episode, startsAtUs: dueUs, nextRepeatUs: dueUs + this.#settings.repeatUs };
      this.#put(name, firing);
      return { state: 'firing', timeUs: dueUs, episode: firing };
    }
    const endUs = this.#endUs(episode);
    if (endUs <= dueUs) {
      this.#live.delete(name);
      return { state: 'resolved', timeUs: endUs, episode };
    }
    // After a jump of time (a suspended machine) one repeat is enough.
    const missed = Math.floor((Math.min(timeUs, endUs - 1) - dueUs) / this.#settings.repeatUs);
    const lastUs = dueUs + missed * this.#settings.repeatUs;
    const again = { ...episode, repeat: episode.repeat + 1 + missed, nextRepeatUs: lastUs + this.#settings.repeatUs };
    this.#put(name, again);
    return { state: 'firing', timeUs: lastUs, episode: again };
  }

  #resume(standingUs: number, timeUs: number): void {
    this.#standingUs = null;
    const stood = (sinceUs: number) => Math.max(0, timeUs - Math.max(standingUs, sinceUs));
    for (const [name, episode] of this.#live) {
      const moved =
        episode.startsAtUs === null
          ? { ...episode, pendingUs: episode.pendingUs + stood(episode.pendingUs) }
          : {
              ...episode,
              nextRepeatUs: episode.nextRepeatUs + stood(episode.startsAtUs),
              clearUs: episode.clearUs === null ? null : Math.max(episode.clearUs, timeUs),
            };
      this.#live.set(name, moved);
    }
    this.#rebuild();
  }

  #endUs(episode: Episode): number {
    if (episode.clearUs === null) return Infinity;
    return episode.clearUs + (episode.overflow ? Math.max(this.#settings.keepUs, overflowKeepUs) : this.#settings.keepUs);
  }

  #dueUs(episode: Episode): number {
    return episode.startsAtUs === null ? episode.pendingUs + this.#settings.forUs : Math.min(episode.nextRepeatUs, this.#endUs(episode));
  }

  #put(name: string, episode: Episode): void {
    const before = this.#live.get(name);
    this.#live.set(name, episode);
    const dueUs = this.#dueUs(episode);
    if (before !== undefined && this.#dueUs(before) === dueUs) return;
    if (this.#deadlines.size > 4 * this.#live.size + 64) this.#rebuild();
    else this.#deadlines.add(dueUs, name);
  }

  #rebuild(): void {
    this.#deadlines.clear();
    for (const [name, episode] of this.#live) this.#deadlines.add(this.#dueUs(episode), name);
  }
}

const nameOf = (episode: Episode): string => (episode.overflow ? overflowName : episode.key.text);
