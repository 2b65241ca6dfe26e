import type { Config } from '../config/config.ts';
import { parseDuration } from '../config/duration.ts';
import { isAlert, nameOf, type RawRule } from '../rules/load.ts';
import type { RawAlert } from '../rules/schema.ts';
import type { AlertRule, ForwardRule, Rule } from '../rules/rule.ts';
import type { Problem } from '../problem/problem.ts';
import { nearest } from '../problem/suggest.ts';
import type { Catalogue } from './catalogue.ts';
import { neverFires } from './never-fires.ts';
import { severityOf } from './severity.ts';
import type { Goal } from './goal.ts';
import { checkAnnotations, checkLabels, fieldList, resolveChanged, resolveWhere } from './rule-parts.ts';
import { teller, type Tell } from './tell.ts';

export interface Resolved {
  /** Rules that are switched on and right. */
  readonly rules: readonly Rule[];
  readonly problems: readonly Problem[];
}

const defaultKeepFiringMs = 5 * 60_000;
const defaultMaxAlerts = 1000;

/** Looks up what rules name, and checks what only makes sense together. Every mistake of every rule is told. */
export function resolveRules(raw: readonly RawRule[], catalogue: Catalogue, config: Pick<Config, 'sinks' | 'to'>): Resolved {
  const rules: Rule[] = [];
  const problems: Problem[] = [];
  const first = new Map<string, RawRule>();
  for (const rule of raw) {
    const before = problems.length;
    const tell = teller(rule, problems);
    const name = nameOf(rule.body);
    const key = isAlert(rule.body) ? 'alert' : 'forward';
    const earlier = first.get(name);
    if (earlier !== undefined) {
      const at = earlier.source.place([...earlier.path, isAlert(earlier.body) ? 'alert' : 'forward']);
      tell.error('RULE_DUPLICATE_NAME', `There is a rule "${name}" already, at ${at.file}:${at.line}.`, [key], 'Names of rules are unique over all files.');
    } else first.set(name, rule);
    if (/\p{Cc}|\p{Surrogate}/u.test(name) || name.length > 128 || name.startsWith('tapline.'))
      tell.error('RULE_BAD_NAME', 'A name has at most 128 characters, no control characters, and does not begin with "tapline.".', [key]);
    const made = resolveRule(rule, name, catalogue, config, tell);
    const wrong = problems.slice(before).some((problem) => problem.severity === 'error');
    if (made !== undefined && !wrong && rule.body.enabled !== false) rules.push(made);
  }
  return { rules, problems };
}

function resolveRule(raw: RawRule, name: string, catalogue: Catalogue, config: Pick<Config, 'sinks' | 'to'>, tell: Tell): Rule | undefined {
  const { body, group } = raw;
  const goal = catalogue.get(body.goal);
  if (goal === undefined) {
    const near = nearest(body.goal, [...catalogue.keys()]);
    tell.error('RULE_UNKNOWN_GOAL', `There is no goal "${body.goal}"${near === undefined ? '' : `; did you mean "${near}"?`}`, ['goal'], 'tapline goals lists what can be asked.');
  }
  const to = resolveTo(raw, config, tell);
  const where = resolveWhere(raw, goal, tell);
  if (goal === undefined) return undefined;
  const by = body.by === undefined ? goal.key : fieldList(goal, body.by, ['by'], tell);
  const labels = { ...checkLabels(goal, group.labels, raw.groupPath, tell), ...checkLabels(goal, body.labels, [...raw.path], tell) };
  const severity = severityOf(labels['severity'], (message, hint) =>
    body.labels?.['severity'] === undefined ? tell.errorAt('RULE_BAD_SEVERITY', message, [...raw.groupPath, 'labels', 'severity'], hint) : tell.error('RULE_BAD_SEVERITY', message, ['labels', 'severity'], hint),
  );
  const changed = resolveChanged(goal, body.changed, tell);
  const dedupeMs = durationOf(body.dedupe);
  const base = {
    name,
    group: group.name,
    goal: goal.id,
    ...(where && { where }),
    by,
    ...(changed && { changed }),
    ...(dedupeMs !== undefined && dedupeMs > 0 && { dedupeMs }),
    labels,
    to,
    place: raw.source.place([...raw.path, isAlert(body) ? 'alert' : 'forward']),
  };
  if (!isAlert(body)) return { kind: 'forward', ...base } satisfies ForwardRule;
  return alertRule(body, goal, base, severity ?? 'warning', tell);
}

function alertRule(body: RawAlert, goal: Goal, base: Omit<ForwardRule, 'kind'>, severity: AlertRule['severity'], tell: Tell): AlertRule {
  const { threshold } = body;
  const withinMs = durationOf(threshold?.within) ?? 0;
  if (threshold !== undefined && withinMs === 0) tell.error('CONFIG_BAD_DURATION', 'A threshold needs a stretch of time longer than 0.', ['threshold', 'within']);
  const alertBy = threshold?.by === undefined ? base.by : fieldList(goal, threshold.by, ['threshold', 'by'], tell);
  checkAnnotations(goal, body.annotations, tell);
  const rule: AlertRule = {
    kind: 'alert',
    ...base,
    ...(threshold && { threshold: { count: threshold.count, withinMs } }),
    alertBy,
    forMs: durationOf(body.for) ?? 0,
    keepFiringForMs: durationOf(body.keep_firing_for) ?? defaultKeepFiringMs,
    maxAlerts: body.max_alerts ?? defaultMaxAlerts,
    severity,
    annotations: body.annotations ?? {},
    ...(body.runbook_url !== undefined && { runbookUrl: body.runbook_url }),
  };
  if (withinMs > 0) neverFires(rule, goal, tell);
  return rule;
}

function resolveTo(raw: RawRule, config: Pick<Config, 'sinks' | 'to'>, tell: Tell): readonly string[] {
  const own = raw.body.to;
  const to = own ?? raw.group.to ?? config.to;
  to.forEach((name, i) => {
    if (config.sinks.has(name) || (own === undefined && raw.group.to === undefined)) return;
    const near = nearest(name, [...config.sinks.keys()]);
    const message = `There is no sink "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
    const hint = `Sinks of this configuration: ${[...config.sinks.keys()].join(', ') || 'none'}.`;
    if (own !== undefined) tell.error('RULE_UNKNOWN_SINK', message, ['to', i], hint);
    else tell.errorAt('RULE_UNKNOWN_SINK', message, [...raw.groupPath, 'to', i], hint);
  });
  if (to.length === 0) tell.error('RULE_NO_SINK', 'This rule tells nobody: neither it nor its group nor the configuration says `to`.', own === undefined ? [] : ['to']);
  return to;
}

const durationOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseDuration(text));
