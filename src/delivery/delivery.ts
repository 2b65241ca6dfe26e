import { asyncScheduler, firstValueFrom, from, race, timer, type SchedulerLike } from 'rxjs';
import type { Item } from '../alerts/item.ts';
import { error, type Problem } from '../problem/problem.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import { defaultBackoff } from './backoff.ts';
import { Digest, type DigestSettings } from './digest.ts';
import { Lane, type LaneSettings } from './lane.ts';
import { Losses, type Loss } from './losses.ts';
import { Notices } from './notices.ts';
import { MemoryQueue, type DeadLetter, type Queue } from './queue.ts';
import { route } from './route.ts';
import type { Sink, SinkDefinition } from './sink.ts';

/** A sink that was opened, and how delivery is to treat it. */
export interface OpenSink {
  readonly name: string;
  readonly sink: Sink;
  readonly definition: Pick<SinkDefinition, 'grouping' | 'maxItems'>;
  /** Of sinks with grouping `digest`. */
  readonly digest?: DigestSettings;
}

export interface DeliverySettings extends LaneSettings {
  /** What a queue holds behind its head; beyond that the oldest are dropped. */
  readonly queueItems: number;
}

export const deliveryDefaults: DeliverySettings = {
  sendTimeoutMs: 30_000,
  giveUpAfterMs: 3_600_000,
  backoff: defaultBackoff,
  queueItems: 10_000,
};
export const digestDefaults: DigestSettings = { groupWaitMs: 10_000, digestMs: 300_000 };

export interface DeliveryDeps {
  readonly ledger: Pick<Ledger, 'sink'>;
  /** Where items of tapline.* without a sink of their own go. */
  readonly taplineTo: readonly string[];
  /** Trouble with sinks, for people, already limited in rate. */
  notice(problem: Problem): void;
  /** What a sink will not get, at most once a second for each goal and cause. */
  lost(loss: Loss): void;
  readonly scheduler?: SchedulerLike;
  /** [0, 1) */
  readonly random?: () => number;
  readonly settings?: Partial<DeliverySettings>;
  /** Where a sink's items wait: in memory unless given. */
  queue?(sink: string): Queue;
}

/** What was still in flight at the end. */
export interface Unsent {
  readonly sink: string;
  readonly items: readonly Item[];
}

/** How long sinks have to take note of the end of their grace. */
const abortMs = 150;
const closeMs = 250;

/** Takes items, brings each to its sinks. The sums of the ledger (semantics 30) close after every call and between any two turns. */
export class Delivery {
  readonly #deps: DeliveryDeps;
  readonly #scheduler: SchedulerLike;
  readonly #lanes = new Map<string, Lane>();
  readonly #queues = new Map<string, Queue>();
  readonly #sinks: readonly OpenSink[];
  readonly #notices: Notices;
  readonly #losses: Losses;
  #closed: Promise<readonly Unsent[]> | undefined;

  constructor(sinks: readonly OpenSink[], deps: DeliveryDeps) {
    this.#deps = deps;
    this.#sinks = sinks;
    const scheduler = (this.#scheduler = deps.scheduler ?? asyncScheduler);
    const settings = { ...deliveryDefaults, ...deps.settings };
    this.#notices = new Notices((problem) => deps.notice(problem), scheduler);
    this.#losses = new Losses((loss) => deps.lost(loss), scheduler);
    for (const { name, sink, definition, digest } of sinks) {
      const queue = deps.queue?.(name) ?? new MemoryQueue(name, settings.queueItems);
      const collected = definition.grouping === 'digest' ? { digest: new Digest(digest ?? digestDefaults, definition.maxItems) } : {};
      this.#queues.set(name, queue);
      this.#lanes.set(
        name,
        new Lane({
          name,
          sink,
          maxItems: definition.maxItems,
          queue,
          ...collected,
          account: deps.ledger.sink(name),
          scheduler,
          random: deps.random ?? Math.random,
          settings,
          notice: (what, problem) => this.#notices.tell(`${name} ${what}`, problem),
          lost: (cause, items) => this.#losses.tell(name, cause, items),
        }),
      );
    }
  }

  /** Never waits and never throws. Items of one call leave together where their sink takes several. */
  accept(items: readonly Item[]): void {
    const bySink = new Map<string, Item[]>();
    for (const item of items) {
      for (const name of route(item, this.#deps.taplineTo)) {
        const some = bySink.get(name);
        if (some === undefined) bySink.set(name, [item]);
        else some.push(item);
      }
    }
    for (const [name, some] of bySink) {
      const lane = this.#lanes.get(name);
      if (lane === undefined) this.#nowhere(name, some);
      else lane.accept(some);
    }
  }

  deadLetters(sink: string): readonly DeadLetter[] {
    return this.#queues.get(sink)?.deadLetters() ?? [];
  }

  /**
   * Sends what is there, for at most `graceMs`, then closes the sinks. Answers what was still in flight, which stays
   * counted so. Called again it ends at once.
   */
  close(graceMs = 1000): Promise<readonly Unsent[]> {
    if (this.#closed !== undefined) for (const lane of this.#lanes.values()) lane.end();
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<readonly Unsent[]> {
    const lanes = [...this.#lanes.values()];
    const drained = Promise.all(lanes.map((lane) => lane.drain()));
    await this.#within(drained, graceMs);
    for (const lane of lanes) lane.end();
    await this.#within(drained, abortMs);
    await this.#within(Promise.allSettled(this.#sinks.map(({ sink }) => sink.close())), closeMs);
    this.#losses.flush();
    this.#notices.close();
    return [...this.#lanes].map(([sink, lane]) => ({ sink, items: lane.waiting() })).filter((unsent) => unsent.items.length > 0);
  }

  async #within(work: Promise<unknown>, ms: number): Promise<void> {
    await firstValueFrom(race(from(work), timer(ms, this.#scheduler)));
  }

  #nowhere(name: string, items: readonly Item[]): void {
    const account = this.#deps.ledger.sink(name);
    account.queued += items.length;
    account.dropped += items.length;
    this.#notices.tell(`${name} nowhere`, error('DELIVERY_NO_SINK', `There is no sink ${name}; what was meant for it is dropped.`));
  }
}
