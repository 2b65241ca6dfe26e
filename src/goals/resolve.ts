import type { ForRules } from '../config/load.ts';
import type { Problem } from '../problem/problem.ts';
import { didYouMean } from '../problem/suggest.ts';
import type { RawRule } from '../rules/load.ts';
import type { AlertRule, ForwardRule, Rule } from '../rules/rule.ts';
import type { Catalogue } from './catalogue.ts';
import type { Goal } from './goal.ts';
import { neverFires } from './never-fires.ts';
import { checkAnnotations, durationOf, fieldList, resolveChanged, resolveWhere } from './rule-parts.ts';
import { resolveLabels } from './labels.ts';
import { resolveWith } from './with.ts';
import { teller, type Tell } from './tell.ts';

/** What rules need of the configuration. */
export type Destinations = Pick<ForRules, 'sinks' | 'to'>;

export interface Resolved {
  /** Rules that are switched on and right. */
  readonly rules: readonly Rule[];
  /** Rules that are right and switched off. */
  readonly off: readonly Rule[];
  readonly problems: readonly Problem[];
}

const defaultKeepFiringMs = 5 * 60_000;
const defaultMaxAlerts = 1000;
const longestName = 128;

/**
 * Looks up what rules name, and checks what only makes sense together. Every mistake of every rule is told. Without `destinations`,
 * because the configuration could not be read, the names of sinks are not looked up.
 */
export function resolveRules(raw: readonly RawRule[], catalogue: Catalogue, destinations: Destinations | undefined): Resolved {
  const rules: Rule[] = [];
  const off: Rule[] = [];
  const problems: Problem[] = [];
  const first = new Map<string, RawRule>();
  for (const rule of raw) {
    const before = problems.length;
    const tell = teller(rule, problems);
    const name = rule.body[rule.kind];
    if (name !== undefined) checkName(name, rule, first, tell);
    const made = resolveRule(rule, name ?? '', catalogue, destinations, tell);
    const wrong = problems.slice(before).some((problem) => problem.severity === 'error');
    if (made !== undefined && rule.whole && !wrong) (rule.body.enabled === false ? off : rules).push(made);
  }
  return { rules, off, problems };
}

function checkName(name: string, rule: RawRule, first: Map<string, RawRule>, tell: Tell): void {
  const earlier = first.get(name);
  if (earlier === undefined) first.set(name, rule);
  else {
    const at = earlier.source.place([...earlier.path, earlier.kind]);
    const where = at.file === rule.source.file ? `in line ${at.line}` : `at ${at.file}:${at.line}`;
    tell.error(
      'RULE_DUPLICATE_NAME',
      `There is a rule "${name}" already, ${where}.`,
      [rule.kind],
      'Names of rules are unique over all files.',
    );
  }
  if (/\p{Cc}|\p{Surrogate}/u.test(name) || name.length > longestName || name.trim() !== name || name.startsWith('tapline.')) {
    const rules = `A name has at most ${longestName} characters, no control characters, no space at its ends, and does not begin with "tapline.".`;
    tell.error('RULE_BAD_NAME', rules, [rule.kind]);
  }
}

function resolveRule(
  raw: RawRule,
  name: string,
  catalogue: Catalogue,
  destinations: Destinations | undefined,
  tell: Tell,
): Rule | undefined {
  const { body, group } = raw;
  const goal = body.goal === undefined ? undefined : catalogue.get(body.goal);
  if (goal === undefined && body.goal !== undefined) {
    const message = `There is no goal "${body.goal}"${didYouMean(body.goal, catalogue.keys()) || '.'}`;
    tell.error('RULE_UNKNOWN_GOAL', message, ['goal'], 'tapline goals lists what can be asked.');
  }
  // Without a goal as much is looked at as can be.
  const asked = goal === undefined ? undefined : resolveWith(goal, body.with, tell);
  const where = resolveWhere(body.where, goal, tell);
  const { labels, severity } = resolveLabels(raw, goal, tell);
  checkAnnotations(goal, body.annotations, tell);
  const by = body.by === undefined || goal === undefined ? (goal?.key ?? []) : fieldList(goal, body.by, ['by'], tell);
  const changed = goal === undefined ? undefined : resolveChanged(goal, body.changed, tell);
  const dedupeMs = durationOf(body.dedupe, ['dedupe'], tell);
  const base: Omit<ForwardRule, 'kind'> = {
    name,
    group: group.name ?? '',
    goal: goal?.id ?? '',
    ...(asked && { with: asked }),
    ...(where && { where }),
    by,
    ...(changed && { changed }),
    ...(dedupeMs !== undefined && dedupeMs > 0 && { dedupeMs }),
    labels,
    to: resolveTo(raw, destinations, tell),
    place: raw.source.place([...raw.path, raw.kind]),
  };
  const rule: Rule = raw.kind === 'forward' ? { kind: 'forward', ...base } : alertRule(raw, goal, base, severity ?? 'warning', tell);
  return goal === undefined ? undefined : rule;
}

function alertRule(
  { body, whole }: RawRule,
  goal: Goal | undefined,
  base: Omit<ForwardRule, 'kind'>,
  severity: AlertRule['severity'],
  tell: Tell,
): AlertRule {
  const { threshold } = body;
  const withinMs = durationOf(threshold?.within, ['threshold', 'within'], tell);
  if (withinMs === 0) tell.error('CONFIG_BAD_DURATION', 'A threshold needs a stretch of time longer than 0.', ['threshold', 'within']);
  const counted = threshold?.by;
  const rule: AlertRule = {
    kind: 'alert',
    ...base,
    ...(threshold && { threshold: { count: threshold.count, withinMs: withinMs ?? 0 } }),
    alertBy: counted === undefined || goal === undefined ? base.by : fieldList(goal, counted, ['threshold', 'by'], tell),
    forMs: durationOf(body.for, ['for'], tell) ?? 0,
    keepFiringForMs: durationOf(body.keep_firing_for, ['keep_firing_for'], tell) ?? defaultKeepFiringMs,
    maxAlerts: body.max_alerts ?? defaultMaxAlerts,
    severity,
    annotations: body.annotations ?? {},
    ...(body.runbook_url !== undefined && { runbookUrl: body.runbook_url }),
  };
  // Where a key was left out because it is wrong, the sum may be another one.
  if (whole && goal !== undefined && withinMs !== undefined && withinMs > 0) neverFires(rule, goal, tell);
  return rule;
}

/** The rule's own sinks, else its group's, else the configuration's; each once. */
function resolveTo(raw: RawRule, destinations: Destinations | undefined, tell: Tell): readonly string[] {
  const own = raw.body.to;
  const written = own ?? raw.group.to;
  if (destinations === undefined) return written ?? [];
  written?.forEach((name, i) => {
    if (destinations.sinks.includes(name)) return;
    const message = `There is no sink "${name}"${didYouMean(name, destinations.sinks) || '.'}`;
    const hint = `Sinks of this configuration: ${destinations.sinks.join(', ') || 'none'}.`;
    if (own !== undefined) tell.error('RULE_UNKNOWN_SINK', message, ['to', i], hint);
    else tell.errorAt('RULE_UNKNOWN_SINK', message, [...raw.groupPath, 'to', i], hint);
  });
  const to = [...new Set(written ?? destinations.to)];
  if (to.length === 0) {
    const because = written === undefined ? 'neither it nor its group nor the configuration says `to`' : '`to` is empty';
    tell.error('RULE_NO_SINK', `This rule tells nobody: ${because}.`, own === undefined ? [] : ['to']);
  }
  return to;
}
