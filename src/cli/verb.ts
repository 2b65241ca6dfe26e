import type { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';

/** One word of the command line: declares its options on `program` and does its work in the action. */
export interface Verb {
  /** `finish` takes the exit code that the action ends with. */
  register(program: Command, context: CliContext, finish: (code: ExitCode) => void): void;
}

/** The "Examples" part of a verb's --help. */
export const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
