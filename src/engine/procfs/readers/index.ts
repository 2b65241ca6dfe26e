import type { Goal } from '../../../goals/goal.ts';
import type { ReaderKind } from '../reader.ts';
import { cpuReader, runqueueReader } from './cpu.ts';
import { disksReader } from './disks.ts';
import { faultsReader } from './faults.ts';
import { listenersReader } from './listeners.ts';
import { oomReader } from './oom.ts';
import { pressureReader } from './pressure.ts';
import { endsReader, programsReader } from './programs.ts';
import { tcpReader } from './tcp.ts';

/** THE list of readers of /proc. */
const readers: readonly ReaderKind[] = [
  tcpReader,
  listenersReader,
  oomReader,
  disksReader,
  faultsReader,
  pressureReader,
  cpuReader,
  runqueueReader,
  programsReader,
  endsReader,
];

/** The reader that answers a goal; undefined where there is none. */
export function readerOf(goal: Goal): ReaderKind | undefined {
  const found = readers.find(({ name }) => name === goal.engines.procfs?.reader);
  return found?.knows(goal) === true ? found : undefined;
}
