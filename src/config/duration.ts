import { Type } from 'typebox';

/** As Prometheus has it (model.ParseDuration): units from large to small, each at most once; a day has 24 hours, a week 7 days, a year 365. */
const pattern = /^(?:0|(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?)$/;
const units = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1];
/** A century: beyond that somebody mistyped, and sums of microseconds lose digits. */
const longest = 100 * 365 * 86_400_000;

/** `90s`, `5m`, `1h30m`, `500ms`, `0`: milliseconds; undefined where the text is no duration, or longer than a century. */
export function parseDuration(text: string): number | undefined {
  const parts = text === '' ? null : pattern.exec(text);
  if (parts === null) return undefined;
  const ms = units.reduce((sum, unit, i) => sum + unit * Number(parts[i + 1] ?? 0), 0);
  return ms <= longest ? ms : undefined;
}

/** In JSON Schemas, for editors and for `checkSchema`, which tells CONFIG_BAD_DURATION. */
export const durationPattern = pattern.source.replaceAll('\\d', '[0-9]');
export const durationHint = 'Write it as Prometheus does: 500ms, 90s, 5m, 1h30m, 7d.';
export const DurationSchema = Type.String({
  pattern: durationPattern,
  minLength: 1,
  description: 'A duration: 500ms, 90s, 5m, 1h30m, 7d.',
});
