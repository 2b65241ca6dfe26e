/**
 * Three accounts whose sums must close at any time (semantics 30). Every term is counted where it happens; none is
 * computed from the others, so a sum that does not close is a defect that shows.
 */

/** emitted = decoded + broken + lost + inPipe */
export interface RunAccount {
  readonly goal: string;
  readonly engine: string;
  /** What the probe says it printed: the last sequence numbers of its lanes, from beats and the goodbye. */
  emitted: number;
  /** Numbered lines that were read: records, and what says that a connection ended. */
  decoded: number;
  broken: number;
  /** Holes in the numbering that stayed open for 1 s. */
  lost: number;
  /** Holes still young, and numbers that the probe named but that have not come yet. */
  inPipe: number;
  /** Beside the sum: rejected by the pushed filter, and probe hits that did not run, both from beats. */
  filtered: number;
  skipped: number;
  /** Beside the sum: events that sampling could not tell apart. */
  missed: number;
  /** Of decoded: left out, because while one engine took over from another the other one told of that time. */
  overlapping: number;
  /** Records whose time had to be clamped because it lay in the future. */
  future: number;
}

/** records = self + unmatched + unchanged + deduped + passed */
export interface RuleAccount {
  records: number;
  self: number;
  unmatched: number;
  /** Of the unmatched: `where` could not be decided because a field was unknown. */
  unknown: number;
  unchanged: number;
  deduped: number;
  passed: number;
  /** Beside the sum: keys dropped because the state was full. */
  evicted: number;
}

/** queued = sent + deadLettered + dropped + inFlight */
export interface SinkAccount {
  queued: number;
  sent: number;
  deadLettered: number;
  dropped: number;
  inFlight: number;
  /** Beside the sum: attempts that were answered `retry`. */
  retried: number;
}

export class Ledger {
  readonly runs = new Map<string, RunAccount>();
  readonly rules = new Map<string, RuleAccount>();
  readonly sinks = new Map<string, SinkAccount>();

  run(id: string, goal: string, engine: string): RunAccount {
    return entry(this.runs, id, () => ({
      goal,
      engine,
      emitted: 0,
      decoded: 0,
      broken: 0,
      lost: 0,
      inPipe: 0,
      filtered: 0,
      skipped: 0,
      missed: 0,
      overlapping: 0,
      future: 0,
    }));
  }

  rule(name: string): RuleAccount {
    return entry(this.rules, name, () => ({
      records: 0,
      self: 0,
      unmatched: 0,
      unknown: 0,
      unchanged: 0,
      deduped: 0,
      passed: 0,
      evicted: 0,
    }));
  }

  sink(name: string): SinkAccount {
    return entry(this.sinks, name, () => ({ queued: 0, sent: 0, deadLettered: 0, dropped: 0, inFlight: 0, retried: 0 }));
  }

  /** The accounts that do not add up, in words; empty when all is well. */
  imbalances(): string[] {
    const wrong: string[] = [];
    for (const [id, a] of this.runs)
      check(
        wrong,
        `run ${id} (${a.goal}, ${a.engine})`,
        'emitted',
        a.emitted,
        'decoded + broken + lost + in pipe',
        a.decoded + a.broken + a.lost + a.inPipe,
      );
    for (const [name, a] of this.rules)
      check(
        wrong,
        `rule ${name}`,
        'records',
        a.records,
        'self + unmatched + unchanged + deduped + passed',
        a.self + a.unmatched + a.unchanged + a.deduped + a.passed,
      );
    for (const [name, a] of this.sinks)
      check(
        wrong,
        `sink ${name}`,
        'queued',
        a.queued,
        'sent + dead-lettered + dropped + in flight',
        a.sent + a.deadLettered + a.dropped + a.inFlight,
      );
    return wrong;
  }
}

const entry = <V>(map: Map<string, V>, key: string, make: () => V): V => {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
};

const check = (wrong: string[], of: string, left: string, a: number, right: string, b: number) => {
  if (a !== b) wrong.push(`${of}: ${left} ${a} is not ${right} ${b}`);
};
