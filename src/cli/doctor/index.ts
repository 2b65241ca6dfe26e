import { Argument } from 'commander';
import type { EngineName } from '../../config/config.ts';
import { liveEngines } from '../../engine/index.ts';
import { isOwnGoal } from '../../stream/reentry.ts';
import { exit, type CliContext, type ExitCode } from '../context.ts';
import { engineHost } from '../engine-host.ts';
import { openProject } from '../project.ts';
import { examples, type Verb } from '../verb.ts';
import { examine } from './examine.ts';
import { fixPlan, runFixes } from './fix.ts';
import { doctorJson } from './json.ts';
import { doctorPage } from './page.ts';

interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly yes?: boolean;
  /** commander's --no-try. */
  readonly try: boolean;
}

/** `tapline doctor`: what each engine can do here, tried for real; why not, and the command that mends it. Changes nothing without --fix. */
export const doctorVerb: Verb = {
  register(program, context, finish) {
    program
      .command('doctor')
      .description(
        'Per engine and goal: works or cannot, why, and the command that mends it. Tries for real; changes nothing without --fix.',
      )
      .addArgument(new Argument('[engine]', 'only this engine').choices(liveEngines(200).map(({ name }) => name)))
      .option('-c, --config <file>', 'configuration file')
      .option('--fix', 'run the commands that mend it, after asking')
      .option('-y, --yes', 'with --fix: do not ask')
      .option('--no-try', 'do not compile and load a trivial SystemTap module (takes 5 to 90 s)')
      .option('--json', 'one JSON object with everything')
      .addHelpText(
        'after',
        examples('tapline doctor', 'sudo tapline doctor', 'sudo tapline doctor bpftrace --fix', 'tapline doctor --json | jq .engines'),
      )
      .action(async (engine: string | undefined, options: DoctorOptions) => finish(await doctor(context, engine, options)));
  },
};

async function doctor(context: CliContext, only: string | undefined, options: DoctorOptions): Promise<ExitCode> {
  const opened = openProject(context, { ...(options.config !== undefined && { config: options.config }) });
  if (!opened.ok) return exit.config;
  const { catalogue, config, rules } = opened.project;
  const host = engineHost();
  const look = () =>
    examine({
      host,
      engines: liveEngines(config.pollMs).filter(({ name }) => only === undefined || name === only),
      goals: [...catalogue.values()].filter((goal) => !isOwnGoal(goal.id)),
      wanted: (only as EngineName | undefined) ?? config.engine,
      tryOut: options.try,
    });
  let examination = await look();
  let mended = true;
  if (options.fix === true) {
    const plan = fixPlan(examination);
    mended = await runFixes(context, plan, host.uid, options.yes === true);
    if (plan.run.length > 0 && mended) examination = await look();
  }
  if (options.json === true) context.stdout.write(`${JSON.stringify(doctorJson(examination), null, 2)}\n`);
  else context.stdout.write(doctorPage(examination, new Set(rules.map((rule) => rule.goal))));
  if (!mended) return exit.failed;
  return examination.goals.some(({ choice }) => choice.engine !== undefined) ? exit.fine : exit.unavailable;
}
