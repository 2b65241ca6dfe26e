import { createHash } from 'node:crypto';
import type { Goal } from '../goals/goal.ts';
import type { Script } from '../goals/script.ts';
import type { Module } from './module.ts';
import { firstProbe } from './script-start.ts';

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

/**
 * The same for bpftrace: the script with an answer to Tapline's marker (whose first number is `base`) on a line before its first probe and
 * one behind its last, as JSON of its own, never as text. Whichever way bpftrace goes through the probes, one of both is attached last.
 */
export function withCompanions(script: Script, base: number): { readonly text: string; readonly companions: readonly string[] } {
  const { text } = script;
  const answer = (tag: string) =>
    `tracepoint:syscalls:sys_enter_getpriority /args->who >= ${base} && args->who < ${base + 2 ** 20}/ { print(("${tag}", nsecs, (int64)args->who - ${base})); }\n`;
  const first = firstProbe(text);
  const [before, behind] = [`n:${base}`, `m:${base}`];
  if (first === undefined) return { text: `${text}\n${answer(behind)}`, companions: [behind] };
  return { text: `${text.slice(0, first)}${answer(before)}${text.slice(first)}\n${answer(behind)}`, companions: [before, behind] };
}

/** Where something stands in a script, by where bpftrace saw it: the line of the first companion is none of the script's. */
export function placeBeforeCompanions({ text }: Script, line: number, column: number): { readonly line: number; readonly column: number } {
  const first = firstProbe(text);
  if (first === undefined) return { line, column };
  const above = text.slice(0, first).split('\n');
  if (line <= above.length) return { line, column };
  return { line: line - 1, column: line === above.length + 1 ? column + (above.at(-1)?.length ?? 0) : column };
}
