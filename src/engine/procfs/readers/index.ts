import type { Goal } from '../../../goals/goal.ts';
import type { ReaderKind } from '../reader.ts';
import { tcpReader } from './tcp.ts';

/** THE list of readers of /proc. */
const readers: readonly ReaderKind[] = [tcpReader];

/** The reader that answers a goal; undefined where there is none. */
export function readerOf(goal: Goal): ReaderKind | undefined {
  const found = readers.find(({ name }) => name === goal.engines.procfs?.reader);
  return found?.knows(goal) === true ? found : undefined;
}
