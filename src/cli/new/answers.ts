import type { Config } from '../../config/config.ts';
import type { Catalogue } from '../../goals/catalogue.ts';
import type { Goal } from '../../goals/goal.ts';
import { searchGoals } from '../../goals/search.ts';
import { error, fail, ok, type Result } from '../../problem/problem.ts';
import { severities } from '../../rules/rule.ts';
import type { WrittenRule } from './rule-file.ts';

/** What the flags of `tapline new rule` may say. */
export interface NewRuleOptions {
  readonly config?: string;
  readonly goal?: string;
  readonly alert?: string;
  readonly forward?: string;
  readonly where?: string;
  readonly by?: string;
  readonly threshold?: string;
  readonly for?: string;
  readonly severity?: string;
  readonly summary?: string;
  readonly to?: string;
  readonly file?: string;
  readonly group?: string;
}

/** Asks for a line; undefined where nobody can be asked any more. */
export interface Asking {
  ask(question: string): Promise<string | undefined>;
  say(line: string): void;
}

/** Splits "a, b". */
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** "3 in 60s" as the rule has it. */
export function thresholdOf(text: string): Result<{ readonly count: number; readonly within: string }> {
  const [, count, within] = /^\s*(\d+)\s+(?:in|within)\s+(\S+)\s*$/.exec(text) ?? [];
  return count === undefined || within === undefined
    ? fail(error('USAGE', `"${text}" is no threshold.`, { hint: 'Write it like this: --threshold "3 in 60s"' }))
    : ok({ count: Number(count), within });
}

/** The rule of these options. Fails only where a threshold cannot be read; all else is for the loader to judge. */
export function ruleOf(options: NewRuleOptions): Result<WrittenRule> {
  const threshold = options.threshold === undefined ? undefined : thresholdOf(options.threshold);
  if (threshold?.ok === false) return threshold;
  const entries: [string, unknown][] = [
    [options.forward === undefined ? 'alert' : 'forward', options.forward ?? options.alert],
    ['goal', options.goal],
    ['where', options.where],
    ['by', options.by === undefined ? undefined : list(options.by)],
    ['threshold', threshold?.value],
    ['for', options.for],
    ['labels', options.severity === undefined ? undefined : { severity: options.severity }],
    ['annotations', options.summary === undefined ? undefined : { summary: options.summary }],
    ['to', options.to === undefined ? undefined : list(options.to)],
  ];
  return ok(Object.fromEntries(entries.filter(([, value]) => value !== undefined)));
}

/**
 * Asks for what the options leave open. An empty answer takes what stands in brackets, or leaves the key out. `wrong` tries a rule and
 * answers in words what the loader has against it, so that a mistake is asked again at once. Undefined: the person went away.
 */
export async function askRest(
  given: NewRuleOptions,
  asking: Asking,
  catalogue: Catalogue,
  config: Config,
  wrong: (options: NewRuleOptions) => string | undefined,
): Promise<NewRuleOptions | undefined> {
  let options = given;
  const goal = await askGoal(options.goal, asking, catalogue);
  if (goal === undefined) return undefined;
  options = { ...options, goal: goal.id };
  if (options.alert === undefined && options.forward === undefined) {
    const kind = await asking.ask('Alert (fires, resolves) or forward (sends every record)? [alert] ');
    if (kind === undefined) return undefined;
    const forward = /^f/i.test(kind.trim());
    const suggested = forward ? `${goal.id.replaceAll(/[._]/g, '-')}-records` : `Own${pascal(goal.id)}`;
    const name = await asking.ask(`Its name? [${suggested}] `);
    if (name === undefined) return undefined;
    options = { ...options, [forward ? 'forward' : 'alert']: name.trim() === '' ? suggested : name.trim() };
  }
  const isAlert = options.forward === undefined;
  const questions: readonly (readonly [keyof NewRuleOptions, string, boolean])[] = [
    ['where', `Which records? A condition over ${goal.fields.map(({ name }) => name).join(', ')}. [every one] `, true],
    ['by', `One ${isAlert ? 'alert' : 'thing'} for each what? Fields. [${goal.key.join(', ')}] `, isAlert],
    ['threshold', 'How often before it fires? For example: 3 in 60s. [at the first] ', isAlert],
    ['severity', `How grave? ${severities.join(', ')}. [warning] `, isAlert],
    ['to', `To which sinks? ${[...config.sinks.keys()].join(', ')}. [${config.to.join(', ')}] `, true],
  ];
  for (const [key, question, applies] of questions) {
    if (!applies || options[key] !== undefined) continue;
    for (;;) {
      const answer = (await asking.ask(question))?.trim();
      if (answer === undefined) return undefined;
      const value = answer === '' && key === 'severity' ? 'warning' : answer;
      if (value === '') break;
      const tried = { ...options, [key]: value };
      const mistake = wrong(tried);
      if (mistake === undefined) {
        options = tried;
        break;
      }
      asking.say(mistake);
    }
  }
  return options;
}

async function askGoal(given: string | undefined, asking: Asking, catalogue: Catalogue): Promise<Goal | undefined> {
  const known = given === undefined ? undefined : catalogue.get(given);
  if (known !== undefined) return known;
  for (let words = given; ; words = undefined) {
    const asked = (words ?? (await asking.ask('What should be watched? Words of a symptom, or a goal: ')))?.trim();
    if (asked === undefined) return undefined;
    const exact = catalogue.get(asked);
    if (exact !== undefined) return exact;
    const found = searchGoals([...catalogue.values()], asked).slice(0, 5);
    if (found.length === 0) {
      asking.say('No goal fits these words; tapline goals lists all.');
      continue;
    }
    found.forEach((goal, i) => asking.say(`  ${i + 1}  ${goal.id}: ${goal.title}`));
    const number = await asking.ask('Which one? [1] ');
    if (number === undefined) return undefined;
    const chosen = found[number.trim() === '' ? 0 : Number(number) - 1];
    if (chosen !== undefined) return chosen;
  }
}

const pascal = (id: string) => id.replace(/(^|[._])(\w)/g, (_, _before, letter: string) => letter.toUpperCase());
