import type { TSchema } from 'typebox';
import { checkSchema } from '../config/schema-check.ts';
import { readSource, type Path, type Source } from '../config/source.ts';
import { error, type Problem } from '../problem/problem.ts';
import { nearest } from '../problem/suggest.ts';
import { ScriptSchema, type RawScriptBody } from './script-schema.ts';
import { AlertSchema, ForwardSchema, GroupShape, RulesFileShape, type RawAlert, type RawForward, type RawGroup } from './schema.ts';

/** A rule as it was written, its shape checked, nothing looked up yet. */
export interface RawRule {
  readonly source: Source;
  /** Where the rule stands: ['groups', 0, 'rules', 2]. */
  readonly path: Path;
  readonly groupPath: Path;
  readonly kind: 'alert' | 'forward';
  /** Keys whose shape is right. */
  readonly group: Partial<RawGroup>;
  readonly body: Partial<RawAlert & RawForward>;
  /** False where something is wrong with its shape, which is told. What is right is looked at all the same, so that all mistakes are told at once. */
  readonly whole: boolean;
}

/** A script of the user's own, as it was written below `scripts`. */
export interface RawScript {
  readonly source: Source;
  /** Where it stands: ['scripts', 'my.opens']. */
  readonly path: Path;
  /** The goal that it answers. */
  readonly id: string;
  /** Keys whose shape is right. */
  readonly body: Partial<RawScriptBody>;
  readonly whole: boolean;
}

export interface RawRules {
  readonly rules: readonly RawRule[];
  readonly scripts: readonly RawScript[];
  /** Everything wrong with the shape of the files. */
  readonly problems: readonly Problem[];
}

const kinds = ['alert', 'forward'] as const;
const schemas = { alert: AlertSchema, forward: ForwardSchema } as const;

/** Reads rule files. All mistakes of all files are told. */
export function loadRules(files: readonly string[]): RawRules {
  const rules: RawRule[] = [];
  const scripts: RawScript[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const read = readSource(file);
    problems.push(...read.problems);
    if (!read.ok) continue;
    rulesOf(read.value, rules, problems);
    scriptsOf(read.value, scripts, problems);
  }
  return { rules, scripts, problems };
}

function scriptsOf(source: Source, scripts: RawScript[], problems: Problem[]): void {
  const written = isMap(source.value) ? source.value['scripts'] : undefined;
  for (const [id, body] of Object.entries(isMap(written) ? written : {})) {
    if (!isMap(body)) continue;
    const path = ['scripts', id];
    const wrong = checkSchema(source, ScriptSchema, body, path);
    problems.push(...wrong);
    const whole = wrong.length === 0;
    scripts.push({ source, path, id, body: whole ? body : soundKeys(source, ScriptSchema, body, path), whole });
  }
}

/** The rules of a file that was read already, or is about to be written. */
export function rulesIn(source: Source): RawRules {
  const rules: RawRule[] = [];
  const scripts: RawScript[] = [];
  const problems: Problem[] = [];
  rulesOf(source, rules, problems);
  scriptsOf(source, scripts, problems);
  return { rules, scripts, problems };
}

function rulesOf(source: Source, rules: RawRule[], problems: Problem[]): void {
  problems.push(...checkSchema(source, RulesFileShape));
  const groups = isMap(source.value) ? source.value['groups'] : undefined;
  listed(groups).forEach((group, g) => {
    if (!isMap(group)) return;
    const groupPath = ['groups', g];
    const sound = soundKeys(source, GroupShape, group, groupPath);
    listed(group['rules']).forEach((written, r) => {
      const path = [...groupPath, 'rules', r];
      if (!isMap(written)) return;
      const found = kindOf(source, path, written, problems);
      if (found === undefined) return;
      const { kind, body } = found;
      const wrong = checkSchema(source, schemas[kind], body, path);
      problems.push(...wrong.map((problem) => inPlainWords(kind, problem)));
      const whole = wrong.length === 0 && found.whole;
      rules.push({ source, path, groupPath, kind, group: sound, body: whole ? body : soundKeys(source, schemas[kind], body, path), whole });
    });
  });
}

