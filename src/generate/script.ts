import { createHash } from 'node:crypto';
import type { Goal } from '../goals/goal.ts';
import type { Script } from '../goals/script.ts';
import type { Module } from './module.ts';

/** The user's script is the module, unchanged; rules add nothing to it. */
export function scriptModule(goal: Goal, script: Script, rules: Module['rules'], pushdown: Module['pushdown']): Module {
  const { text, args, stap, bpftrace } = script;
  const hash = createHash('sha256');
  for (const part of [text, JSON.stringify([args, stap, bpftrace])]) hash.update(`${part.length}:${part}`);
  const id = hash.digest('hex').slice(0, 12);
  return { id, name: `tapline_${goal.id.replaceAll('.', '_')}_${id}`, goal, engine: script.language, source: text, rules, pushdown };
}

/**
 * What goes into the module beside the script (stap -E), so that Tapline knows when the probes are attached and what was lost,
 * without a line of its own among the script's: a file of the module's that says so when it is read. SystemTap makes the file after it has
 * attached all other probes, so whoever can read it knows that they are. Clock in microseconds, lines lost, hits that did not run.
 */
export const systemtapCompanion =
  'probe procfs("tapline").read { $value = sprintf("%d %d %d\\n", tl_clock_us(), tl_lost(), tl_skipped() + tl_errors()) }';

/** The same for bpftrace: an answer to Tapline's marker, whose first number is `base`. It comes as JSON of its own, never as text. */
export const bpftraceCompanion = (base: number): string => `
tracepoint:syscalls:sys_enter_getpriority /args->who >= ${base} && args->who < ${base + 2 ** 20}/ {
  print(("m:${base}", nsecs, (int64)args->who - ${base}));
}
`;
