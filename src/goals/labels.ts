import type { Path } from '../config/source.ts';
import type { RawRule } from '../rules/load.ts';
import type { Severity } from '../rules/rule.ts';
import { fieldOf, type Goal } from './goal.ts';
import { severityOf } from './severity.ts';
import type { Tell } from './tell.ts';

type RawLabels = Readonly<Record<string, string | number | boolean>>;

export interface Labels {
  /** As text; the rule's own stand over its group's. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the label `severity` means; undefined where there is none, or none that means something, which is told. */
  readonly severity: Severity | undefined;
}

/** The labels of a rule and its group, checked. Without a goal nothing is known that they could shadow. */
export function resolveLabels({ body, group, path, groupPath }: RawRule, goal: Goal | undefined, tell: Tell): Labels {
  checkLabels(goal, group.labels, groupPath, tell);
  checkLabels(goal, body.labels, path, tell);
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...group.labels, ...body.labels })) if (validName.test(name)) labels[name] = String(value);
  const owner = body.labels !== undefined && 'severity' in body.labels ? path : groupPath;
  const severity = severityOf(labels['severity'], (message, hint) =>
    tell.errorAt('RULE_BAD_SEVERITY', message, [...owner, 'labels', 'severity'], hint),
  );
  return { labels, severity };
}

/** As in Prometheus, which keeps names that begin with __ for itself. */
const validName = /^(?!__)[A-Za-z_]\w*$/;

function checkLabels(goal: Goal | undefined, labels: RawLabels | undefined, owner: Path, tell: Tell): void {
  for (const [name, value] of Object.entries(labels ?? {})) {
    const at = [...owner, 'labels', name];
    const shadowed = goal === undefined ? undefined : fieldOf(goal, name);
    if (goal !== undefined && shadowed !== undefined)
      tell.errorAt(
        'RULE_LABEL_SHADOWS_FIELD',
        `The label "${name}" would shadow the field ${name} of ${goal.id}.`,
        at,
        'Give it another name.',
        'key',
      );
    else if (name === 'alertname')
      tell.errorAt(
        'RULE_LABEL_SHADOWS_FIELD',
        'The label "alertname" is the name of the alert already.',
        at,
        'Give it another name.',
        'key',
      );
    else if (!validName.test(name))
      tell.errorAt('RULE_BAD_LABEL', `"${name}" is no name for a label.`, at, 'Letters, digits and _; no digit first, no __ first.', 'key');
    else if (typeof value === 'string' && value.includes('{{'))
      tell.errorAt(
        'RULE_BAD_LABEL',
        'A label is the same for all alerts of a rule: it holds no {{ field }}.',
        at,
        'Put the text under `annotations`; the fields of `by` are labels already.',
      );
  }
}
