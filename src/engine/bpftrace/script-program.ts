import { withCompanions } from '../../generate/script.ts';
import type { Module } from '../../generate/module.ts';
import type { Script } from '../../goals/script.ts';
import type { Frame } from '../frame.ts';
import { beatLine, byeLine, markLine, taggedOutput } from '../script-lines.ts';
import type { Program } from './process.ts';
import { ScriptOutput } from './script-output.ts';

/** A user's script in a process of its own: it has maps, a BEGIN and an exit() of its own. Its text is the argument, unchanged. */
export const scriptProgram = (module: Module, script: Script): Program => ({
  modules: [module],
  printed: { dialect: 'script', clock: script.clock === 'none' ? 'reading' : script.clock === 'kernel' ? 'boottime' : 'wall' },
  begin(runs, base) {
    const { text, companions } = withCompanions(script, base);
    const output = new ScriptOutput(companions);
    const { unsafe, stringBytes, mapEntries } = script.bpftrace;
    const silent = new Set(companions);
    let skipped = 0;
    const frame = (lines: Uint8Array, atUs: number): Frame[] =>
      lines.length === 0 ? [] : runs.map((run) => ({ kind: 'lines', run: run.id, lines, atUs }));
    return {
      args: [...(unsafe ? ['--unsafe'] : []), '-e', text, ...script.args],
      env: {
        ...(stringBytes !== undefined && { BPFTRACE_STRLEN: `${stringBytes}`, BPFTRACE_MAX_STRLEN: `${stringBytes}` }),
        ...(mapEntries !== undefined && { BPFTRACE_MAP_KEYS_MAX: `${mapEntries}`, BPFTRACE_MAX_MAP_KEYS: `${mapEntries}` }),
      },
      read(chunk, atUs) {
        const { lines, marks } = output.push(chunk);
        const parts = [taggedOutput(lines)];
        for (const mark of marks) {
          silent.delete(mark.tag);
          if (mark.tag !== companions[0]) continue;
          const clockUs = script.clock === 'kernel' ? mark.clockUs : atUs;
          parts.push(markLine(clockUs, mark.number), beatLine(clockUs, output.lost, skipped));
        }
        return frame(Buffer.concat(parts), atUs);
      },
      facts: () => [],
      ready: () => silent.size === 0,
      skipped(count) {
        skipped = count;
        return [];
      },
      // The goodbye has no clock of its own: the last one that was told stands.
      goodbye: (atUs) =>
        frame(Buffer.concat([taggedOutput(output.end()), byeLine(script.clock === 'kernel' ? 0 : atUs, output.lost, skipped)]), atUs),
    };
  },
});
