import { setTimeout as delay } from 'node:timers/promises';
import { startChild, type Escalation } from '../child.ts';
import type { EngineHost } from '../engine.ts';

/** What a program printed to its end. */
export interface Output {
  readonly code: number | null;
  /** Standard output, decoded as Latin-1. */
  readonly text: string;
  /** Lines of standard error. */
  readonly said: readonly string[];
  /** It was ended because it took too long. */
  readonly late: boolean;
}

export interface OutputOptions {
  readonly limitMs: number;
  readonly cwd?: string;
  /** How it is ended when its time is up. Default: SIGKILL. */
  readonly ends?: Escalation;
}

/** Runs a program to its end, without a shell; ends it after `limitMs`. Never rejects. */
export async function output(
  host: Pick<EngineHost, 'spawn'>,
  program: string,
  args: readonly string[],
  { limitMs, cwd, ends = [{ signal: 'SIGKILL', afterMs: 0 }] }: OutputOptions,
): Promise<Output> {
  const said: string[] = [];
  let late = false;
  const child = startChild(host.spawn, program, args, { ...(cwd !== undefined && { cwd }), onStderr: (line) => said.push(line) });
  const timer = setTimeout(() => {
    late = true;
    void child.stop(ends);
  }, limitMs);
  let text = '';
  for await (const lines of child.lines()) text += Buffer.from(lines).toString('latin1');
  const { code } = await child.exited;
  clearTimeout(timer);
  await Promise.race([child.saidAll, delay(1000, undefined, { ref: false })]);
  return { code, text, said, late };
}
