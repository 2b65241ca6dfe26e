import { chooseEngine, type Choice } from '../../engine/choose.ts';
import type { Availability, Engine, EngineHost } from '../../engine/engine.ts';
import { unavailable } from '../../engine/engine.ts';
import type { MachineFacts } from '../../engine/machine/facts.ts';
import { gatherFacts } from '../../engine/machine/facts.ts';
import type { Finding } from '../../engine/machine/finding.ts';
import { debuginfoFinding, packagingHere } from '../../engine/machine/judge.ts';
import { knownPackages } from '../../engine/machine/known-packages.ts';
import { systemPlaces } from '../../engine/machine/places.ts';
import type { Config, EngineName } from '../../config/config.ts';
import type { Goal } from '../../goals/goal.ts';
import { generateModule } from '../../generate/generate.ts';

/** What one engine can do here. */
export interface Examined {
  readonly engine: Engine;
  readonly availability: Availability;
  /** What was tried beyond looking, in words. */
  readonly tried?: string;
}

export type Verdict = 'works' | 'works, limited' | 'cannot';

/** What one engine can tell of one goal here. */
export interface GoalVerdict {
  readonly engine: EngineName;
  readonly verdict: Verdict;
  /** Why not, or what is missing; one sentence without its end. */
  readonly why?: string;
  /** Set where the engine cannot tell it anywhere, whatever the machine. */
  readonly byDesign?: true;
}

export interface ExaminedGoal {
  readonly goal: Goal;
  readonly verdicts: readonly GoalVerdict[];
  readonly choice: Choice;
}

export interface Examination {
  readonly facts: MachineFacts;
  readonly engines: readonly Examined[];
  readonly goals: readonly ExaminedGoal[];
  /** What a script of the user's own would want that is not there. */
  readonly ownScripts: Finding | undefined;
}

export interface ExamineOptions {
  readonly host: EngineHost;
  readonly engines: readonly Engine[];
  readonly goals: readonly Goal[];
  readonly wanted: Config['engine'];
  /** False: only looked, nothing compiled. */
  readonly tryOut: boolean;
}

/** Looks at the machine, lets each engine try what it can try, and generates each goal's module for each engine that runs. */
export async function examine({ host, engines, goals, wanted, tryOut }: ExamineOptions): Promise<Examination> {
  const looked = gatherFacts(host, systemPlaces());
  // Ubuntu's -dbgsym packages are in an archive that apt learns of only by the command that installs them.
  const asked = looked.distribution.family === 'ubuntu' ? [] : (packagingHere(looked).kernel?.debuginfo ?? []);
  const facts = { ...looked, packages: await knownPackages(host, looked, asked) };
  const examined = await Promise.all(engines.map((engine) => examineEngine(engine, host, tryOut)));
  const can = new Map(examined.map(({ engine, availability }) => [engine.name, availability] as const));
  const judged: ExaminedGoal[] = [];
  for (const goal of goals) {
    const verdicts = await Promise.all(examined.map((each) => judgeGoal(goal, each, host)));
    const failed = new Set(verdicts.filter(({ verdict }) => verdict === 'cannot').map(({ engine }) => engine));
    const usable = new Map([...can].filter(([name, { can: does }]) => !does || !failed.has(name)));
    judged.push({ goal, verdicts, choice: chooseEngine(goal, wanted, usable) });
  }
  return { facts, engines: examined, goals: judged, ownScripts: debuginfoFinding(facts) };
}

async function examineEngine(engine: Engine, host: EngineHost, tryOut: boolean): Promise<Examined> {
  const availability = await engine.available(host);
  if (!availability.can || !tryOut || engine.tryOut === undefined) return { engine, availability };
  const { tried, findings } = await engine.tryOut(host);
  if (!findings.some(({ level }) => level === 'stops')) return { engine, availability, tried };
  return { engine, availability: unavailable([...findings, ...availability.findings]), tried };
}

async function judgeGoal(goal: Goal, { engine, availability }: Examined, host: EngineHost): Promise<GoalVerdict> {
  const answer = goal.engines[engine.name];
  if (answer === undefined) {
    const why = goal.cannot[engine.name]?.replace(/\.$/, '') ?? `${engine.name} has no answer to it`;
    return { engine: engine.name, verdict: 'cannot', why, byDesign: true };
  }
  if (!availability.can) return { engine: engine.name, verdict: 'cannot', why: availability.why };
  const made = generateModule({ goal, rules: [], engine: engine.name, facts: await engine.facts(host, [goal]), pushdown: true });
  if (!made.ok)
    return { engine: engine.name, verdict: 'cannot', why: made.problems[0]?.message.replace(/\.$/, '') ?? 'its module cannot be made' };
  const limits = [
    ...(answer.unknown.length > 0 ? [`never knows ${answer.unknown.join(', ')}`] : []),
    ...(answer.limits === undefined ? [] : [answer.limits.replace(/\.$/, '')]),
  ];
  return limits.length === 0
    ? { engine: engine.name, verdict: 'works' }
    : { engine: engine.name, verdict: 'works, limited', why: limits.join('; ') };
}
