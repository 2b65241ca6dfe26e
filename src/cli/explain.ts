import { resolve } from 'node:path';
import { Option } from 'commander';
import { engineNames, type EngineName } from '../config/config.ts';
import type { Engine, EngineHost } from '../engine/engine.ts';
import { liveEngines } from '../engine/index.ts';
import { planWatch } from '../engine/watch.ts';
import { generateModule } from '../generate/generate.ts';
import { readTemplate } from '../generate/template.ts';
import type { HostFacts, Module } from '../generate/module.ts';
import type { Goal } from '../goals/goal.ts';
import { conditionText } from '../alerts/condition-text.ts';
import { durationText } from '../alerts/time.ts';
import type { Rule } from '../rules/rule.ts';
import { columns, wrap } from './columns.ts';
import { exit, shownPath, type CliContext, type ExitCode } from './context.ts';
import { engineHost } from './engine-host.ts';
import { openProject, tellProblems } from './project.ts';
import { error } from '../problem/problem.ts';
import { examples, type Verb } from './verb.ts';

interface ExplainOptions {
  readonly config?: string;
  readonly engine?: EngineName;
  readonly json?: boolean;
}

/** `tapline explain`: what rules will do: the module, what of `where` it tests, what is left to the stream. Starts nothing. */
export const explainVerb: Verb = {
  register(program, context, finish) {
    program
      .command('explain')
      .description('What the rules of a file will do: the generated module, what is pushed down, what is left to the stream.')
      .argument('<rules>', 'a rule file, or FILE#RULE for one rule')
      .option('-c, --config <file>', 'configuration file')
      .addOption(
        new Option('-e, --engine <name>', 'explain for this engine instead of the one that would be taken here').choices(
          engineNames.filter((name) => name !== 'replay'),
        ),
      )
      .option('--json', 'one JSON object')
      .addHelpText(
        'after',
        examples('tapline explain rules/tcp.yaml', 'tapline explain rules/tcp.yaml#RetransmitTimeoutGrew --engine systemtap'),
      )
      .action(async (what: string, options: ExplainOptions) => finish(await explain(context, what, options)));
  },
};

interface Explained {
  readonly goal: Goal;
  readonly rules: readonly Rule[];
  readonly engine?: EngineName;
  readonly why: string;
  readonly module?: Module;
}

async function explain(context: CliContext, what: string, options: ExplainOptions): Promise<ExitCode> {
  const [file = what, name] = what.split('#');
  const opened = openProject(context, { ...options, ruleFiles: [resolve(context.cwd, file)] });
  if (!opened.ok) return exit.config;
  const { catalogue, config } = opened.project;
  const rules = opened.project.rules.filter((rule) => name === undefined || rule.name === name);
  if (rules.length === 0) {
    tellProblems(context, [
      error(
        'USAGE',
        name === undefined ? `${file} has no rule that is switched on.` : `${file} has no rule "${name}" that is switched on.`,
      ),
    ]);
    return exit.usage;
  }
  const host = engineHost();
  const engines = liveEngines(config.pollMs);
  const explained: Explained[] = [];
  if (options.engine === undefined) {
    const plan = await planWatch({ rules, goals: catalogue, wanted: config.engine, engines, host, pushdown: true });
    const modules = [...plan.modules.values()].flat();
    for (const { goal, rules: on, choice } of plan.watched) {
      const module = modules.find((each) => each.goal === goal);
      explained.push({ goal, rules: on, ...(choice.engine && { engine: choice.engine }), why: choice.why, ...(module && { module }) });
    }
  } else {
    for (const id of new Set(rules.map((rule) => rule.goal))) {
      const goal = catalogue.get(id);
      if (goal === undefined) continue;
      const on = rules.filter((rule) => rule.goal === id);
      const made = generateModule({
        goal,
        rules: on,
        engine: options.engine,
        facts: await factsFor(options.engine, engines, host, goal),
        pushdown: true,
      });
      if (!made.ok) tellProblems(context, made.problems);
      explained.push({ goal, rules: on, engine: options.engine, why: 'as asked', ...(made.ok && { module: made.value }) });
    }
  }
  if (options.json === true)
    context.stdout.write(
      `${JSON.stringify(
        explained.map(({ goal, rules: on, engine, why, module }) => ({
          goal: goal.id,
          rules: on.map((rule) => rule.name),
          engine: engine ?? null,
          why,
          module: module?.name,
          pushdown: module?.pushdown,
          source: module?.source,
        })),
        null,
        2,
      )}\n`,
    );
  else context.stdout.write(`${explained.flatMap((each) => page(context, each)).join('\n')}\n`);
  return exit.fine;
}

