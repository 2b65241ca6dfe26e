import { BrokenLines, printableLine, type ShowBroken } from './broken-line.ts';
import type { Run } from '../engine/frame.ts';
import type { Goal } from '../goals/goal.ts';
import type { Problem } from '../problem/problem.ts';
import type { RunAccount } from '../telemetry/ledger.ts';
import { ClockAnchor } from './clock.ts';
import { BatchBuilder } from './columns.ts';
import { CutOff } from './cut-off.ts';
import { Lanes } from './lanes.ts';
import type { Beat, LineReader, LineVisitor } from './lines.ts';
import { rowsBetween } from './rows-between.ts';
import type { LostReason, Signal } from './signal.ts';
import type { GoalRuns, Life } from './take-over.ts';

/** A record may be so much newer than the moment at which it was read before its time is not believed (semantics 6). */
const futureUs = 2_000_000;
/** So long after its event a line without a time may be read: SystemTap's reader looks every 200 ms, and who reads may have to wait. */
const readingUs = 1_000_000;
/** Times in its lines are wall time, or stand for it. */
const isWall = (clock: Run['clock']): boolean => clock === 'wall' || clock === 'reading';
/** A broken line that no missing number answers to within this time was no record. */
const brokenWaitsUs = 10_000_000;
const largestBatch = 4096;

/** One run from its first frame to its last. */
export class RunDecoder implements LineVisitor, Life {
  readonly run: Run;
  byeUs: number | undefined;
  readonly #others: GoalRuns;
  readonly #reader: LineReader;
  readonly #account: RunAccount;
  readonly #shown: BrokenLines;
  readonly #rows: BatchBuilder;
  readonly #ended: BatchBuilder;
  readonly #lanes = new Lanes();
  readonly #anchor = new ClockAnchor();
  /** Markers made, and marks that came back before their marker was told. */
  readonly #markers = new Map<number, { beforeUs: number; afterUs: number }>();
  readonly #marks = new Map<number, number>();
  /** Broken lines whose number could not be read: each stands for one number that will be missing. */
  #broken: number[] = [];
  #ready = false;
  #over = false;
  #clockUs = NaN;
  readonly #cutOff = new CutOff();
  readonly dropped = (lines: number) => this.#cutOff.dropped(lines);
  readonly #anchored = () => isWall(this.run.clock) || this.#anchor.known;
  #beat = { skipped: 0, missed: 0, mapFull: 0, timeUs: NaN };
  #signals: Signal[] = [];
  atUs = 0;
  /** What waits until the run that this one takes over from has said goodbye. */
  #held: Signal[] | undefined;
  /** Records of other times are told by another run. */
  #span = { fromUs: -Infinity, beforeUs: Infinity };

  constructor(run: Run, others: GoalRuns, goal: Goal, reader: LineReader, account: RunAccount, show: ShowBroken) {
    this.run = run;
    this.#others = others;
    this.#reader = reader;
    this.#account = account;
    this.#shown = new BrokenLines(run, show);
    this.#rows = new BatchBuilder(goal);
    this.#ended = new BatchBuilder(goal);
  }

