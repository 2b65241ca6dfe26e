/** Minutes east of UTC at a time. A function, because of summer time. */
export type Zone = (timeUs: number) => number;

/** The zone of this process (TZ, /etc/localtime). */
export const localZone: Zone = (timeUs) => -new Date(timeUs / 1000).getTimezoneOffset();

/** Microseconds since the epoch of an RFC 3339 time in UTC with up to six digits of a second. NaN where it is none. */
export function usOf(rfc3339: string): number {
  const fraction = /\.(\d{1,6})\d*Z$/.exec(rfc3339)?.[1] ?? '';
  const whole = Date.parse(rfc3339.replace(/\.\d+Z$/, 'Z'));
  return whole * 1000 + Number(fraction.padEnd(6, '0'));
}

const iso = (timeUs: number, zone: Zone): string => {
  const date = new Date(Math.floor(timeUs / 1000) + zone(timeUs) * 60_000);
  return Number.isNaN(date.getTime()) ? '????-??-??T??:??:??.???Z' : date.toISOString();
};

/** "14:03:01.412" */
export const clockTime = (timeUs: number, zone: Zone): string => iso(timeUs, zone).slice(11, 23);
/** "14:03:01" */
export const clockSeconds = (timeUs: number, zone: Zone): string => iso(timeUs, zone).slice(11, 19);
/** "2026-11-23" */
export const dateOf = (timeUs: number, zone: Zone): string => iso(timeUs, zone).slice(0, 10);
/** "+09:00" */
export function offsetText(timeUs: number, zone: Zone): string {
  const minutes = zone(timeUs);
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
}
/** "2026-11-23 14:03:13.698 +09:00" */
export const dateTime = (timeUs: number, zone: Zone): string =>
  `${dateOf(timeUs, zone)} ${clockTime(timeUs, zone)} ${offsetText(timeUs, zone)}`;

/** "850 ms", "6.5 s", "12 min 7 s", "3 h 5 min", "2 d 4 h": two units at most, cut and never rounded up. */
export function span(us: number): string {
  const ms = Math.max(0, Math.floor(us / 1000));
  if (ms < 1000) return `${ms} ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return ms % 1000 < 100 || s >= 10 ? `${s} s` : `${s}.${Math.floor((ms % 1000) / 100)} s`;
  const parts: [number, string][] = [
    [Math.floor(s / 86_400), 'd'],
    [Math.floor(s / 3600) % 24, 'h'],
    [Math.floor(s / 60) % 60, 'min'],
    [s % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** The larger unit of `span` alone: "12 min". */
export const roughly = (us: number): string => span(us).split(' ').slice(0, 2).join(' ');
