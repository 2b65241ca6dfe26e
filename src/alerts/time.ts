/** The last time that a double counts exactly in microseconds: 2255-06-05T23:47:34.740991Z. */
const lastUs = Number.MAX_SAFE_INTEGER;

/** RFC 3339 in UTC with six digits. `us` is microseconds since the epoch; what it cannot say exactly (before 1970, after 2255) becomes the nearest end. */
export function rfc3339(us: number): string {
  const whole = Number.isNaN(us) ? 0 : Math.min(Math.max(Math.floor(us), 0), lastUs);
  const seconds = Math.floor(whole / 1_000_000);
  const micros = whole - seconds * 1_000_000;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** A duration as a rule file says it: 90000 is `1m30s`. */
export function durationText(ms: number): string {
  let left = Math.round(ms);
  if (left <= 0) return '0s';
  let text = '';
  for (const [unit, size] of units) {
    const many = Math.floor(left / size);
    if (many > 0) text += `${many}${unit}`;
    left -= many * size;
  }
  return text;
}