function page(context: CliContext, { goal, rules, engine, why, module }: Explained): string[] {
  const lines = [`${goal.id}: ${goal.title}`, `  ${engine === undefined ? 'not watched here' : engine}: ${why}`, ''];
  for (const rule of rules) {
    const push = module?.pushdown.find((each) => each.rule === rule.name);
    lines.push(`${rule.name}  (${shownPath(context, rule.place.file)}:${rule.place.line})`);
    lines.push(
      ...columns(
        [
          ['in words', inWords(rule)],
          ['in the kernel', engine === 'procfs' ? 'nothing: procfs polls' : (push?.pushed ?? 'nothing: every record is printed')],
          [
            'in the stream',
            rule.where === undefined ? 'every record passes' : push?.rest === undefined ? 'the same again: the stream decides' : push.rest,
          ],
          ['about', rule.kind === 'alert' ? `one alert for each ${rule.alertBy.join(', ') || 'rule'}` : `records of ${rule.by.join(', ')}`],
          ['sent to', rule.to.join(', ')],
        ],
        '  ',
      ),
      '',
    );
  }
  if (engine !== undefined) {
    const limits = goal.engines[engine]?.limits;
    lines.push(...wrap(`Cost: ${goal.cost}`, 100), ...(limits === undefined ? [] : wrap(`Not seen: ${limits}`, 100)), '');
  }
  if (module !== undefined) lines.push(`Module ${module.name}`, '', ...module.source.trimEnd().split('\n'), '');
  return lines;
}

function inWords(rule: Rule): string {
  if (rule.kind === 'alert') return `fires on ${conditionText(rule)}; over when that was not so for ${durationText(rule.keepFiringForMs)}`;
  const dedupe = rule.dedupeMs === undefined ? '' : `, one of a key in ${durationText(rule.dedupeMs)}`;
  return `sends ${rule.where === undefined ? 'every record' : `records with ${rule.where.text}`}${dedupe}`;
}

/** Facts of this host where the engine can run; else those of a kernel that has everything, so that the module can be read all the same. */
async function factsFor(name: EngineName, engines: readonly Engine[], host: EngineHost, goal: Goal): Promise<HostFacts> {
  const engine = engines.find((each) => each.name === name);
  const can = engine === undefined ? undefined : await engine.available(host);
  if (engine !== undefined && can?.can === true) return engine.facts(host, [goal]);
  const template = readTemplate(goal, name);
  const offsets = template.ok ? [...template.value.matchAll(/\{\{offset ([^}]+)\}\}/g)].map((match) => [match[1] ?? '', 0] as const) : [];
  return {
    hz: 250,
    kernel: 'of another host',
    tracepoints: new Everything(new AllNames()),
    offsets: new Map(offsets),
    engineVersion: 'unknown',
  };
}

/** A map in which every key stands for the same. */
class Everything<V> extends Map<string, V> {
  readonly #value: V;
  constructor(value: V) {
    super();
    this.#value = value;
  }
  override has(): boolean {
    return true;
  }
  override get(): V {
    return this.#value;
  }
}

class AllNames extends Set<string> {
  override has(): boolean {
    return true;
  }
}
