import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Option } from 'commander';
import { Subject } from 'rxjs';
import { engineNames, type EngineName } from '../config/config.ts';
import { liveEngines } from '../engine/index.ts';
import { planWatch, type Plan, type WatchOptions } from '../engine/watch.ts';
import { watch } from '../engine/watching.ts';
import type { Project } from '../goals/project.ts';
import { runPipeline } from '../pipeline.ts';
import { error, warning, type Problem } from '../problem/problem.ts';
import { wallClock } from '../telemetry/clock.ts';
import { Ledger } from '../telemetry/ledger.ts';
import { OwnConnections } from '../telemetry/own-connections.ts';
import { Banner } from './banner.ts';
import { exit, type CliContext, type ExitCode } from './context.ts';
import { FailedProbes } from './failed-probes.ts';
import { engineHost } from './engine-host.ts';
import { lockKernelEngines } from './lock.ts';
import { Progress } from './progress.ts';
import { openProject, tellProblems } from './project.ts';
import { provoke } from './provoke.ts';
import { recordTo } from './record.ts';
import { ownConnectionRows } from './self.ts';
import { pipelineBase } from './pipeline-base.ts';
import { onStopSignals } from './signals.ts';
import { summaryJson, summaryLines } from './summary.ts';
import { examples, type Verb } from './verb.ts';

interface RunOptions {
  readonly config?: string;
  readonly engine?: EngineName | 'auto';
  readonly record?: string;
  readonly strict?: boolean;
  readonly demo?: boolean;
  readonly json?: boolean;
  readonly pushdown: boolean;
}

/** What may still be under way after a second signal: then the process ends. */
const abandonMs = 400;

/** `tapline run`: watches until SIGINT or SIGTERM. */
export const runVerb: Verb = {
  register(program, context, finish) {
    program
      .command('run')
      .description('Watch, until Ctrl-C. Records and alerts go to the sinks; what Tapline says about itself goes to stderr.')
      .option(
        '-c, --config <file>',
        'configuration file (default: $TAPLINE_CONFIG, ./tapline.yaml, ./config/tapline.yaml, /etc/tapline/tapline.yaml)',
      )
      .addOption(
        new Option('-e, --engine <name>', 'engine, instead of the configured one').choices([
          'auto',
          ...engineNames.filter((name) => name !== 'replay'),
        ]),
      )
      .option('-r, --record <file>', 'also write what the engines say to this file, for tapline replay')
      .option('--strict', 'end with 69 when a rule cannot be watched')
      .option('--demo', 'provoke real TCP retransmissions on loopback, to see something')
      .option('--no-pushdown', 'leave all filtering to the stream')
      .option('--json', 'facts about the run as JSON lines on stderr')
      .addHelpText(
        'after',
        examples('tapline run', 'tapline run --config config/examples/email.yaml', 'sudo tapline run --engine bpftrace --record today.rec'),
      )
      .action(async (options: RunOptions) => finish(await run(context, options)));
  },
};

async function run(context: CliContext, options: RunOptions): Promise<ExitCode> {
  const opened = openProject(context, options);
  if (!opened.ok) return exit.config;
  const { project } = opened;
  const banner = new Banner(context, options.json === true, wallClock);
  const watching: WatchOptions = {
    rules: project.rules,
    goals: project.catalogue,
    wanted: options.engine ?? project.config.engine,
    engines: liveEngines(project.config.pollMs),
    host: engineHost(),
    pushdown: options.pushdown,
  };
  const plan = await planWatch(watching);
  tellProblems(context, inactive(plan));
  const unwatched = plan.watched.some(({ choice }) => choice.engine === undefined);
  if (plan.modules.size === 0 || (options.strict === true && unwatched)) return exit.unavailable;
  return watchUntilStopped(context, options, project, { plan, watching, banner });
}

