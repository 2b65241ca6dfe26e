import { resolve } from 'node:path';
import { Option } from 'commander';
import { generateModule } from '../generate/generate.ts';
import { replayEngine } from '../engine/replay/index.ts';
import { runPipeline } from '../pipeline.ts';
import { error } from '../problem/problem.ts';
import { isOwnGoal } from '../stream/reentry.ts';
import { wallClock } from '../telemetry/clock.ts';
import { Ledger } from '../telemetry/ledger.ts';
import { exit, type CliContext, type ExitCode } from './context.ts';
import { engineHost } from './engine-host.ts';
import { openProject, tellProblems } from './project.ts';
import { pipelineBase } from './pipeline-base.ts';
import { onStopSignals } from './signals.ts';
import { summaryJson, summaryLines } from './summary.ts';
import { examples, type Verb } from './verb.ts';

interface ReplayCliOptions {
  readonly config?: string;
  readonly speed: 'max' | 'real';
  readonly to?: readonly string[];
  readonly json?: boolean;
}

/** `tapline replay`: the rules over a recording; the same records, alerts and ids as when it was live. */
export const replayVerb: Verb = {
  register(program, context, finish) {
    program
      .command('replay')
      .description('Run the rules over a recording that `tapline run --record` made, or over standard input (-).')
      .argument('<file>', 'recording, or - for standard input')
      .option('-c, --config <file>', 'configuration file')
      .addOption(new Option('--speed <speed>', 'max, or real: as it happened').choices(['max', 'real']).default('max'))
      .option('--json', 'the summary as JSON on stderr')
      .addHelpText(
        'after',
        examples('tapline replay today.rec', 'tapline replay today.rec --speed real', 'zcat today.rec.gz | tapline replay -'),
      )
      .action(async (file: string, options: ReplayCliOptions) => finish(await replay(context, file, options)));
  },
};

async function replay(context: CliContext, file: string, options: ReplayCliOptions): Promise<ExitCode> {
  const opened = openProject(context, options);
  if (!opened.ok) return exit.config;
  const { project } = opened;
  const { catalogue } = project;
  const engine = replayEngine({ file: file === '-' ? file : resolve(context.cwd, file), speed: options.speed });
  const host = engineHost();
  const available = await engine.available(host);
  if (!available.can) {
    tellProblems(context, [error('RUN_FILE', `${file} cannot be replayed: ${available.why}`)]);
    return exit.config;
  }
  const facts = await engine.facts(host, []);
  const modules = [...catalogue.values()].flatMap((goal) => {
    if (isOwnGoal(goal.id)) return [];
    const made = generateModule({
      goal: { ...goal, engines: { replay: { reader: 'recording', fidelity: 'event', unknown: [], push: [] } } },
      rules: [],
      engine: 'replay',
      facts,
      pushdown: false,
    });
    return made.ok ? [{ ...made.value, goal }] : [];
  });
  const stop = new AbortController();
  const ledger = new Ledger();
  const beganUs = wallClock.nowUs();
  let wrong = 0;
  const pipeline = runPipeline({
    frames: engine.run(modules, host, stop.signal),
    ...pipelineBase(context, project, ledger),
    notice: (problem) => {
      if (problem.code.startsWith('ENGINE_RECORDING') && problem.severity === 'error') wrong += 1;
      tellProblems(context, [problem]);
    },
  });
  onStopSignals(process, wallClock, { stop: () => stop.abort(), abandon: () => pipeline.abandon() });
  const unsent = await pipeline.ended;
  const summary = { seconds: (wallClock.nowUs() - beganUs) / 1e6, ledger, unsent };
  context.stderr.write(
    options.json === true ? `${JSON.stringify(summaryJson(summary))}\n` : `\n${summaryLines(summary, 'Replayed').join('\n')}\n`,
  );
  return wrong > 0 ? exit.failed : exit.fine;
}
