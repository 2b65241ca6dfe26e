/** The wall clock, passed in everywhere. Microseconds since the epoch; whole milliseconds on the real one. */
export interface Clock {
  nowUs(): number;
}

export const wallClock: Clock = { nowUs: () => Date.now() * 1000 };
