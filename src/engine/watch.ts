import type { Config, EngineName } from '../config/config.ts';
import type { Goal } from '../goals/goal.ts';
import { askedName, goalWith } from '../goals/parameters.ts';
import { generateModule } from '../generate/generate.ts';
import type { HostFacts, Module } from '../generate/module.ts';
import type { Problem, Result } from '../problem/problem.ts';
import type { Rule } from '../rules/rule.ts';
import { chooseEngine, type Choice } from './choose.ts';
import type { Availability, Engine, EngineHost } from './engine.ts';

export interface WatchOptions {
  /** All rules that are switched on; those on goals that no engine answers are passed over. */
  readonly rules: readonly Rule[];
  readonly goals: ReadonlyMap<string, Goal>;
  readonly wanted: Config['engine'];
  readonly engines: readonly Engine[];
  readonly host: EngineHost;
  /** False: probes tell every record. */
  readonly pushdown: boolean;
}

/** What will watch one goal, and why. */
export interface Watched {
  readonly goal: Goal;
  readonly rules: readonly Rule[];
  readonly choice: Choice;
}

export interface Plan {
  readonly watched: readonly Watched[];
  /** Engine -> its modules. */
  readonly modules: ReadonlyMap<EngineName, readonly Module[]>;
  /** The same for engines that take over as soon as they are ready. */
  readonly next: ReadonlyMap<EngineName, readonly Module[]>;
  readonly can: ReadonlyMap<EngineName, Availability>;
  /** Modules that could not be made. */
  readonly problems: readonly Problem[];
}

/** Chooses an engine for each goal that a rule watches (semantics 21) and generates its modules. Starts nothing. */
export async function planWatch(options: WatchOptions): Promise<Plan> {
  const asked = await Promise.all(options.engines.map(async (engine) => [engine.name, await engine.available(options.host)] as const));
  return planWith(options, new Map(asked), new Map());
}

/** The same without what has failed, for some goals only. */
export async function planWith(
  options: WatchOptions,
  can: ReadonlyMap<EngineName, Availability>,
  failed: ReadonlyMap<string, ReadonlySet<EngineName>>,
  only?: ReadonlySet<string>,
): Promise<Plan> {
  const goals = watchedGoals(options).filter(({ goal }) => only === undefined || only.has(nameOf(goal)));
  const problems: Problem[] = [];
  const modules = new Map<EngineName, Module[]>();
  const next = new Map<EngineName, Module[]>();
  const add = (to: Map<EngineName, Module[]>, name: EngineName, module: Module) => to.set(name, [...(to.get(name) ?? []), module]);
  const watched: Watched[] = [];
  const maker = moduleMaker(
    options,
    goals.map(({ goal }) => goal),
  );
  for (const { goal, rules } of goals) {
    const bad = new Set(failed.get(nameOf(goal)));
    // An engine whose module cannot be made for this kernel is passed over like one that is not there.
    for (;;) {
      const compiled = await compiledAlready(options, maker, goal, rules, can, bad);
      const choice = chooseEngine(goal, options.wanted, can, { compiled, failed: bad });
      const made = choice.engine === undefined ? undefined : await maker(goal, rules, choice.engine);
      if (choice.engine === undefined || made === undefined || made.ok) {
        watched.push({ goal, rules, choice });
        if (choice.engine !== undefined && made?.ok === true) add(modules, choice.engine, made.value);
        const better = choice.next === undefined ? undefined : await maker(goal, rules, choice.next);
        if (choice.next !== undefined && better?.ok === true) add(next, choice.next, better.value);
        break;
      }
      problems.push(...made.problems);
      bad.add(choice.engine);
    }
  }
  return { watched, modules, next, can, problems };
}

/** What the rules watch: each goal, once for each set of parameters that it is asked with. */
export function watchedGoals({
  rules,
  goals,
}: Pick<WatchOptions, 'rules' | 'goals'>): { readonly goal: Goal; readonly rules: readonly Rule[] }[] {
  const byName = new Map<string, { goal: Goal; rules: Rule[] }>();
  for (const rule of rules) {
    const goal = goals.get(rule.goal);
    if (goal === undefined || (Object.keys(goal.engines).length === 0 && Object.keys(goal.cannot).length === 0)) continue;
    const name = askedName(rule.goal, rule.with);
    const same = byName.get(name);
    if (same === undefined) byName.set(name, { goal: goalWith(goal, rule.with), rules: [rule] });
    else same.rules.push(rule);
  }
  return [...byName.values()];
}

const nameOf = (goal: Goal): string => askedName(goal.id, goal.asked);

type ModuleMaker = (goal: Goal, rules: readonly Rule[], name: EngineName) => Promise<Result<Module> | undefined>;

/** Makes modules of these goals; each engine is asked for its facts once, for all of them. */
function moduleMaker({ engines, host, pushdown }: WatchOptions, goals: readonly Goal[]): ModuleMaker {
  const known = new Map<EngineName, Promise<HostFacts>>();
  return async (goal, rules, name) => {
    const engine = engines.find((each) => each.name === name);
    if (engine === undefined) return undefined;
    const asked =
      known.get(name) ??
      engine.facts(
        host,
        goals.filter((each) => each.engines[name] !== undefined),
      );
    known.set(name, asked);
    return generateModule({ goal, rules, engine: name, facts: await asked, pushdown });
  };
}

/** Whether SystemTap's module of the goal needs no compiler run; asked only where it can run at all. */
async function compiledAlready(
  options: WatchOptions,
  maker: ModuleMaker,
  goal: Goal,
  rules: readonly Rule[],
  can: ReadonlyMap<EngineName, Availability>,
  failed: ReadonlySet<EngineName>,
): Promise<boolean> {
  const engine = options.engines.find((each) => each.name === 'systemtap');
  if (
    engine?.compiled === undefined ||
    can.get('systemtap')?.can !== true ||
    goal.engines.systemtap === undefined ||
    failed.has('systemtap')
  )
    return false;
  const made = await maker(goal, rules, 'systemtap');
  return made?.ok === true && engine.compiled([made.value], options.host);
}
