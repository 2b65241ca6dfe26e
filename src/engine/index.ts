import { bpftraceEngine } from './bpftrace/index.ts';
import type { Engine } from './engine.ts';
import { procfsEngine } from './procfs/index.ts';
import { systemtapEngine } from './systemtap/index.ts';

/** THE list of engines that watch this machine. (`replay` reads a recording: engine/replay.) */
export const liveEngines = (pollMs: number): readonly Engine[] => [systemtapEngine(), bpftraceEngine, procfsEngine({ pollMs })];
