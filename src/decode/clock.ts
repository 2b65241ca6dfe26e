/** The kernel's clock and the wall clock may drift apart by so much (adjtimex slews by at most 500 ppm). */
const drift = 500e-6;

/**
 * Converts a run's clock to wall time. Each marker bounds the offset between the two: it was made between two readings
 * of the wall clock and the probe saw it at its own time. Bounds are intersected, so the error shrinks; where they do not
 * meet, the wall clock was set or the machine slept, and the newest bound stands alone.
 */
export class ClockAnchor {
  #low = NaN;
  #high = NaN;
  #atUs = NaN;

  get known(): boolean {
    return !Number.isNaN(this.#low);
  }

  /** The marker was seen at `clockUs` and made between `beforeUs` and `afterUs`. Answers whether the clock jumped. */
  add(clockUs: number, beforeUs: number, afterUs: number): boolean {
    const low = beforeUs - clockUs;
    const high = Math.max(afterUs - clockUs, low);
    const slack = this.known ? Math.max(0, clockUs - this.#atUs) * drift : 0;
    const bothLow = Math.max(low, this.#low - slack);
    const bothHigh = Math.min(high, this.#high + slack);
    const jumped = this.known && bothLow > bothHigh;
    const meet = this.known && !jumped;
    this.#low = meet ? bothLow : low;
    this.#high = meet ? bothHigh : high;
    this.#atUs = clockUs;
    return jumped;
  }

  /** Wall time in microseconds since the epoch, and how far off it may be. */
  wall(clockUs: number): { readonly timeUs: number; readonly errorUs: number } {
    const far = Math.abs(clockUs - this.#atUs) * drift;
    return { timeUs: Math.round(clockUs + (this.#low + this.#high) / 2), errorUs: Math.ceil((this.#high - this.#low) / 2 + far) };
  }
}
