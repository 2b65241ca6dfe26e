import type { Batch } from '../decode/batch.ts';
import type { Signal } from '../decode/signal.ts';
import type { Goal } from '../goals/goal.ts';
import type { Rule } from '../rules/rule.ts';
import { Changed } from './changed.ts';
import { Dedupe } from './dedupe.ts';
import { KeyReader } from './key.ts';
import type { RuleOutput } from './output.ts';
import { Passed } from './passed.ts';
import type { KeyedStage, RulePipe, RulePipeDeps, RulePipeSnapshot } from './pipe.ts';
import { isOwnGoal } from './reentry.ts';
import { RuleTime } from './rule-time.ts';
import { Threshold } from './threshold.ts';
import { allRows, compileWhere, type WhereFilter } from './where.ts';

/** Without `threshold` an alert's condition holds while a record that passed `changed` lies in the last minute (semantics 11). */
const anyRecord = { count: 1, withinMs: 60_000 };

export const createRulePipe = (rule: Rule, goal: Goal, deps: RulePipeDeps): RulePipe => new Pipe(rule, goal, deps);

class Pipe implements RulePipe {
  readonly rule: Rule;
  readonly #deps: RulePipeDeps;
  readonly #where: WhereFilter | undefined;
  readonly #keys: KeyReader;
  readonly #alertKeys: KeyReader;
  readonly #changed: Changed | undefined;
  readonly #dedupe: Dedupe | undefined;
  readonly #threshold: Threshold | undefined;
  /** Whether records that dedupe held back count towards the condition. */
  readonly #suppressedCount: boolean;
  readonly #time: RuleTime;
  readonly #passed: Passed;
  readonly #evicted: Record<KeyedStage, number> = { changed: 0, dedupe: 0, threshold: 0 };
  #outputs: RuleOutput[] = [];

