import type { Run } from '../engine/frame.ts';
import type { Signal } from './signal.ts';

/** A run as the others of its goal see it. All times are wall time, microseconds since the epoch. */
export interface Life {
  readonly run: Run;
  /** The latest time that its lines told. */
  readonly nowUs: number;
  /** Up to when it has told everything, by its goodbye; undefined where it said none with a time. */
  readonly byeUs: number | undefined;
  /** Keeps what it has to say from now on to itself. */
  hold(): void;
  /** Says what it held, without records older than `fromUs`, which another run has told. */
  release(fromUs: number, signals: Signal[]): void;
  /** Leaves out its records from this time on, which another run tells. */
  cut(beforeUs: number): void;
}

/** Two runs' clocks agree no better: a gap that is shorter is none. */
const clockUs = 2_000;
/** An outgoing run that says nothing more is waited for so long, by the incoming one's times. */
const waitUs = 5_000_000;

/**
 * The runs of one goal on one host, one after the other or, while an engine takes over from another, two at a time (ADR 8).
 * Where one becomes ready while another is, each moment is told by one of them: by the outgoing one up to a cut, by the
 * incoming one from there on. Where none was ready, what passed meanwhile is told as lost. Pure: decided by the frames alone.
 */
export class GoalRuns {
  readonly #ready = new Set<Life>();
  readonly #handing = new Map<Life, { readonly from: Life; readonly readyUs: number }>();
  /** Up to when a run that has gone told; 0 where none has. */
  #seenUs = 0;

  ready(incoming: Life, readyUs: number, signals: Signal[]): void {
    const outgoing = [...this.#ready].at(-1);
    this.#ready.add(incoming);
    if (outgoing === undefined) {
      this.#tellGap(incoming.run, this.#seenUs, readyUs, signals);
    } else if (incoming.run.fidelity === 'sampled' && outgoing.run.fidelity === 'event') {
      // It was about to leave when it became ready: the better one goes on.
      incoming.cut(-Infinity);
    } else if (outgoing.run.fidelity === 'sampled') {
      // Its last look, at its goodbye, tells what came before it: only then is it known where the cut lies.
      this.#handing.set(incoming, { from: outgoing, readyUs });
      incoming.hold();
    } else {
      outgoing.cut(readyUs);
      incoming.release(readyUs, signals);
    }
  }

  /** Time has passed for a run that may be waiting for another's goodbye. */
  passed(incoming: Life, nowUs: number, signals: Signal[]): void {
    const handing = this.#handing.get(incoming);
    if (handing === undefined || nowUs - handing.readyUs < waitUs) return;
    handing.from.cut(handing.from.nowUs);
    this.#handOver(incoming, signals);
  }

  gone(life: Life, signals: Signal[]): void {
    if (!this.#ready.delete(life)) return;
    this.#seenUs = Math.max(this.#seenUs, life.byeUs ?? life.nowUs);
    if (life.run.fidelity === 'event') for (const other of this.#ready) other.cut(Infinity);
    for (const [incoming, { from }] of this.#handing) if (from === life) this.#handOver(incoming, signals);
  }

  #handOver(incoming: Life, signals: Signal[]): void {
    const handing = this.#handing.get(incoming);
    if (handing === undefined) return;
    const { from, readyUs } = handing;
    this.#handing.delete(incoming);
    const cutUs = from.byeUs ?? from.nowUs;
    this.#tellGap(incoming.run, cutUs, readyUs, signals);
    incoming.release(cutUs, signals);
  }

  #tellGap(run: Run, fromUs: number, toUs: number, signals: Signal[]): void {
    if (fromUs > 0 && toUs - fromUs > clockUs) signals.push({ kind: 'lost', run, reason: 'unwatched', count: undefined, fromUs, toUs });
  }
}
