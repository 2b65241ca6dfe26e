import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { Item } from './alerts/item.ts';
import { createStage, type Stage } from './alerts/stage.ts';
import type { Batch } from './decode/batch.ts';
import { Decoder } from './decode/decoder.ts';
import type { Signal } from './decode/signal.ts';
import { Delivery, type OpenSink, type Unsent } from './delivery/delivery.ts';
import { defaultRules } from './delivery/route.ts';
import type { Frame } from './engine/frame.ts';
import type { Goal } from './goals/goal.ts';
import { error, type Problem } from './problem/problem.ts';
import type { Rule } from './rules/rule.ts';
import { createRulePipe, throughRules, type RulePipe, type Told } from './stream/index.ts';
import type { Secret } from './stream/key.ts';
import { Degradation } from './stream/degraded.ts';
import { isOwnGoal, Reentry } from './stream/reentry.ts';
import type { Ledger } from './telemetry/ledger.ts';

export interface PipelineOptions {
  /** What the engines say, or a recording of it; its end is the end of the stream. */
  readonly frames: Observable<readonly Frame[]>;
  readonly rules: readonly Rule[];
  readonly goals: ReadonlyMap<string, Goal>;
  readonly sinks: readonly OpenSink[];
  /** Where Tapline's own records go when no rule takes them. */
  readonly taplineTo: readonly string[];
  readonly ledger: Ledger;
  readonly host: string;
  readonly boot: string;
  /** Keys the hash of state maps (semantics 17). */
  readonly secret: Secret;
  /** Keys of each operator with state, at most. */
  readonly maxKeys: number;
  /** Whether a row is about a connection of Tapline's own; live runs only. */
  readonly self?: (batch: Batch, row: number) => boolean;
  /** Told as it happens, for the terminal. */
  readonly watch?: { signal?(signal: Signal): void; items?(items: readonly Item[]): void };
  readonly notice: (problem: Problem) => void;
}

export interface Pipeline {
  /** Resolves when the frames have ended and all that came of them is sent, or was given up after the sinks' grace. */
  readonly ended: Promise<readonly Unsent[]>;
  /** Gives up waiting for the sinks. */
  abandon(): void;
}

/**
 * Wires the stages: frames -> signals -> one pipe and one alert stage for each rule -> delivery. Begins at once.
 * Tapline's own records re-enter at the start of the stream, after the signal that caused them.
 */
export function runPipeline(options: PipelineOptions): Pipeline {
  const { ledger, goals, notice } = options;
  // Tapline's own records have a stream of their own, which ends last: what the rules tell when they stop still reaches it.
  const [signals, ownSignals] = [new Subject<Signal>(), new Subject<Signal>()];
  const feed = inOrder((signal) => {
    options.watch?.signal?.(signal);
    signals.next(signal);
  });
  const reentry = new Reentry({ goals, host: options.host, boot: options.boot, feed: inOrder((signal) => ownSignals.next(signal)) });
  const lost = new Map<string, number>();
  const time = { streamUs: 0 };

  const delivery = new Delivery(options.sinks, {
    ledger,
    taplineTo: options.taplineTo,
    notice,
    lost: ({ sink, goal, count, fromUs, toUs }) =>
      reentry.tell('tapline.lost', time.streamUs, { of: goal, by_engine: sink, reason: 'sink', count, from_us: fromUs, to_us: toUs }),
  });

  const stages = new Map<Rule, Stage>();
  const pipes: { readonly kernel: RulePipe[]; readonly own: RulePipe[] } = { kernel: [], own: [] };
  for (const rule of [...options.rules, ...defaultRules(options.rules, goals.values(), options.taplineTo)]) {
    const goal = goals.get(rule.goal);
    if (goal === undefined) continue;
    const account = ledger.rule(rule.name);
    stages.set(rule, createStage(rule, goal, { host: options.host, account, lostOf: (of) => lost.get(of) ?? 0 }));
    (isOwnGoal(rule.goal) ? pipes.own : pipes.kernel).push(
      createRulePipe(rule, goal, {
        account,
        secret: options.secret,
        maxKeys: options.maxKeys,
        ...(options.self && { self: options.self }),
        onEvicted: (stage, count, timeUs) => reentry.tell('tapline.evicted', timeUs, { rule: rule.name, stage, count }),
      }),
    );
  }
  const onFault = (rule: Rule, fault: unknown) =>
    notice(
      error('STREAM_FAULT', `Rule ${rule.name} met a defect of Tapline; the record that caused it is passed over.`, {
        cause: words(fault),
      }),
    );

  const take = ({ rule, output }: Told) => {
    if (output.kind === 'closing' && !isOwnGoal(rule.goal)) {
      const { key, count } = output.closing;
      reentry.tell('tapline.suppressed', output.timeUs, { rule: rule.name, of: rule.goal, key: key.text, count });
    }
    const items = stages.get(rule)?.push(output) ?? [];
    if (items.length === 0) return;
    options.watch?.items?.(items);
    delivery.accept(items);
  };
  signals.pipe(throughRules(new BehaviorSubject<readonly RulePipe[]>(pipes.kernel), onFault)).subscribe(take);
  ownSignals.pipe(throughRules(new BehaviorSubject<readonly RulePipe[]>(pipes.own), onFault)).subscribe(take);

  const ended = new Promise<readonly Unsent[]>((resolve, reject) => {
    options.frames.subscribe({
      next: decodeInto({ ...options, feed, reentry, lost, time }),
      error: reject,
      complete: () => {
        signals.complete();
        ownSignals.complete();
        delivery.close().then(resolve, reject);
      },
    });
  });
  return { ended, abandon: () => void delivery.close(0) };
}