  lines(chunk: Uint8Array, atUs: number, signals: Signal[]): void {
    this.#to(signals);
    this.atUs = atUs;
    this.#reader(chunk, { columns: this.#rows.columns, ended: this.#ended.ended }, this);
    this.#count();
    if (this.#held) this.#others.passed(this, this.nowUs, signals);
  }

  marker(number: number, beforeUs: number, afterUs: number, signals: Signal[]): void {
    this.#to(signals);
    const seenUs = this.#marks.get(number);
    this.#markers.set(number, { beforeUs, afterUs });
    if (this.#markers.size > 64) this.#markers.delete(this.#markers.keys().next().value ?? number);
    if (seenUs !== undefined) this.#anchorAt(number, seenUs);
  }

  end(atUs: number, problem: Problem | undefined, signals: Signal[]): void {
    this.#to(signals);
    this.atUs = Math.max(this.atUs, atUs);
    this.#over = true;
    if (!this.#anchored() && this.#rows.length > 0) this.#anchor.add(this.#clockUs, this.atUs - futureUs, this.atUs);
    this.flush(signals);
    this.#settle();
    this.#count();
    const [fromUs, toUs] = [Number.isNaN(this.#beat.timeUs) ? this.nowUs : this.#beat.timeUs, this.nowUs];
    for (const loss of this.#cutOff.losses(this.#account.lost, problem))
      this.#signals.push({ kind: 'lost', run: this.run, ...loss, fromUs, toUs });
    this.#signals.push({ kind: 'gone', run: this.run, timeUs: this.nowUs, ...(problem && { problem }) });
    this.#others.gone(this, signals);
  }

  /** Stream time of this run. */
  get nowUs(): number {
    return this.#time(this.#clockUs);
  }

  hold(): void {
    this.#held = this.#signals = [];
  }

  release(fromUs: number, signals: Signal[]): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#span = { ...this.#span, fromUs };
    this.flush(signals);
    signals.push(...held);
  }

  cut(beforeUs: number): void {
    this.#span = { ...this.#span, beforeUs };
  }

  /** Hands out the rows read so far; rows that came before the clock was anchored wait. */
  flush(signals: Signal[]): void {
    this.#to(signals);
    if (this.#held || !this.#anchored()) return;
    const build = (rows: BatchBuilder) => rows.build(this.run, (clockUs) => this.#wall(clockUs));
    if (this.#rows.length > 0) {
      const all = build(this.#rows);
      const batch = rowsBetween(all, this.#span.fromUs, this.#span.beforeUs);
      this.#account.overlapping += all.length - batch.length;
      if (batch.length > 0) signals.push({ kind: 'batch', batch });
    }
    if (this.#ended.length > 0) signals.push({ kind: 'forget', batch: build(this.#ended) });
  }

  record(lane: number, seq: number, clockUs: number, sinceUs: number, n: number): void {
    if (!this.#came(lane, seq, clockUs)) return;
    // What ended before this record must be forgotten before it.
    if (this.#ended.length > 0) this.flush(this.#signals);
    this.#rows.commit(lane, seq, clockUs, sinceUs, n);
    if (this.#rows.length >= largestBatch) this.flush(this.#signals);
  }

  forgotten(lane: number, seq: number, clockUs: number): void {
    if (!this.#came(lane, seq, clockUs)) return;
    this.#ended.commit(lane, seq, clockUs);
  }

  mark(clockUs: number, number: number): void {
    this.#advance(clockUs);
    this.#marks.set(number, clockUs);
    if (this.#marks.size > 64) this.#marks.delete(this.#marks.keys().next().value ?? number);
    if (this.#markers.has(number)) this.#anchorAt(number, clockUs);
  }

  beat(clockUs: number, beat: Beat): void {
    this.#advance(clockUs);
    this.#told(beat);
    this.#lanes.expect(this.#clockUs);
    this.#settle();
    this.flush(this.#signals);
    if (this.#anchored()) this.#signals.push({ kind: 'time', run: this.run.id, timeUs: this.nowUs });
  }

  bye(clockUs: number, beat: Beat): void {
    this.#cutOff.bye();
    this.beat(clockUs, beat);
    if (!Number.isNaN(clockUs)) this.byeUs = this.#time(clockUs);
  }

  broken(line: Uint8Array, lane?: number, seq?: number): void {
    this.#shown.tell('A line could not be read and was counted as broken', printableLine(line), this.atUs);
    if (lane === undefined || seq === undefined) this.#broken.push(this.#clockUs);
    else if (this.#lanes.came(lane, seq, this.#clockUs)) this.#account.broken++;
  }

  #to(signals: Signal[]): void {
    this.#signals = this.#held ?? signals;
  }

  #came(lane: number, seq: number, clockUs: number): boolean {
    if (!this.#lanes.came(lane, seq, clockUs)) {
      this.#shown.tell('A record came twice, or after it was given up; it was left out', '', this.atUs);
      return false;
    }
    this.#account.decoded++;
    this.#clockUs = Number.isNaN(this.#clockUs) ? clockUs : Math.max(this.#clockUs, clockUs);
    return true;
  }

  #advance(clockUs: number): void {
    if (!Number.isNaN(clockUs) && !(clockUs <= this.#clockUs)) this.#clockUs = clockUs;
  }

  #anchorAt(number: number, seenUs: number): void {
    const marker = this.#markers.get(number);
    if (marker === undefined) return;
    this.#markers.delete(number);
    this.#marks.delete(number);
    // Rows read so far belong to the clock as it was anchored before.
    this.flush(this.#signals);
    if (!isWall(this.run.clock)) this.#anchor.add(seenUs, marker.beforeUs, marker.afterUs);
    if (this.#ready) return;
    this.#ready = true;
    const { timeUs } = this.#wall(seenUs);
    this.#signals.push({ kind: 'ready', run: this.run, timeUs });
    this.#others.ready(this, timeUs, this.#signals);
    this.flush(this.#signals);
  }

  #told(beat: Beat): void {
    for (const [lane, seq] of beat.emitted) this.#lanes.named(lane, seq);
    const nowUs = this.nowUs;
    const fromUs = Number.isNaN(this.#beat.timeUs) ? nowUs : this.#beat.timeUs;
    const rise = (reason: LostReason, now: number, before: number) => {
      if (now > before) this.#signals.push({ kind: 'lost', run: this.run, reason, count: now - before, fromUs, toUs: nowUs });
      return Math.max(now, before);
    };
    this.#beat = {
      skipped: rise('skipped', beat.skipped, this.#beat.skipped),
      missed: rise('sampling', beat.missed, this.#beat.missed),
      mapFull: rise('map_full', beat.mapFull, this.#beat.mapFull),
      timeUs: nowUs,
    };
    this.#account.filtered = Math.max(this.#account.filtered, beat.filtered);
    this.#account.skipped = this.#beat.skipped;
    this.#account.missed = this.#beat.missed;
  }

  /** What stayed missing is broken as far as there are broken lines without a number, lost otherwise. */
  #settle(): void {
    const missing = this.#lanes.settle(this.#clockUs, this.#over);
    if (missing !== undefined) {
      const broken = Math.min(missing.count, this.#broken.length);
      this.#broken.splice(0, broken);
      this.#account.broken += broken;
      this.#account.lost += missing.count - broken;
      const bounds = { run: this.run, fromUs: this.#time(missing.fromUs), toUs: this.#time(missing.toUs) };
      if (broken > 0) this.#signals.push({ kind: 'lost', reason: 'broken', count: broken, ...bounds });
      if (missing.count > broken) this.#signals.push({ kind: 'lost', reason: 'hole', count: missing.count - broken, ...bounds });
    }
    this.#broken = this.#broken.filter((atUs) => Number.isNaN(atUs) || this.#clockUs - atUs < brokenWaitsUs);
  }

  #count(): void {
    this.#account.emitted = this.#lanes.emitted;
    this.#account.inPipe = this.#lanes.missing;
  }

  #wall(clockUs: number): { timeUs: number; errorUs: number } {
    const at = isWall(this.run.clock)
      ? { timeUs: clockUs, errorUs: this.run.clock === 'reading' ? readingUs : 0 }
      : this.#anchor.wall(clockUs);
    if (at.timeUs <= this.atUs + futureUs + at.errorUs) return at;
    this.#account.future++;
    return { timeUs: this.atUs, errorUs: at.errorUs };
  }

  #time(clockUs: number): number {
    return Number.isNaN(clockUs) || !this.#anchored() ? this.atUs : Math.min(this.#wall(clockUs).timeUs, this.atUs + futureUs);
  }
}
