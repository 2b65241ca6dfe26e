import { firstValueFrom, merge, Subject, Subscription, timer, type SchedulerLike } from 'rxjs';
import type { Item } from '../alerts/item.ts';
import { error, warning, type Problem } from '../problem/problem.ts';
import type { SinkAccount } from '../telemetry/ledger.ts';
import { backoffMs, type BackoffSettings } from './backoff.ts';
import type { Digest } from './digest.ts';
import type { Loss } from './losses.ts';
import type { Queue } from './queue.ts';
import { retry, type Notification, type SendResult, type Sink } from './sink.ts';

export interface LaneSettings {
  /** After this long without an answer a send is aborted and tried again. */
  readonly sendTimeoutMs: number;
  /** How long one notification is tried before it is given up. */
  readonly giveUpAfterMs: number;
  readonly backoff: BackoffSettings;
}

export interface LaneDeps {
  readonly name: string;
  readonly sink: Sink;
  readonly maxItems: number;
  readonly queue: Queue;
  /** Where the sink's items are collected first. */
  readonly digest?: Digest;
  readonly account: SinkAccount;
  readonly scheduler: SchedulerLike;
  readonly random: () => number;
  readonly settings: LaneSettings;
  readonly notice: (name: string, problem: Problem) => void;
  readonly lost: (cause: Loss['cause'], items: readonly Item[]) => void;
}

/** A sink that does not end a send this long after it was aborted is left alone with it. */
const abortGraceMs = 5000;
/** While stopping, a failed send is tried again after this long. */
const hurriedMs = 200;

/** All that happens before one sink: one notification at a time, in order, again until it is settled. Knows of no other sink. */
export class Lane {
  readonly #deps: LaneDeps;
  readonly #hurry = new Subject<void>();
  #digestTimer = new Subscription();
  #loop: Promise<void> | undefined;
  #sending: AbortController | undefined;
  #closing = false;
  #stopped = false;
  #failures = 0;
  #firstTriedMs: number | undefined;

  constructor(deps: LaneDeps) {
    this.#deps = deps;
  }

  accept(items: readonly Item[]): void {
    const { account, queue, digest, scheduler } = this.#deps;
    if (items.length === 0) return;
    account.queued += items.length;
    account.inFlight += items.length;
    this.#dropped(digest === undefined ? queue.append(items) : digest.add(items, scheduler.now()));
    if (digest !== undefined) this.#planDigest(digest);
    else this.#wake();
  }

  /** Stops collecting and waiting: what is there is sent now. Resolves when nothing is left, or `end` was called. */
  async drain(): Promise<void> {
    this.#closing = true;
    this.#digestTimer.unsubscribe();
    if (this.#deps.digest !== undefined) this.#leave(this.#deps.digest);
    this.#hurry.next();
    this.#wake();
    await this.#loop;
  }

  /** No further attempt; a running send is aborted and its answer, if it comes, still counts. */
  end(): void {
    this.#closing = true;
    this.#stopped = true;
    this.#digestTimer.unsubscribe();
    this.#sending?.abort(new Error('Tapline is stopping'));
    this.#hurry.next();
  }

  waiting(): readonly Item[] {
    return [...this.#deps.queue.waiting(), ...(this.#deps.digest?.waiting() ?? [])];
  }

  #planDigest(digest: Digest): void {
    if (this.#closing) {
      this.#leave(digest);
      this.#wake();
      return;
    }
    const dueMs = digest.dueMs;
    if (dueMs === undefined) return;
    this.#digestTimer.unsubscribe();
    this.#digestTimer = this.#deps.scheduler.schedule(
      () => {
        this.#leave(digest);
        this.#wake();
      },
      Math.max(0, dueMs - this.#deps.scheduler.now()),
    );
  }

  #leave(digest: Digest): void {
    const taken = digest.take(this.#deps.scheduler.now());
    if (taken === undefined) return;
    this.#dropped(this.#deps.queue.append(taken.items, taken.heldBack === undefined ? {} : { heldBack: taken.heldBack }));
  }

  #wake(): void {
    if (this.#loop !== undefined || this.#stopped) return;
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    const { queue, maxItems } = this.#deps;
    // A turn of its own, so that what is accepted in one go leaves in one go.
    await Promise.resolve();
    for (let head = queue.head(maxItems); head !== undefined && !this.#stopped; head = queue.head(maxItems)) {
      this.#firstTriedMs ??= this.#deps.scheduler.now();
      const results = await this.#attempt(head);
      const pauseMs = this.#settle(results);
      if (pauseMs > 0 && !this.#stopped) await this.#pause(pauseMs);
    }
    this.#loop = undefined;
  }

  /** One send with its time limit. Answers one result for each item whatever the sink does. */
  async #attempt(head: Notification): Promise<readonly SendResult[]> {
    const { name, sink, scheduler, settings } = this.#deps;
    const controller = new AbortController();
    this.#sending = controller;
    const late = error('DELIVERY_TIMEOUT', `Sink ${name} gave no answer in ${settings.sendTimeoutMs / 1000} s.`);
    const limit = scheduler.schedule(() => controller.abort(late), settings.sendTimeoutMs);
    const stuck = new Subject<readonly SendResult[]>();
    const lastLimit = scheduler.schedule(() => stuck.next(head.items.map(() => retry(late))), settings.sendTimeoutMs + abortGraceMs);
    try {
      const results = await Promise.race([sink.send(head, controller.signal), firstValueFrom(stuck)]);
      if (results.length === head.items.length) return results;
      return this.#fault(head, `it gave ${results.length} answers for ${head.items.length} items`);
    } catch (cause) {
      return this.#fault(head, cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    } finally {
      limit.unsubscribe();
      lastLimit.unsubscribe();
      this.#sending = undefined;
    }
  }

  #fault(head: Notification, cause: string): readonly SendResult[] {
    const problem = error('DELIVERY_SINK_FAULT', `Sink ${this.#deps.name} failed in a way that it must not: this is a bug in Tapline.`, {
      cause,
    });
    return head.items.map(() => retry(problem));
  }

