import { checkSchema } from '../config/schema-check.ts';
import { readSource, type Path, type Source } from '../config/source.ts';
import { error, type Problem } from '../problem/problem.ts';
import { nearest } from '../problem/suggest.ts';
import { AlertSchema, ForwardSchema, RulesFileShape, type RawAlert, type RawForward, type RawGroup } from './schema.ts';

/** A rule as it was written, its shape checked, nothing looked up yet. */
export interface RawRule {
  readonly source: Source;
  /** Where the rule stands: ['groups', 0, 'rules', 2]. */
  readonly path: Path;
  readonly group: Pick<RawGroup, 'name' | 'labels' | 'to'>;
  readonly groupPath: Path;
  readonly body: RawAlert | RawForward;
}

export interface RawRules {
  readonly rules: readonly RawRule[];
  /** Everything wrong with the files' shape. Rules whose shape is wrong are not among `rules`. */
  readonly problems: readonly Problem[];
}

export const isAlert = (body: RawAlert | RawForward): body is RawAlert => 'alert' in body;
export const nameOf = (body: RawAlert | RawForward): string => (isAlert(body) ? body.alert : body.forward);

/** Reads rule files. All mistakes of all files are told. */
export function loadRules(files: readonly string[]): RawRules {
  const rules: RawRule[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const read = readSource(file);
    problems.push(...read.problems);
    if (read.ok) readFile(read.value, rules, problems);
  }
  return { rules, problems };
}

function readFile(source: Source, rules: RawRule[], problems: Problem[]): void {
  const shape = checkSchema(source, RulesFileShape);
  problems.push(...shape);
  if (!isObject(source.value) || !Array.isArray(source.value['groups'])) return;
  (source.value['groups'] as unknown[]).forEach((group, g) => {
    if (!isObject(group) || !Array.isArray(group['rules'])) return;
    const groupPath = ['groups', g];
    (group['rules'] as unknown[]).forEach((body, r) => {
      const path = [...groupPath, 'rules', r];
      if (!isObject(body)) return;
      const kind = kindOf(source, path, body, problems);
      if (kind === undefined) return;
      const wrong = checkSchema(source, kind === 'alert' ? AlertSchema : ForwardSchema, body, path).map((problem) => forwardHint(kind, problem));
      problems.push(...wrong);
      if (wrong.length === 0) rules.push({ source, path, group: group as unknown as RawGroup, groupPath, body: body as unknown as RawAlert | RawForward });
    });
  });
}

function kindOf(source: Source, path: Path, body: Readonly<Record<string, unknown>>, problems: Problem[]): 'alert' | 'forward' | undefined {
  const has = { alert: 'alert' in body, forward: 'forward' in body };
  if (has.alert && has.forward) {
    problems.push(error('RULE_TWO_KINDS', 'A rule is either an alert or a forward, not both.', { place: source.place([...path, 'forward'], 'key'), hint: 'Make two rules of it.' }));
    return undefined;
  }
  if (has.alert) return 'alert';
  if (has.forward) return 'forward';
  const meant = Object.keys(body).find((key) => nearest(key, ['alert', 'forward']) !== undefined);
  problems.push(
    meant === undefined
      ? error('RULE_NO_KIND', 'A rule begins with `alert: NAME` or `forward: NAME`.', { place: source.place(path) })
      : error('CONFIG_UNKNOWN_KEY', `Unknown key "${meant}"; did you mean "${nearest(meant, ['alert', 'forward']) ?? ''}"?`, { place: source.place([...path, meant], 'key') }),
  );
  return undefined;
}

/** A key that only alerts have is the commonest mistake in a forward rule. */
const forwardHint = (kind: 'alert' | 'forward', problem: Problem): Problem => {
  const key = /"(threshold|for|keep_firing_for|annotations|max_alerts|runbook_url)"/.exec(problem.message)?.[1];
  return kind === 'forward' && problem.code === 'CONFIG_UNKNOWN_KEY' && key !== undefined
    ? { ...problem, message: `A forward rule has no "${key}".`, hint: 'Only alerts have a life cycle: write `alert:` instead of `forward:`, or leave it out.' }
    : problem;
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
