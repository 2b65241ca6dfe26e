import { createInterface } from 'node:readline/promises';
import { resolve } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Catalogue } from '../../goals/catalogue.ts';
import { checkRuleFile } from '../../goals/project.ts';
import { error, type Problem } from '../../problem/problem.ts';
import { renderProblems } from '../../problem/render.ts';
import { exit, shownPath, type CliContext, type ExitCode } from '../context.ts';
import { openProject, tellProblems } from '../project.ts';
import { examples, type Verb } from '../verb.ts';
import { askRest, ruleOf, type Asking, type NewRuleOptions } from './answers.ts';
import { readRuleFile, withRule, writeRuleFile } from './rule-file.ts';

/** `tapline new rule`: asks on a terminal, or takes flags, and writes a rule that the loader has found valid. Never overwrites. */
export const newVerb: Verb = {
  register(program, context, finish) {
    program
      .command('new')
      .description('Write something new: a rule.')
      .command('rule')
      .description('Write a rule that is valid: asks for what the flags leave open. Adds to a file, or begins one; overwrites nothing.')
      .option('--goal <goal>', 'what to watch: a goal, or words of a symptom')
      .option('--alert <name>', 'an alert of that name: fires and resolves')
      .option('--forward <name>', 'a rule of that name that sends every record')
      .option('--where <condition>', 'which records')
      .option('--by <fields>', 'one alert for each of these: a,b')
      .option('--threshold <how>', 'how often before it fires: "3 in 60s"')
      .option('--for <duration>', 'how long it must hold before it fires')
      .option('--severity <name>', 'label severity')
      .option('--summary <text>', 'the line that mails and terminals show, with {{ field }} in it')
      .option('--to <sinks>', 'names of sinks: a,b')
      .option('--file <file>', 'file of rules (default: rules/own.yaml)')
      .option('--group <name>', 'group in that file (default: its first)')
      .option('-c, --config <file>', 'configuration file')
      .addHelpText(
        'after',
        examples(
          'tapline new rule',
          'tapline new rule --goal tcp.retransmit --alert PeerDown --where \'state == "SYN_SENT"\' --by daddr,dport --threshold "3 in 60s"',
        ),
      )
      .action(async (options: NewRuleOptions) => finish(await newRule(context, options)));
  },
};

async function newRule(context: CliContext, given: NewRuleOptions): Promise<ExitCode> {
  if (given.alert !== undefined && given.forward !== undefined) return usage(context, 'A rule is either an alert or a forward, not both.');
  const opened = openProject(context, { ...(given.config !== undefined && { config: given.config }) }, 'Nothing was written.');
  if (!opened.ok) return exit.config;
  const { catalogue, config } = opened.project;
  const file = resolve(context.cwd, given.file ?? 'rules/own.yaml');
  const before = readRuleFile(file);
  const check = (options: NewRuleOptions) => checked(options, file, before, catalogue, config);

  const complete = catalogue.has(given.goal ?? '') && (given.alert ?? given.forward) !== undefined;
  let options: NewRuleOptions | undefined = given;
  if (!complete) {
    if (process.stdin.isTTY !== true)
      return usage(
        context,
        'Nobody can be asked: standard input is no terminal.',
        'Name at least --goal and --alert or --forward; tapline goals lists what can be watched.',
      );
    options = await withTerminal(context, (asking) =>
      askRest(given, asking, catalogue, config, (tried) => {
        const { problems } = check(tried);
        const wrong = problems.filter(({ severity }) => severity === 'error');
        return wrong.length === 0 ? undefined : wrong.map(({ message, hint }) => [message, hint].filter(Boolean).join(' ')).join('\n');
      }),
    );
    if (options === undefined) {
      context.stderr.write('\nNothing was written.\n');
      return exit.failed;
    }
  }

  const { text, problems } = check(options);
  if (problems.length > 0) context.stderr.write(renderProblems(problems, { cwd: context.cwd, colour: false, format: 'long' }));
  if (text === undefined || problems.some(({ severity }) => severity === 'error')) {
    context.stderr.write('Nothing was written.\n');
    return exit.config;
  }
  const written = writeRuleFile(file, before, text);
  if (!written.ok) {
    tellProblems(context, written.problems);
    return exit.failed;
  }
  context.stdout.write(nextSteps(context, file, options, before === undefined, config));
  return exit.fine;
}

/** The file with the rule in it, and what the loader says of it. */
function checked(
  options: NewRuleOptions,
  file: string,
  before: string | undefined,
  catalogue: Catalogue,
  config: Config,
): { readonly text?: string; readonly problems: readonly Problem[] } {
  const rule = ruleOf(options);
  if (!rule.ok) return { problems: rule.problems };
  const text = withRule(before, rule.value, options.group);
  if (!text.ok) return { problems: text.problems };
  return { text: text.value, problems: checkRuleFile(file, Buffer.from(text.value), catalogue, config) };
}

async function withTerminal<T>(context: CliContext, work: (asking: Asking) => Promise<T>): Promise<T> {
  const terminal = createInterface({ input: process.stdin, output: context.stderr });
  // Ctrl-D and Ctrl-C end the questions; an answer that never comes must not keep the program waiting.
  const gone = new AbortController();
  terminal.once('close', () => gone.abort());
  terminal.once('SIGINT', () => gone.abort());
  try {
    return await work({
      ask: (question) =>
        gone.signal.aborted ? Promise.resolve(undefined) : terminal.question(question, { signal: gone.signal }).catch(() => undefined),
      say: (line) => void context.stderr.write(`${line}\n`),
    });
  } finally {
    terminal.close();
  }
}

function nextSteps(context: CliContext, file: string, options: NewRuleOptions, begun: boolean, config: Config): string {
  const shown = shownPath(context, file);
  const name = options.alert ?? options.forward ?? '';
  // A pattern of the configuration may take in a file that was not there when it was read.
  const reopened = openProject({ ...context, stderr: { write: () => true } as unknown as NodeJS.WriteStream }, { config: config.file });
  const read = reopened.ok && reopened.project.config.ruleFiles.includes(file);
  return [
    `${name} stands in ${shown}${begun ? ', a new file' : ''}.`,
    `  what it will do   tapline explain '${shown}#${name}'`,
    read
      ? '  watch             tapline run'
      : `  watch             add ${shown} to \`rules:\` in ${shownPath(context, config.file)} (paths count from there), then: tapline run`,
    '',
  ].join('\n');
}

function usage(context: CliContext, message: string, hint?: string): ExitCode {
  tellProblems(context, [error('USAGE', message, hint === undefined ? {} : { hint })]);
  return exit.usage;
}