type Map = Readonly<Record<string, unknown>>;

/** What is left of a map without the keys that are unknown or whose value is wrong. */
function soundKeys(source: Source, schema: TSchema, value: Map, path: Path): Map {
  const keys = (schema as { readonly properties?: Readonly<Record<string, TSchema>> }).properties ?? {};
  const sound = ([key, each]: [string, unknown]) => {
    const own = Object.hasOwn(keys, key) ? keys[key] : undefined;
    return own !== undefined && checkSchema(source, own, each, [...path, key]).length === 0;
  };
  return Object.fromEntries(Object.entries(value).filter(sound));
}

function kindOf(
  source: Source,
  path: Path,
  written: Map,
  problems: Problem[],
): { kind: 'alert' | 'forward'; body: Map; whole: boolean } | undefined {
  const named = kinds.filter((kind) => kind in written);
  if (named.length === 2) {
    const place = source.place([...path, 'forward'], 'key');
    problems.push(error('RULE_TWO_KINDS', 'A rule is either an alert or a forward, not both.', { place, hint: 'Make two rules of it.' }));
    return { kind: 'alert', body: without(written, 'forward'), whole: false };
  }
  if (named[0] !== undefined) return { kind: named[0], body: written, whole: true };
  const typo = Object.keys(written).find((key) => nearest(key, kinds) !== undefined);
  const kind = kinds.find((each) => typo !== undefined && nearest(typo, kinds) === each);
  if (typo === undefined || kind === undefined) {
    const place = source.place(path);
    problems.push(
      error('RULE_NO_KIND', 'A rule begins with `alert: NAME` or `forward: NAME`; this one has neither.', {
        place,
        hint: 'alert: has a life cycle (pending, firing, resolved); forward: sends every record.',
      }),
    );
    return undefined;
  }
  problems.push(
    error('CONFIG_UNKNOWN_KEY', `There is no key "${typo}" in a rule; did you mean "${kind}"?`, {
      place: source.place([...path, typo], 'key'),
    }),
  );
  return { kind, body: { [kind]: written[typo], ...without(written, typo) }, whole: false };
}

/** Keys that other programs have, and what says the same here. */
const elsewhere: Readonly<Record<string, string>> = {
  expr: '`where`', if: '`where`', when: '`where`', condition: '`where`', filter: '`where`', query: '`where`',
  severity: '`labels: { severity: ... }`', priority: '`labels: { severity: ... }`', level: '`labels: { severity: ... }`',
  summary: '`annotations: { summary: ... }`', description: '`annotations: { description: ... }`', message: '`annotations: { summary: ... }`',
  group_by: '`by`', key: '`by`', count: '`threshold: { count: ..., within: ... }`', within: '`threshold: { count: ..., within: ... }`',
  window: '`threshold: { count: ..., within: ... }`', runbook: '`runbook_url`', sink: '`to`', sinks: '`to`', send_to: '`to`', receiver: '`to`',
  disabled: '`enabled: false`', throttle: '`dedupe`', suppress: '`dedupe`',
}; // prettier-ignore

function inPlainWords(kind: 'alert' | 'forward', problem: Problem): Problem {
  const key = problem.code === 'CONFIG_UNKNOWN_KEY' ? /^There is no key "([^"]*)"/.exec(problem.message)?.[1] : undefined;
  if (key === undefined || key in schemas[kind].properties) return problem;
  if (kind === 'forward' && key in AlertSchema.properties)
    return {
      ...problem,
      message: `A forward rule has no "${key}".`,
      hint: 'Only alerts have a life cycle: write `alert:` instead of `forward:`, or leave it out.',
    };
  const here = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
  return here === undefined ? problem : { ...problem, message: `There is no key "${key}" in a rule; ${here} is what says that here.` };
}

const without = (map: Map, key: string): Map => Object.fromEntries(Object.entries(map).filter(([each]) => each !== key));
const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
const isMap = (value: unknown): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value);