async function watchUntilStopped(
  context: CliContext,
  options: RunOptions,
  project: Project,
  { plan: planned, watching, banner }: { readonly plan: Plan; readonly watching: WatchOptions; readonly banner: Banner },
): Promise<ExitCode> {
  const { config, rules, catalogue } = project;
  const kernel = (modules: Plan['modules']) => modules.has('systemtap') || modules.has('bpftrace');
  const lock = kernel(planned.modules) || kernel(planned.next) ? lockKernelEngines(context.env) : undefined;
  const needed = kernel(planned.modules);
  if (lock?.ok === false) {
    tellProblems(
      context,
      lock.problems.map((problem): Problem => (needed ? problem : { ...problem, severity: 'warning' })),
    );
    if (needed) return exit.unavailable;
  }
  // Beside a run with a kernel engine this one stays with what it has.
  const plan = lock?.ok === false ? { ...planned, next: new Map() } : planned;
  const stop = new AbortController();
  const ledger = new Ledger();
  const progress = new Progress(context);
  const failedProbes = new FailedProbes(rules);
  let strictly = false;
  const notice = (problem: Problem) => {
    if (progress.take(problem)) return;
    progress.clear();
    tellProblems(context, [problem]);
  };
  const recording = options.record === undefined ? undefined : recordTo(resolve(context.cwd, options.record), catalogue, notice);
  if (recording?.ok === false) {
    tellProblems(context, recording.problems);
    return exit.permission;
  }
  banner.opening(plan, rules, config);
  const ready = new Subject<string>();
  const frames = watch(plan, watching, stop.signal, { ready });
  let demo: Promise<void> = Promise.resolve();
  let stoppedUs = 0;
  const pipeline = runPipeline({
    frames: recording === undefined ? frames : frames.pipe(recording.value.tap),
    ...pipelineBase(context, project, ledger),
    self: ownConnectionRows(new OwnConnections(wallClock)),
    notice,
    watch: {
      signal: (signal) => {
        if (signal.kind === 'ready') ready.next(signal.run.id);
        if (signal.kind !== 'batch') progress.clear();
        const failed = failedProbes.of(signal);
        failed.forEach(notice);
        if (failed.length > 0 && options.strict === true && !strictly) {
          strictly = true;
          stoppedUs = wallClock.nowUs();
          stop.abort();
        }
        if (banner.signal(signal) && options.demo === true) demo = provokeOnce(context, banner, stop.signal);
      },
      ...(options.demo === true && { items: (items) => banner.firstAlert(items) }),
    },
  });
  onStopSignals(process, wallClock, {
    stop: () => {
      stoppedUs = wallClock.nowUs();
      stop.abort();
    },
    abandon: () => {
      pipeline.abandon();
      // Children end with the process (engine/child.ts); whatever still waits is counted in flight.
      setTimeout(() => finishNow(context, banner, ledger), abandonMs).unref();
    },
  });
  const unsent = await pipeline.ended;
  progress.end();
  await demo;
  const closed = recording?.value.close();
  if (closed !== undefined && !closed.ok) tellProblems(context, closed.problems);
  if (lock?.ok === true) lock.value.release();
  const failed = !stop.signal.aborted;
  const summary = { seconds: failed ? 0 : (wallClock.nowUs() - stoppedUs) / 1e6, ledger, unsent };
  banner.say('', ...summaryLines(summary));
  banner.fact(summaryJson(summary));
  if (failed)
    tellProblems(context, [error('ENGINE_NONE_LEFT', 'Every engine has ended; nothing is watched any more.', { hint: 'tapline doctor' })]);
  return failed || strictly ? exit.unavailable : exit.fine;
}

function finishNow(context: CliContext, banner: Banner, ledger: Ledger): void {
  const summary = { seconds: 0, ledger, unsent: [] };
  banner.say('', 'Ended at once.', ...summaryLines(summary));
  banner.fact(summaryJson(summary));
  context.stderr.write('', () => process.exit(exit.fine));
}

async function provokeOnce(context: CliContext, banner: Banner, signal: AbortSignal): Promise<void> {
  try {
    await delay(200, undefined, { signal });
    const { description, done } = await provoke({ signal });
    banner.say(description, '');
    await done;
  } catch (cause) {
    if (!signal.aborted) tellProblems(context, [warning('RUN_DEMO', 'No retransmissions could be provoked.', { cause: String(cause) })]);
  }
}

/** Rules that nothing here can watch, each told once; an error where none is left. */
function inactive(plan: Plan): Problem[] {
  const blind = plan.watched.filter(({ choice }) => choice.engine === undefined);
  // Where a module cannot be made, other rules run all the same.
  const problems = plan.problems.map((problem): Problem => ({ ...problem, severity: 'warning' }));
  for (const { goal, rules, choice } of blind)
    for (const rule of rules)
      problems.push(
        warning('RUN_RULE_INACTIVE', `${rule.name} is not watched: nothing here answers ${goal.id} (${choice.why}).`, {
          place: rule.place,
          hint: 'tapline doctor says what is missing and how to install it.',
        }),
      );
  if (plan.modules.size === 0)
    problems.push(
      error(
        'RUN_NOTHING_TO_WATCH',
        plan.watched.length === 0 ? 'No rule is switched on that an engine could watch.' : 'No rule can be watched here.',
        { hint: 'tapline doctor' },
      ),
    );
  return problems;
}
