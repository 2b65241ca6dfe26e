import { NEVER, Observable, type Subscriber, Subscription } from 'rxjs';
import type { EngineName } from '../config/config.ts';
import { askedName } from '../goals/parameters.ts';
import type { Module } from '../generate/module.ts';
import { error, warning, type Problem } from '../problem/problem.ts';
import type { Frame } from './frame.ts';
import { nameOfRun, Post, replaced, stays, type Crew } from './post.ts';
import { final, retryAfterMs, retryLimits, type RetryLimits } from './restart.ts';
import { planWith, type Plan, type Watched, type WatchOptions } from './watch.ts';

export interface WatchMore {
  /** Ids of runs that have proved ready, as the decoder finds them. Without it nothing is ever taken over. */
  readonly ready?: Observable<string>;
  readonly retry?: RetryLimits;
}

const nameOf = ({ goal }: Pick<Module | Watched, 'goal'>): string => askedName(goal.id, goal.asked);

/**
 * Runs a plan (semantics 21): where one engine gives up, the next one takes its goals over; where a better one has become ready, the
 * worse one is asked to say goodbye; one that gave up is tried again later. Each change is told in a line. Completes when
 * nothing watches any more; never errors.
 */
export const watch = (plan: Plan, options: WatchOptions, stop: AbortSignal, more: WatchMore = {}): Observable<readonly Frame[]> =>
  new Observable((subscriber) => new Watching(plan, options, stop, more, subscriber).begin());

class Watching {
  readonly #plan: Plan;
  readonly #options: WatchOptions;
  readonly #stop: AbortSignal;
  readonly #more: WatchMore;
  readonly #out: Subscriber<readonly Frame[]>;
  readonly #subscriptions = new Subscription();
  readonly #posts = new Map<string, Post>();
  readonly #crews = new Set<Crew>();
  readonly #runs = new Map<string, { readonly crew: Crew; readonly post: Post }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #planning = 0;

  constructor(plan: Plan, options: WatchOptions, stop: AbortSignal, more: WatchMore, out: Subscriber<readonly Frame[]>) {
    this.#plan = plan;
    this.#options = options;
    this.#stop = stop;
    this.#more = more;
    this.#out = out;
  }

  begin(): () => void {
    // Told while its frames are being handed on: what follows from it comes after them.
    const ready = (run: string) => queueMicrotask(() => this.#ready(run));
    this.#subscriptions.add((this.#more.ready ?? NEVER).subscribe(ready));
    this.#start(this.#plan);
    this.#endIfOver();
    return () => {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#timers.clear();
      this.#subscriptions.unsubscribe();
    };
  }

  #start(plan: Pick<Plan, 'modules' | 'next'>): void {
    for (const [name, modules] of plan.modules) this.#run(name, modules, 'by');
    for (const [name, modules] of plan.next) this.#run(name, modules, 'next');
  }

