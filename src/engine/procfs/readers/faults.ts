import { readProcesses, uidOf, type Processes } from '../processes.ts';
import { comparing } from './comparing.ts';

/** Page faults of each process, by /proc/PID/stat. */
export const faultsReader = comparing<Processes>({
  name: 'faults',
  goal: 'memory.alloc',
  looksAt: 'the processes',
  read: readProcesses,
  compare: (last, now, interval_ms, host) =>
    [...now].flatMap(([key, { pid, comm, faults: all }]) => {
      // One that was not there before began with none.
      const faults = all - (last.get(key)?.faults ?? 0);
      const uid = faults > 0 ? uidOf(host, pid) : undefined;
      return uid === undefined ? [] : [{ values: { interval_ms, pid, uid, comm, faults } }];
    }),
});
