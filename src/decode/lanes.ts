/** How long a number may be missing, in stream time, before it counts as lost: neighbours from two CPUs change places. */
export const holeUs = 1_000_000;

/** Numbers `from .. to` of a lane that have not come; `atUs`: stream time at which that was seen; `sinceUs`: time of the record before. */
interface Hole {
  readonly lane: number;
  from: number;
  to: number;
  readonly atUs: number;
  readonly sinceUs: number;
}

interface Lane {
  last: number;
  lastUs: number;
  named: number;
}

/** Numbers that were given up, and from when to when. */
export interface Missing {
  readonly count: number;
  readonly fromUs: number;
  readonly toUs: number;
}

/**
 * The numbering of one run: which numbers the probe gave out, which came. Numbers of a lane begin with 1. Nothing here
 * decides between lost and broken: `settle` hands out what stayed missing.
 */
export class Lanes {
  readonly #lanes = new Map<number, Lane>();
  #holes: Hole[] = [];

  /** The probe gave out numbers up to `seq` on this lane (a beat, or the record itself). */
  named(lane: number, seq: number): void {
    const state = this.#lane(lane);
    if (seq > state.named) state.named = seq;
  }

  /** A record with this number came. False where it came twice, or after it was given up. */
  came(lane: number, seq: number, timeUs: number): boolean {
    const state = this.#lane(lane);
    if (seq > state.named) state.named = seq;
    if (seq > state.last) {
      if (seq > state.last + 1) this.#holes.push({ lane, from: state.last + 1, to: seq - 1, atUs: timeUs, sinceUs: state.lastUs });
      state.last = seq;
      state.lastUs = timeUs;
      return true;
    }
    return this.#fill(lane, seq);
  }

  /** How many numbers the probe gave out so far. */
  get emitted(): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += lane.named;
    return sum;
  }

  /** Numbers that are missing and not yet given up, among them those that were only named. */
  get missing(): number {
    let sum = 0;
    for (const hole of this.#holes) sum += hole.to - hole.from + 1;
    for (const lane of this.#lanes.values()) sum += lane.named - lane.last;
    return sum;
  }

  /** Gives up what has been missing for longer than `holeUs` at `nowUs`; everything where the run is over. */
  settle(nowUs: number, over: boolean): Missing | undefined {
    if (over) this.expect(nowUs);
    let count = 0;
    let fromUs = Infinity;
    let toUs = -Infinity;
    const young: Hole[] = [];
    for (const hole of this.#holes) {
      if (!over && nowUs - hole.atUs < holeUs) {
        young.push(hole);
        continue;
      }
      count += hole.to - hole.from + 1;
      if (hole.sinceUs < fromUs) fromUs = hole.sinceUs;
      toUs = Math.max(toUs, hole.atUs);
    }
    this.#holes = young;
    return count === 0 ? undefined : { count, fromUs: Number.isFinite(fromUs) ? fromUs : toUs, toUs };
  }

  /**
   * A beat has named these numbers: what has not come up to there is missing from now on. (Without it a record that got
   * lost would be missed only when the next one comes, which may be never.)
   */
  expect(nowUs: number): void {
    for (const [lane, state] of this.#lanes) {
      if (state.named === state.last) continue;
      this.#holes.push({ lane, from: state.last + 1, to: state.named, atUs: nowUs, sinceUs: state.lastUs });
      state.last = state.named;
    }
  }

  #fill(lane: number, seq: number): boolean {
    const index = this.#holes.findIndex((hole) => hole.lane === lane && hole.from <= seq && seq <= hole.to);
    const hole = this.#holes[index];
    if (hole === undefined) return false;
    const parts = [
      { ...hole, to: seq - 1 },
      { ...hole, from: seq + 1 },
    ].filter((part) => part.from <= part.to);
    this.#holes.splice(index, 1, ...parts);
    return true;
  }

  #lane(lane: number): Lane {
    let state = this.#lanes.get(lane);
    if (state === undefined) this.#lanes.set(lane, (state = { last: 0, lastUs: NaN, named: 0 }));
    return state;
  }
}