  #run(name: EngineName, modules: readonly Module[], as: 'by' | 'next'): void {
    const engine = this.#options.engines.find((each) => each.name === name);
    if (engine === undefined) return;
    const crew: Crew = { engine, seats: new Map() };
    for (const module of modules) {
      const post = this.#post(nameOf(module));
      post[as] = crew;
      crew.seats.set(post, { leave: new AbortController() });
    }
    this.#crews.add(crew);
    const singly = {
      leaving: (module: Module) => crew.seats.get(this.#post(nameOf(module)))?.leave.signal ?? this.#stop,
      gaveUp: (module: Module) => this.#gaveUp(crew, [this.#post(nameOf(module))]),
    };
    const over = () => {
      this.#crews.delete(crew);
      this.#gaveUp(crew, [...crew.seats.keys()]);
      this.#endIfOver();
    };
    this.#subscriptions.add(
      engine.run(modules, this.#options.host, this.#stop, singly).subscribe({
        next: (frames) => {
          for (const frame of frames) {
            if (frame.kind === 'run') this.#runs.set(frame.run.id, { crew, post: this.#post(nameOfRun(frame.run)) });
            if (frame.kind === 'end') this.#ended(frame.run, frame.problem);
          }
          this.#out.next(frames);
        },
        error: over,
        complete: over,
      }),
    );
  }

  #ended(run: string, problem: Problem | undefined): void {
    const at = this.#runs.get(run);
    this.#runs.delete(run);
    const seat = at?.crew.seats.get(at.post);
    if (seat && problem) seat.problem = problem;
  }

  #ready(run: string): void {
    const { crew, post } = this.#runs.get(run) ?? {};
    if (crew === undefined || post === undefined) return;
    post.takenMs = performance.now();
    if (post.next !== crew) return;
    const was = post.by;
    post.by = crew;
    post.next = undefined;
    this.#tell(
      warning(
        'ENGINE_TOOK_OVER',
        `${post.name} is now watched by ${crew.engine.name}${was ? `, which takes over from ${was.engine.name}` : ''}.`,
      ),
    );
    was?.seats.get(post)?.leave.abort();
  }

  /** These posts of a crew are watched by it no more, unasked. */
  #gaveUp(crew: Crew, posts: readonly Post[]): void {
    const { name } = crew.engine;
    const given = posts.filter((post) => crew.seats.get(post)?.leave.signal.aborted === false && (post.by === crew || post.next === crew));
    if (this.#stop.aborted || this.#out.closed || given.length === 0) return;
    const blind: Post[] = [];
    for (const post of given) {
      const problem = crew.seats.get(post)?.problem;
      post.failed.add(name);
      if (performance.now() - post.takenMs > (this.#more.retry ?? retryLimits).firstMs) post.tries = 0;
      if (post.by === crew) post.by = undefined;
      else post.next = undefined;
      if (post.by) this.#tell(stays(post, post.by, name, problem));
      else if (post.next)
        this.#tell(error('ENGINE_NONE_LEFT', `${post.name} is not watched until ${post.next.engine.name} is ready: ${name} gave up.`));
      else blind.push(post);
    }
    const again = given.filter((post) => !final.has(crew.seats.get(post)?.problem?.code ?? 'ENGINE_FAILED'));
    if (this.#options.wanted === 'auto') this.#later(name, again);
    if (blind.length > 0) void this.#replan(blind, this.#plan.can, (post, watched) => this.#tell(replaced(post, name, watched)));
  }

  #later(name: EngineName, posts: readonly Post[]): void {
    if (posts.length === 0) return;
    const tries = Math.max(...posts.map((post) => post.tries++));
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void this.#retry(
          name,
          posts.filter((post) => post.next === undefined && (post.by === undefined || post.by.engine.name === 'procfs')),
        );
      },
      retryAfterMs(tries, this.#more.retry ?? retryLimits),
    );
    this.#timers.add(timer);
  }

  /** A better engine than the one at work is tried again, or any where none is at work. */
  async #retry(name: EngineName, posts: readonly Post[]): Promise<void> {
    const engine = this.#options.engines.find((each) => each.name === name);
    if (engine === undefined || posts.length === 0 || this.#stop.aborted || this.#out.closed) return;
    const availability = await engine.available(this.#options.host).catch(() => undefined);
    if (this.#stop.aborted || this.#out.closed) return;
    if (availability?.can !== true) return this.#later(name, posts);
    for (const post of posts) post.failed.delete(name);
    await this.#replan(posts, new Map([...this.#plan.can, [name, availability] as const]), () => undefined);
  }

  /** Chooses anew for these posts, and starts what was chosen: at once where nothing watches, else to take over when it is ready. */
  async #replan(posts: readonly Post[], can: Plan['can'], told: (post: Post, watched: Watched) => void): Promise<void> {
    this.#planning++;
    try {
      const failed = new Map(posts.map((post) => [post.name, post.failed] as const));
      const plan = await planWith(this.#options, can, failed, new Set(failed.keys()));
      if (this.#stop.aborted || this.#out.closed) return;
      for (const watched of plan.watched) told(this.#post(nameOf(watched)), watched);
      const free = (module: Module) => {
        const { by, next } = this.#post(nameOf(module));
        return by === undefined && next === undefined;
      };
      const better = (name: EngineName, module: Module) => {
        const { by, next } = this.#post(nameOf(module));
        return by !== undefined && next === undefined && by.engine.name !== name && name !== 'procfs';
      };
      for (const [name, modules] of plan.modules) {
        const [now, later] = [modules.filter(free), modules.filter((module) => better(name, module))];
        if (now.length > 0) this.#run(name, now, 'by');
        if (later.length > 0) this.#run(name, later, 'next');
      }
      for (const [name, modules] of plan.next) {
        const later = modules.filter((module) => better(name, module));
        if (later.length > 0) this.#run(name, later, 'next');
      }
    } catch (cause) {
      this.#tell(error('ENGINE_FAILED', 'No other engine could be chosen.', { cause: String(cause) }));
    } finally {
      this.#planning--;
      this.#endIfOver();
    }
  }

  #endIfOver(): void {
    if (this.#crews.size === 0 && this.#planning === 0 && !this.#out.closed) this.#out.complete();
  }

  #post(name: string): Post {
    let post = this.#posts.get(name);
    if (post === undefined) this.#posts.set(name, (post = new Post(name)));
    return post;
  }

  #tell(problem: Problem): void {
    this.#out.next([{ kind: 'notice', problem, atUs: this.#options.host.clock.nowUs() }]);
  }
}