/** What the decoder says, and what Tapline says about it: losses and failed runs become records of its own goals. */
function decodeInto(to: {
  readonly goals: ReadonlyMap<string, Goal>;
  readonly ledger: Ledger;
  readonly feed: (signals: readonly Signal[]) => void;
  readonly reentry: Reentry;
  readonly lost: Map<string, number>;
  readonly time: { streamUs: number };
  readonly notice: (problem: Problem) => void;
}): (frames: readonly Frame[]) => void {
  const { reentry, lost, time } = to;
  const decoder = new Decoder({ goal: (id) => to.goals.get(id), ledger: to.ledger, onProblem: (problem) => to.notice(problem) });
  const degradation = new Degradation();
  let begun = false;
  return (frames) => {
    if (!begun && frames[0] !== undefined) {
      begun = true;
      time.streamUs = frames[0].atUs;
      reentry.begin(frames[0].kind === 'run' ? frames[0].run : undefined, time.streamUs);
    }
    for (const signal of decoder.push(frames)) {
      if (signal.kind !== 'batch' && signal.kind !== 'forget')
        time.streamUs = Math.max(time.streamUs, signal.kind === 'lost' ? signal.toUs : signal.timeUs);
      if (signal.kind === 'lost') lost.set(signal.run.goal, (lost.get(signal.run.goal) ?? 0) + (signal.count ?? 0));
      to.feed([signal]);
      if (signal.kind === 'time') reentry.follow(signal.timeUs);
      if (signal.kind === 'lost') {
        const { run, reason, count, fromUs, toUs } = signal;
        reentry.tell('tapline.lost', toUs, { of: run.goal, by_engine: run.engine, reason, count, from_us: fromUs, to_us: toUs });
      }
      const change = degradation.hear(signal);
      if (change) reentry.tell('tapline.degraded', time.streamUs, change);
    }
  };
}

/** Signals that are fed while one is being handled wait until it is: every pipe sees the same order. */
function inOrder(next: (signal: Signal) => void): (signals: readonly Signal[]) => void {
  const waiting: Signal[] = [];
  let busy = false;
  return (signals) => {
    waiting.push(...signals);
    if (busy) return;
    busy = true;
    try {
      for (let signal = waiting.shift(); signal !== undefined; signal = waiting.shift()) next(signal);
    } finally {
      busy = false;
    }
  };
}

const words = (fault: unknown): string => (fault instanceof Error ? (fault.stack ?? fault.message) : String(fault));
