import { hostname } from 'node:os';
import { error } from '../problem/problem.ts';
import { printable } from '../problem/printable.ts';
import { nearest } from '../problem/suggest.ts';
import { testItem } from '../sinks/testmessage.ts';
import { wallClock } from '../telemetry/clock.ts';
import { exit, type CliContext, type ExitCode } from './context.ts';
import { openProject, tellProblems } from './project.ts';
import { openSinks } from './sinks-open.ts';
import { examples, type Verb } from './verb.ts';

/** How long one try may take. */
const timeoutMs = 20_000;

/** `tapline sinks test NAME`: one labelled message, once, and what the receiver said. */
export const sinksVerb: Verb = {
  register(program, context, finish) {
    const sinks = program.command('sinks').description('Try the sinks of the configuration.');
    sinks
      .command('test')
      .description('Send one message, marked as a test, and tell what the receiver said. Tries once.')
      .argument('<name>', 'name of a sink in the configuration')
      .option('-c, --config <file>', 'configuration file')
      .addHelpText('after', examples('tapline sinks test terminal', 'tapline sinks test oncall --config config/examples/email.yaml'))
      .action(async (name: string, options: { config?: string }) => finish(await test(context, name, options)));
  },
};

async function test(context: CliContext, name: string, options: { config?: string }): Promise<ExitCode> {
  const opened = openProject(context, options);
  if (!opened.ok) return exit.config;
  const { config } = opened.project;
  const [open] = openSinks(context, config, [name]);
  if (open === undefined) {
    const near = nearest(name, [...config.sinks.keys()]);
    tellProblems(context, [
      error('USAGE', `There is no sink "${printable(name)}"${near === undefined ? '' : `; did you mean "${near}"?`}`, {
        hint: `Sinks: ${[...config.sinks.keys()].join(', ')}.`,
      }),
    ]);
    return exit.usage;
  }
  const item = testItem(name, hostname(), wallClock.nowUs());
  const [result] = await open.sink.send({ id: item.id, sink: name, items: [item] }, AbortSignal.timeout(timeoutMs));
  await open.sink.close();
  if (result?.outcome === 'sent') {
    context.stderr.write(`${name}: sent${result.receipt === undefined ? '' : ` (${printable(result.receipt)})`}. Message ${item.id}.\n`);
    return exit.fine;
  }
  tellProblems(context, result === undefined ? [] : [result.problem]);
  context.stderr.write(
    `${name}: not sent; ${result?.outcome === 'retry' ? 'in a run it would be tried again' : 'in a run it would be given up'}.\n`,
  );
  return exit.unavailable;
}
