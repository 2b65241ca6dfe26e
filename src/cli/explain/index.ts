import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { engineNames, type EngineName } from '../../config/config.ts';
import type { EngineHost, Engine } from '../../engine/engine.ts';
import { liveEngines } from '../../engine/index.ts';
import { planWatch, watchedGoals } from '../../engine/watch.ts';
import { generateModule } from '../../generate/generate.ts';
import type { Module } from '../../generate/module.ts';
import type { Goal } from '../../goals/goal.ts';
import type { Project } from '../../goals/project.ts';
import { error } from '../../problem/problem.ts';
import { printable } from '../../problem/printable.ts';
import { nearest } from '../../problem/suggest.ts';
import type { Rule } from '../../rules/rule.ts';
import { exit, type CliContext, type ExitCode } from '../context.ts';
import { engineHost } from '../engine-host.ts';
import { openProject, tellProblems } from '../project.ts';
import { examples, type Verb } from '../verb.ts';
import { factsFor } from './facts.ts';
import { explainJson, explainPage } from './page.ts';

interface ExplainOptions {
  readonly config?: string;
  readonly engine?: EngineName;
  readonly json?: boolean;
  readonly source?: boolean;
}

/** What will watch one goal for the rules that are asked about. */
export interface Explained {
  readonly goal: Goal;
  readonly rules: readonly Rule[];
  /** Rules that are not asked about, and share the module. */
  readonly beside: readonly Rule[];
  /** Those of `rules` that are switched off. */
  readonly off: readonly Rule[];
  readonly engine?: EngineName;
  readonly why: string;
  readonly module?: Module;
}

/** `tapline explain`: what rules will do, in words: which kernel event, why that one, what it costs, what goes where. Starts nothing. */
export const explainVerb: Verb = {
  register(program, context, finish) {
    program
      .command('explain')
      .description(
        'What rules will do, in words: which kernel event and why that one, what it costs, what is pushed down, what is told when and where.',
      )
      .argument('<rules>', 'a rule file, FILE#RULE for one rule of it, or the name of a rule of the configuration')
      .option('-c, --config <file>', 'configuration file')
      .addOption(
        new Option('-e, --engine <name>', 'explain for this engine instead of the one that would be taken here').choices(
          engineNames.filter((name) => name !== 'replay'),
        ),
      )
      .option('--source', 'print the generated modules too')
      .option('--json', 'one JSON object')
      .addHelpText(
        'after',
        examples(
          'tapline explain rules/tcp.yaml',
          'tapline explain RetransmitTimeoutGrew',
          'tapline explain rules/tcp.yaml#RetransmitTimeoutGrew --engine systemtap --source',
        ),
      )
      .action(async (what: string, options: ExplainOptions) => finish(await explain(context, what, options)));
  },
};

async function explain(context: CliContext, what: string, options: ExplainOptions): Promise<ExitCode> {
  const [file = what, inFile] = what.split('#');
  const isFile = inFile !== undefined || /[/.]/.test(file) || existsSync(resolve(context.cwd, file));
  const opened = openProject(context, { ...options, ...(isFile && { ruleFiles: [resolve(context.cwd, file)] }) });
  if (!opened.ok) return exit.config;
  const name = isFile ? inFile : what;
  const { rules: on, off } = opened.project;
  const isAsked = (rule: Rule) => name === undefined || rule.name === name;
  // Those that are switched off are explained as if they were not, and said to be.
  const offAsked = off.filter(isAsked);
  const project = { ...opened.project, rules: [...on, ...offAsked] };
  const asked = new Set(project.rules.filter(isAsked));
  if (asked.size === 0) {
    const near =
      name === undefined
        ? undefined
        : nearest(
            name,
            [...on, ...off].map((rule) => rule.name),
          );
    const where = isFile ? file : 'The configuration';
    const message = `${where} has no rule${name === undefined ? '' : ` "${printable(name)}"`}.`;
    tellProblems(context, [error('USAGE', message, near === undefined ? {} : { hint: `Did you mean ${near}?` })]);
    return exit.usage;
  }
  const engines = liveEngines(project.config.pollMs);
  const all = await (options.engine === undefined
    ? planned(project, engines, engineHost())
    : forced(context, project, engines, engineHost(), options.engine));
  const explained = all.flatMap((each) => {
    const rules = each.rules.filter((rule) => asked.has(rule));
    const beside = each.rules.filter((rule) => !asked.has(rule));
    return rules.length === 0 ? [] : [{ ...each, rules, beside, off: rules.filter((rule) => offAsked.includes(rule)) }];
  });
  const text =
    options.json === true
      ? JSON.stringify(explainJson(explained, project.config), null, 2)
      : explainPage(context, explained, project.config, options.source === true);
  context.stdout.write(`${text}\n`);
  return exit.fine;
}

type Unsorted = Omit<Explained, 'beside' | 'off'>;

/** As a run would choose now. */
async function planned({ rules, catalogue, config }: Project, engines: readonly Engine[], host: EngineHost): Promise<Unsorted[]> {
  const plan = await planWatch({ rules, goals: catalogue, wanted: config.engine, engines, host, pushdown: true });
  const modules = [...plan.modules.values()].flat();
  return plan.watched.map(({ goal, rules: on, choice }) => {
    const module = modules.find((each) => each.goal === goal);
    return { goal, rules: on, ...(choice.engine && { engine: choice.engine }), why: choice.why, ...(module && { module }) };
  });
}

/** For an engine that is named, whether it runs here or not. */
async function forced(
  context: CliContext,
  { rules, catalogue }: Project,
  engines: readonly Engine[],
  host: EngineHost,
  engine: EngineName,
): Promise<Unsorted[]> {
  const explained: Unsorted[] = [];
  for (const { goal, rules: on } of watchedGoals({ rules, goals: catalogue })) {
    const cannot = goal.cannot[engine];
    if (cannot !== undefined || goal.engines[engine] === undefined) {
      explained.push({ goal, rules: on, why: cannot ?? `${engine} has no answer to it.` });
      continue;
    }
    const made = generateModule({ goal, rules: on, engine, facts: await factsFor(engine, engines, host, goal), pushdown: true });
    if (!made.ok) tellProblems(context, made.problems);
    explained.push({ goal, rules: on, engine, why: 'as asked', ...(made.ok && { module: made.value }) });
  }
  return explained;
}