  /** Counts the answers; answers how long to wait before the next attempt, 0 for none. */
  #settle(results: readonly SendResult[]): number {
    const { name, account, queue, notice, lost, scheduler, settings, random } = this.#deps;
    const { sent, rejected } = queue.settle(results);
    account.inFlight -= sent.length + rejected.length;
    account.sent += sent.length;
    account.deadLettered += rejected.length;
    const refusal = rejected[0];
    if (refusal !== undefined) {
      const { message, cause, hint } = refusal.problem;
      const why = { ...(cause === undefined ? {} : { cause }), ...(hint === undefined ? {} : { hint }) };
      notice('rejected', error('DELIVERY_REJECTED', `Sink ${name}: ${items(rejected.length)} refused for good: ${message}`, why));
      lost(
        'rejected',
        rejected.map((letter) => letter.item),
      );
    }
    for (const result of results)
      if (result.outcome === 'sent' && result.warning !== undefined) notice(result.warning.code, result.warning);
    const again = results.find((result) => result.outcome === 'retry');
    if (again?.outcome !== 'retry') {
      if (this.#failures > 0)
        notice('recovered', warning('DELIVERY_RECOVERED', `Sink ${name} works again after ${times(this.#failures)}.`));
      this.#failures = 0;
      this.#firstTriedMs = undefined;
      return 0;
    }
    account.retried++;
    this.#failures = sent.length > 0 ? 1 : this.#failures + 1;
    const triedMs = scheduler.now() - (this.#firstTriedMs ?? scheduler.now());
    if (triedMs >= settings.giveUpAfterMs) this.#giveUp(again.problem, triedMs);
    else if (!this.#stopped) {
      const { problem } = again;
      notice(problem.code, {
        ...problem,
        severity: 'warning',
        message: `Sink ${name}: ${sentence(problem.message)} Kept to be tried again: ${items(queue.size)}.`,
      });
    }
    return this.#closing ? hurriedMs : backoffMs(this.#failures, random, settings.backoff);
  }

  #giveUp(problem: Problem, triedMs: number): void {
    const { name, account, queue, notice, lost } = this.#deps;
    const letters = queue.giveUp(problem);
    account.inFlight -= letters.length;
    account.deadLettered += letters.length;
    this.#firstTriedMs = undefined;
    const message = `Sink ${name}: ${items(letters.length)} given up after ${Math.round(triedMs / 60_000)} min: ${problem.message}`;
    notice('gave_up', error('DELIVERY_GAVE_UP', message, problem.cause === undefined ? {} : { cause: problem.cause }));
    lost(
      'gave_up',
      letters.map((letter) => letter.item),
    );
  }

  #dropped(dropped: readonly Item[]): void {
    const { name, account, notice, lost } = this.#deps;
    if (dropped.length === 0) return;
    account.inFlight -= dropped.length;
    account.dropped += dropped.length;
    notice('full', error('DELIVERY_FULL', `Sink ${name}: its queue is full; ${items(dropped.length)} dropped, the oldest first.`));
    lost('full', dropped);
  }

  async #pause(ms: number): Promise<void> {
    await firstValueFrom(merge(timer(this.#closing ? Math.min(ms, hurriedMs) : ms, this.#deps.scheduler), this.#hurry), {
      defaultValue: undefined,
    });
  }
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
const items = (count: number): string => (count === 1 ? '1 item' : `${count} items`);
const times = (count: number): string => (count === 1 ? '1 failed attempt' : `${count} failed attempts`);
