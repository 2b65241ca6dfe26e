import { Observable, type OperatorFunction } from 'rxjs';
import type { Signal } from '../decode/signal.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleOutput } from './output.ts';
import type { RulePipe } from './pipe.ts';

export { createRulePipe } from './rule-pipe.ts';
export type { KeyedStage, RulePipe, RulePipeDeps, RulePipeSnapshot, Verdict } from './pipe.ts';

/** What a rule said. */
export interface Told {
  readonly rule: Rule;
  readonly output: RuleOutput;
}

/** A rule's pipe threw: a defect of Tapline's, which the other rules must not notice. */
export type OnFault = (rule: Rule, fault: unknown) => void;

/** One rule as an operator. Completion of the signals closes its windows at the last time it heard of. */
export const rulePipe =
  (pipe: RulePipe, onFault: OnFault): OperatorFunction<Signal, RuleOutput> =>
  (signals) =>
    new Observable((out) => {
      let lastUs = 0;
      return signals.subscribe({
        next(signal) {
          lastUs = Math.max(lastUs, timeOf(signal));
          for (const output of guarded(pipe, onFault, () => pipe.push(signal))) out.next(output);
        },
        error: (fault) => out.error(fault),
        complete() {
          for (const output of guarded(pipe, onFault, () => pipe.stop(lastUs))) out.next(output);
          out.complete();
        },
      });
    });

/**
 * All rules over one stream of signals, in the order of the rules, each batch shared by all. A new set of pipes replaces
 * the old one between two signals (semantics 34): a rule that stayed as it was keeps its state, one that went closes its
 * windows, and a new one learns which runs are ready. Outputs are valid only while they are being told.
 */
export const throughRules =
  (sets: Observable<readonly RulePipe[]>, onFault: OnFault): OperatorFunction<Signal, Told> =>
  (signals) =>
    new Observable((out) => {
      let pipes: readonly RulePipe[] = [];
      let lastUs = 0;
      const ready = new Map<string, Signal>();
      const tell = (pipe: RulePipe, work: () => readonly RuleOutput[]) => {
        for (const output of guarded(pipe, onFault, work)) out.next({ rule: pipe.rule, output });
      };
      const replace = (next: readonly RulePipe[]) => {
        const old = new Map(pipes.map((pipe) => [identity(pipe.rule), pipe]));
        for (const pipe of next) {
          const before = old.get(identity(pipe.rule));
          if (before) {
            pipe.restore(before.snapshot());
            old.delete(identity(pipe.rule));
          } else for (const signal of ready.values()) tell(pipe, () => pipe.push(signal));
        }
        for (const pipe of old.values()) tell(pipe, () => pipe.stop(lastUs));
        pipes = next;
      };
      const subscription = sets.subscribe({ next: replace, error: (fault) => out.error(fault) });
      subscription.add(
        signals.subscribe({
          next(signal) {
            lastUs = Math.max(lastUs, timeOf(signal));
            if (signal.kind === 'ready') ready.set(signal.run.id, signal);
            else if (signal.kind === 'gone') ready.delete(signal.run.id);
            for (const pipe of pipes) tell(pipe, () => pipe.push(signal));
          },
          error: (fault) => out.error(fault),
          complete() {
            for (const pipe of pipes) tell(pipe, () => pipe.stop(lastUs));
            out.complete();
          },
        }),
      );
      return subscription;
    });

function guarded(pipe: RulePipe, onFault: OnFault, work: () => readonly RuleOutput[]): readonly RuleOutput[] {
  try {
    return work();
  } catch (fault) {
    onFault(pipe.rule, fault);
    return [];
  }
}

/** Equal for rules that decide alike; where they stand in which file does not matter. */
const identity = (rule: Rule): string =>
  JSON.stringify({ ...rule, place: undefined, where: rule.where?.text, changed: rule.changed && [...rule.changed] });

function timeOf(signal: Signal): number {
  if (signal.kind === 'batch' || signal.kind === 'forget') {
    let latest = 0;
    for (const timeUs of signal.batch.timeUs) if (timeUs > latest) latest = timeUs;
    return latest;
  }
  return signal.kind === 'lost' ? signal.toUs : signal.timeUs;
}
