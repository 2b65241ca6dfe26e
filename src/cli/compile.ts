import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { compileFor, type CompiledFor } from '../engine/systemtap/compile-for.ts';
import { watchedGoals } from '../engine/watch.ts';
import { isOwnGoal } from '../stream/reentry.ts';
import { plural } from './columns.ts';
import { exit, shownPath, type CliContext, type ExitCode } from './context.ts';
import { engineHost } from './engine-host.ts';
import { Progress } from './progress.ts';
import { openProject, tellProblems } from './project.ts';
import { onStopSignals } from './signals.ts';
import { wallClock } from '../telemetry/clock.ts';
import { examples, type Verb } from './verb.ts';

interface CompileOptions {
  readonly config?: string;
  readonly kernel?: string;
  readonly output?: string;
  readonly all?: boolean;
}

/** `tapline compile`: makes SystemTap's modules beforehand, for this kernel or for hosts that have no compiler. Loads nothing. */
export const compileVerb: Verb = {
  register(program, context, finish) {
    program
      .command('compile')
      .description("Compile SystemTap's kernel modules beforehand, for this kernel or another one. Loads nothing, needs no root.")
      .option('-c, --config <file>', 'configuration file')
      .option(
        '-k, --kernel <release>',
        'for this kernel, as `uname -r` says it there; its headers have to be installed here (default: the running one)',
      )
      .addOption(new Option('-o, --output <dir>', 'where the modules go (default: the cache that tapline run looks into)'))
      .option('--all', 'all goals, for any rules: modules that print every record; not only those of the rules')
      .addHelpText(
        'after',
        examples('tapline compile', 'tapline compile --all --kernel 6.12.43+deb13-amd64 -o modules', 'TAPLINE_MODULES=modules tapline run'),
      )
      .action(async (options: CompileOptions) => finish(await compile(context, options)));
  },
};

async function compile(context: CliContext, options: CompileOptions): Promise<ExitCode> {
  const opened = openProject(context, options);
  if (!opened.ok) return exit.config;
  const { rules, catalogue } = opened.project;
  const goals =
    options.all === true
      ? [...catalogue.values()].filter((goal) => !isOwnGoal(goal.id)).map((goal) => ({ goal, rules: [] }))
      : watchedGoals({ rules, goals: catalogue });
  const progress = new Progress(context);
  const stop = new AbortController();
  onStopSignals(process, wallClock, { stop: () => stop.abort(), abandon: () => process.exit(exit.failed) });
  const made = await compileFor({
    goals: goals.filter(({ goal }) => goal.engines.systemtap?.template !== undefined),
    host: engineHost(),
    ends: stop.signal,
    width: availableParallelism(),
    onProgress: (problem) => {
      if (progress.take(problem)) return;
      progress.clear();
      tellProblems(context, [problem]);
    },
    ...(options.kernel !== undefined && { kernel: options.kernel }),
    ...(options.output !== undefined && { output: resolve(context.cwd, options.output) }),
  });
  progress.end();
  tellProblems(context, made.problems);
  context.stdout.write(compilePage(context, made));
  if (stop.signal.aborted) return exit.failed;
  return made.modules.length === 0 || made.problems.length > 0 ? exit.unavailable : exit.fine;
}

function compilePage(context: CliContext, { kernel, folder, modules }: CompiledFor): string {
  const fresh = modules.filter(({ kept }) => !kept).length;
  const lines = [
    ...modules.map(({ goal, file, kept }) => `${goal.padEnd(24)} ${shownPath(context, file)}${kept ? '  (was there)' : ''}`),
    `${plural(modules.length, 'module')} for kernel ${kernel} in ${shownPath(context, folder)}, ${fresh} of them compiled now.`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
