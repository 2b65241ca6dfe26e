import type { LineDialect } from '../lines.ts';
import type { Run } from '../../engine/frame.ts';
import { bpftraceLines } from './bpftrace.ts';
import { rowReader } from './rows.ts';
import { scriptLines } from './script.ts';
import { systemtapLines } from './systemtap.ts';

/** THE list of dialects: how the lines of each are read. */
export const dialects: Readonly<Record<Run['dialect'], LineDialect>> = {
  bpftrace: bpftraceLines,
  systemtap: systemtapLines,
  script: scriptLines,
  procfs: { name: 'procfs', reader: () => rowReader },
  tapline: { name: 'tapline', reader: () => rowReader },
};
