import { Command, CommanderError } from 'commander';
import { compileVerb } from './compile.ts';
import { doctorVerb } from './doctor/index.ts';
import { explainVerb } from './explain/index.ts';
import { goalsVerb } from './goals.ts';
import { newVerb } from './new/index.ts';
import { referenceVerb } from './reference.ts';
import { replayVerb } from './replay.ts';
import { runVerb } from './run.ts';
import { sinksVerb } from './sinks.ts';
import { validateVerb } from './validate.ts';
import { exit, type CliContext, type ExitCode } from './context.ts';
import { examples, type Verb } from './verb.ts';
import { version } from '../telemetry/version.ts';

/** THE list of verbs, in the order in which help shows them. */
export const verbs: readonly Verb[] = [
  runVerb,
  validateVerb,
  explainVerb,
  goalsVerb,
  doctorVerb,
  compileVerb,
  newVerb,
  replayVerb,
  sinksVerb,
  referenceVerb,
];

/** Runs one command line (without node and the script) and answers its exit code. Never throws. */
export async function main(words: readonly string[], context: CliContext): Promise<ExitCode> {
  let code: ExitCode = exit.fine;
  const program = buildProgram(context, (ended) => (code = ended));
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? exit.fine : exit.usage;
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    context.stderr.write(`This is a bug in Tapline ${version}; please report it with the lines below.\n${stack}\n`);
    return exit.bug;
  }
}

/** The whole command line as commander has it; the reference page of verbs is made from it too. */
export function buildProgram(context: CliContext, finish: (code: ExitCode) => void): Command {
  const program = new Command('tapline')
    .description('Tells you when something happens inside the Linux kernel, and only then.')
    .version(`tapline ${version}`)
    .helpOption('-h, --help', 'Show this help.')
    .helpCommand('help [verb]', 'Show help for a verb.')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: (text, write) => write(`${text.trimEnd()}\nSee: tapline --help\n`),
    })
    .addHelpText('after', examples('tapline run', 'tapline goals "who opens this file"', 'tapline doctor'))
    .addHelpText(
      'after',
      '\nExit status: 0 fine, 1 a test failed, 2 wrong usage, 69 engine or sink unavailable, 70 a bug,\n77 no permission, 78 wrong configuration.\n',
    );
  for (const verb of verbs) verb.register(program, context, finish);
  for (const command of everyCommand(program)) command.exitOverride().configureOutput(program.configureOutput());
  return program;
}

const everyCommand = (command: Command): Command[] => command.commands.flatMap((child) => [child, ...everyCommand(child)]);
