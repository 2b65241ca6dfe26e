import { readFileSync } from 'node:fs';
import { comparing } from './comparing.ts';

/** That the OOM killer killed, and how often; not whom. */
export const oomReader = comparing<number>({
  name: 'oom',
  goal: 'memory.oom',
  looksAt: 'the count of killed processes',
  read({ proc }) {
    const kills = parseKills(readFileSync(`${proc}/vmstat`, 'latin1'));
    if (kills === undefined) throw new Error(`${proc}/vmstat has no oom_kill, which Linux has from 4.13 on`);
    return kills;
  },
  compare: (before, now) => (now > before ? [{ n: now - before, values: {} }] : []),
});

/** oom_kill of /proc/vmstat: processes that the OOM killer killed, for the machine or for a memory cgroup. Undefined where there is none. */
export function parseKills(vmstat: string): number | undefined {
  const found = /^oom_kill (\d+)$/m.exec(vmstat)?.[1];
  return found === undefined ? undefined : Number(found);
}
