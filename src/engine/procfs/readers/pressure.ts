import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { textOf } from '../../../goals/text.ts';
import type { EngineHost } from '../../engine.ts';
import { comparing } from './comparing.ts';

/** A bound on what one look costs. */
const mostCgroups = 2000;

/** The kernel's own measure of time lost for want of memory (PSI), of the machine and of each cgroup (v2). */
export const pressureReader = comparing<Looks>({
  name: 'pressure',
  goal: 'memory.pressure',
  looksAt: 'the pressure stall information',
  read: readPressures,
  compare: (last, now, interval_ms) =>
    [...now].flatMap(([cgroup, { some, full }]) => {
      // A cgroup that was not there before began with none.
      const some_us = some.total - (last.get(cgroup)?.some.total ?? 0);
      const full_us = full.total - (last.get(cgroup)?.full.total ?? 0);
      if (some_us <= 0 || full_us < 0) return [];
      const percent = (us: number) => Math.round(us / (10 * Math.max(1, interval_ms)));
      const averages = {
        some_avg10: Math.round(some.avg10),
        some_avg60: Math.round(some.avg60),
        full_avg10: Math.round(full.avg10),
        full_avg60: Math.round(full.avg60),
      };
      return [
        { values: { interval_ms, cgroup, some_us, full_us, some_percent: percent(some_us), full_percent: percent(full_us), ...averages } },
      ];
    }),
});

interface Line {
  readonly avg10: number;
  readonly avg60: number;
  /** Microseconds. */
  readonly total: number;
}
export interface Pressure {
  readonly some: Line;
  readonly full: Line;
}
type Looks = ReadonlyMap<string, Pressure>;

/** Documentation/accounting/psi.rst. Undefined where the text is something else. */
export function parsePressure(text: string): Pressure | undefined {
  const line = (name: string): Line | undefined => {
    const found = new RegExp(`^${name} avg10=([\\d.]+) avg60=([\\d.]+) avg300=[\\d.]+ total=(\\d+)$`, 'm').exec(text);
    return found ? { avg10: Number(found[1]), avg60: Number(found[2]), total: Number(found[3]) } : undefined;
  };
  const [some, full] = [line('some'), line('full')];
  return some && full && { some, full };
}

/** `/` is the machine. Throws where the machine's cannot be read. */
function readPressures({ proc, sys }: EngineHost): Looks {
  const machine = parsePressure(readFileSync(`${proc}/pressure/memory`, 'latin1'));
  if (machine === undefined) throw new Error(`${proc}/pressure/memory is not what Linux writes there`);
  const found = new Map([['/', machine]]);
  const root = [`${sys}/fs/cgroup`, `${sys}/fs/cgroup/unified`].find((folder) => existsSync(`${folder}/cgroup.controllers`));
  // Names may be any bytes: as Latin-1 each is one character.
  const waiting = root === undefined ? [] : [''];
  for (let path = waiting.pop(); path !== undefined && found.size < mostCgroups; path = waiting.pop()) {
    const folder = Buffer.from(`${root}${path}`, 'latin1');
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'latin1' }))
        if (entry.isDirectory()) waiting.push(`${path}/${entry.name}`);
      const read =
        path === '' ? undefined : parsePressure(readFileSync(Buffer.concat([folder, Buffer.from('/memory.pressure')]), 'latin1'));
      if (read) found.set(textOf(Buffer.from(path, 'latin1')), read);
    } catch {
      // It is gone meanwhile, or has no pressure of its own.
    }
  }
  return found;
}