  constructor(rule: Rule, goal: Goal, deps: RulePipeDeps) {
    this.rule = rule;
    this.#deps = deps;
    this.#time = new RuleTime(goal.id, rule.with?.text);
    this.#where = rule.where && compileWhere(rule.where, goal);
    this.#keys = new KeyReader(goal, rule.by, deps.secret);
    this.#alertKeys =
      rule.kind === 'alert' && rule.alertBy.join() !== rule.by.join() ? new KeyReader(goal, rule.alertBy, deps.secret) : this.#keys;
    const evicted = (stage: KeyedStage) => () => {
      this.#evicted[stage]++;
      deps.account.evicted++;
    };
    const { maxKeys } = deps;
    if (rule.changed && rule.changed.size > 0) this.#changed = new Changed(goal, rule, this.#keys, deps, evicted('changed'));
    if (rule.dedupeMs !== undefined && rule.dedupeMs > 0)
      this.#dedupe = new Dedupe(
        goal,
        rule.dedupeMs,
        this.#keys,
        maxKeys,
        (closing) => this.#tell({ kind: 'closing', closing, timeUs: closing.endUs }),
        evicted('dedupe'),
      );
    if (rule.kind === 'alert')
      this.#threshold = new Threshold(
        goal,
        rule.threshold ?? anyRecord,
        this.#alertKeys,
        maxKeys,
        (condition) => this.#tell({ kind: 'condition', condition, timeUs: condition.timeUs }),
        evicted('threshold'),
      );
    this.#suppressedCount = rule.kind === 'alert' && rule.threshold === undefined;
    this.#passed = new Passed(this.#changed !== undefined);
  }

  push(signal: Signal): RuleOutput[] {
    this.#outputs = [];
    if (signal.kind === 'batch') {
      if (signal.batch.goal.id !== this.rule.goal || signal.batch.run.with !== this.rule.with?.text) return [];
      this.#batch(signal.batch);
    } else if (signal.kind === 'forget') {
      if (signal.batch.goal.id === this.rule.goal && signal.batch.run.with === this.rule.with?.text) this.#changed?.forget(signal.batch);
    } else {
      const told = this.#time.hear(signal);
      if (told === undefined) return [];
      // An outage ended: the alerts learn of it before they learn what turned meanwhile.
      if (told === 'resumed') this.#sayTime();
      if (told !== 'standing') this.#expire(this.#time.nowUs, true);
      this.#threshold?.flush();
      if (told !== 'resumed') this.#sayTime();
    }
    this.#tellEvicted();
    return this.#outputs;
  }

  stop(timeUs: number): RuleOutput[] {
    this.#outputs = [];
    this.#dedupe?.stop(Math.max(timeUs, this.#time.nowUs));
    this.#threshold?.flush();
    return this.#outputs;
  }

  snapshot(): RulePipeSnapshot {
    return {
      time: this.#time.snapshot(),
      ...(this.#changed && { changed: this.#changed.snapshot() }),
      ...(this.#dedupe && { dedupe: this.#dedupe.snapshot() }),
      ...(this.#threshold && { threshold: this.#threshold.snapshot() }),
    };
  }

  restore(snapshot: RulePipeSnapshot): void {
    this.#time.restore(snapshot.time);
    if (snapshot.changed) this.#changed?.restore(snapshot.changed);
    if (snapshot.dedupe) this.#dedupe?.restore(snapshot.dedupe);
    if (snapshot.threshold) this.#threshold?.restore(snapshot.threshold);
  }

  #batch(batch: Batch): void {
    const { account, decide } = this.#deps;
    const selection = allRows(batch);
    const self = this.#withoutSelf(batch, selection);
    const before = selection.count;
    const asked = decide && [...selection.rows.subarray(0, before)];
    const unknown = this.#where?.narrow(batch, selection).unknown ?? 0;
    account.records += batch.length;
    account.self += self;
    account.unmatched += before - selection.count;
    account.unknown += unknown;
    if (decide && asked) {
      const matched = new Set(selection.rows.subarray(0, selection.count));
      for (const row of asked) if (!matched.has(row)) decide(batch, row, 'unmatched');
    }
    this.#passed.begin(batch);
    if (this.#changed === undefined && this.#dedupe === undefined && this.#threshold === undefined) {
      account.passed += selection.count;
      this.#passed.all(selection);
      if (decide) for (const row of selection.rows.subarray(0, selection.count)) decide(batch, row, 'passed');
    } else if (selection.count > 0) this.#rows(batch, selection);
    this.#time.advance(batch, batch.length);
    this.#expire(this.#time.nowUs, false);
    this.#flushRows();
    this.#passed.end();
  }

  #rows(batch: Batch, selection: { readonly rows: Uint32Array; readonly count: number }): void {
    const { account, decide } = this.#deps;
    const bound = [this.#keys, this.#alertKeys, this.#changed, this.#dedupe, this.#threshold];
    for (const each of bound) each?.bind(batch);
    const { rows, count } = selection;
    const keyed = this.#changed !== undefined || this.#dedupe !== undefined;
    let decided = 0;
    // Nothing is due before this time unless a row opens something.
    let quietUntilUs = -Infinity;
    try {
      for (; decided < count; decided++) {
        const row = rows[decided] ?? 0;
        this.#time.advance(batch, row + 1);
        if (this.#time.nowUs >= quietUntilUs) {
          this.#expire(this.#time.nowUs, false);
          quietUntilUs = this.#nextDue();
        }
        if (keyed) this.#keys.load(row);
        const verdict = this.#row(batch, row);
        account[verdict]++;
        if (verdict === 'passed' || (verdict === 'deduped' && this.#suppressedCount)) quietUntilUs = -Infinity;
        if (decide) decide(batch, row, verdict);
      }
    } finally {
      // A defect that throws must not break the sum: what it left undecided counts as not decidable.
      account.unmatched += count - decided;
      account.unknown += count - decided;
      for (const each of bound) each?.release();
    }
  }

  #row(batch: Batch, row: number): 'unchanged' | 'deduped' | 'passed' {
    if (this.#changed && !this.#changed.passes(batch, row)) return 'unchanged';
    const passes = this.#dedupe === undefined || this.#dedupe.passes(batch, row);
    if (this.#threshold) {
      if (passes || this.#suppressedCount) {
        this.#alertKeys.load(row);
        this.#threshold.add(batch, row);
      }
    } else if (passes) this.#passed.add(row, this.#changed?.held ?? 0);
    return passes ? 'passed' : 'deduped';
  }

  #withoutSelf(batch: Batch, selection: { readonly rows: Uint32Array; count: number }): number {
    const { self, decide } = this.#deps;
    if (self === undefined) return 0;
    let kept = 0;
    for (let row = 0; row < batch.length; row++) {
      if (!self(batch, row)) selection.rows[kept++] = row;
      else if (decide) decide(batch, row, 'self');
    }
    selection.count = kept;
    return batch.length - kept;
  }

  /**
   * Tells what is due, in order of time. Windows of dedupe end with a record at their end; a window of a condition that ends
   * at the very instant of a record waits for the rest of that instant, unless a heartbeat says that it is over.
   */
  #expire(nowUs: number, instantOver: boolean): void {
    this.#changed?.expire(nowUs);
    for (;;) {
      const dedupeUs = this.#dedupe?.nextDue() ?? Infinity;
      const thresholdUs = this.#threshold?.nextDue() ?? Infinity;
      if (dedupeUs <= nowUs && dedupeUs <= thresholdUs) this.#dedupe?.expireNext();
      else if (thresholdUs < nowUs || (instantOver && thresholdUs === nowUs)) this.#threshold?.expireNext(this.#time.resumedUs);
      else if (dedupeUs <= nowUs) this.#dedupe?.expireNext();
      else return;
    }
  }

  #nextDue(): number {
    return Math.min(this.#changed?.nextDue() ?? Infinity, this.#dedupe?.nextDue() ?? Infinity, this.#threshold?.nextDue() ?? Infinity);
  }

  #tell(output: RuleOutput): void {
    this.#flushRows();
    this.#outputs.push(output);
  }

  #flushRows(): void {
    const rows = this.#passed.take(this.#time.nowUs);
    if (rows) this.#outputs.push(rows);
  }

  #sayTime(): void {
    this.#outputs.push({ kind: 'time', timeUs: this.#time.nowUs, standing: this.#time.standing });
  }

  #tellEvicted(): void {
    for (const stage of ['changed', 'dedupe', 'threshold'] as const) {
      const count = this.#evicted[stage];
      this.#evicted[stage] = 0;
      if (count > 0 && !isOwnGoal(this.rule.goal)) this.#deps.onEvicted?.(stage, count, this.#time.nowUs);
    }
  }
}
