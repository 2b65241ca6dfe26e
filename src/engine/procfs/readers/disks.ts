import { readdirSync, readFileSync } from 'node:fs';
import { comparing } from './comparing.ts';

/** What /proc/diskstats adds up for each disk. */
export const disksReader = comparing<Counters>({
  name: 'disks',
  goal: 'disk.latency',
  looksAt: 'the counters of the disks',
  read: ({ proc, sys }) => parseDiskstats(readFileSync(`${proc}/diskstats`, 'latin1'), new Set(readdirSync(`${sys}/block`))),
  compare: (last, now, interval_ms) =>
    [...now].flatMap(([key, { count: ended, sectors, ms }]) => {
      const before = last.get(key) ?? { count: 0, sectors: 0, ms: 0 };
      const count = ended - before.count;
      // Counters that fell are those of another disk of that name.
      if (count <= 0 || sectors < before.sectors || ms < before.ms) return [];
      const [disk = '', op = ''] = key.split(' ');
      const avg_us = Math.round(((ms - before.ms) * 1000) / count);
      return [{ values: { interval_ms, disk, op, requests: count, bytes: (sectors - before.sectors) * 512, avg_us } }];
    }),
});

/** By "DISK OP": requests that ended, sectors of 512 bytes, milliseconds that they took in all. */
export type Counters = ReadonlyMap<string, { readonly count: number; readonly sectors: number; readonly ms: number }>;

/** Documentation/admin-guide/iostats.rst; discards are there from Linux 4.18. `disks`: names of whole disks, the others are partitions. */
export function parseDiskstats(text: string, disks: ReadonlySet<string>): Counters {
  const counters = new Map<string, { count: number; sectors: number; ms: number }>();
  for (const line of text.split('\n')) {
    const [, , name, ...numbers] = line.trim().split(/\s+/);
    if (name === undefined || !disks.has(name)) continue;
    (['read', 'write', undefined, 'discard'] as const).forEach((op, i) => {
      // Eleven numbers of reads, writes and what is under way, then four of discards.
      const at = i < 2 ? 4 * i : 11;
      const [count, , sectors, ms] = numbers.slice(at, at + 4).map(Number);
      if (op !== undefined && count !== undefined && sectors !== undefined && ms !== undefined)
        counters.set(`${name} ${op}`, { count, sectors, ms });
    });
  }
  return counters;
}
