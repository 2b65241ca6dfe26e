import type { Goal } from '../goals/goal.ts';
import type { AlertRule } from '../rules/rule.ts';
import { annotator } from './annotate.ts';
import { conditionText } from './condition-text.ts';
import { notCountedSince, type Episode, type NotCounted } from './episode.ts';
import { alertId } from './ids.ts';
import { itemSchemaVersion, type AlertBody, type Item } from './item.ts';
import { alertLabels, fingerprint, type Labels } from './labels.ts';
import type { Transition } from './lifecycle.ts';
import { recordSentence } from './sentence.ts';
import { rfc3339 } from './time.ts';
import { recordBody } from './wire.ts';

/** How one rule's transitions become items. `counts`: the rule's counts now, for what stands behind no record. */
export function alertItems(rule: AlertRule, goal: Goal, host: string, counts: () => NotCounted): (transition: Transition) => Item {
  const annotate = annotator(rule.annotations);
  const condition = conditionText(rule);
  const place = `${rule.place.file}:${rule.place.line}`;

  const annotationsOf = (episode: Episode): Record<string, string> => {
    if (episode.overflow) return { summary: overflowText(rule, episode) };
    const last = episode.records.at(-1);
    const annotations = annotate(last);
    return 'summary' in annotations
      ? annotations
      : { ...annotations, summary: last === undefined ? goal.title : recordSentence(goal, last) };
  };

  return ({ state, timeUs, episode }) => {
    const labels: Labels = episode.overflow
      ? { ...alertLabels(rule, episode.key), overflow: 'max_alerts' }
      : alertLabels(rule, episode.key);
    const print = fingerprint(labels);
    const startsAtUs = episode.startsAtUs ?? timeUs;
    const id = alertId(print, startsAtUs, state, episode.repeat);
    const annotations = annotationsOf(episode);
    const body: AlertBody = {
      schema: itemSchemaVersion,
      kind: 'alert',
      id,
      rule: rule.name,
      goal: rule.goal,
      key: episode.key.text,
      severity: rule.severity,
      labels: { ...labels },
      time: rfc3339(timeUs),
      alertname: rule.name,
      state,
      fingerprint: print,
      starts_at: rfc3339(startsAtUs),
      ...(state === 'resolved' ? { ends_at: rfc3339(timeUs) } : {}),
      repeat: episode.repeat,
      annotations,
      ...(rule.runbookUrl === undefined ? {} : { runbook_url: rule.runbookUrl }),
      count: episode.count,
      total: episode.total,
      condition,
      first_seen: rfc3339(episode.firstUs),
      last_seen: rfc3339(episode.lastUs),
      hosts: episode.hosts.length > 0 ? [...episode.hosts] : [host],
      not_counted: notCountedSince(episode.began, counts()),
      records: episode.records.map(recordBody),
      place,
      group: rule.group,
    };
    const summary = annotations['summary'] ?? goal.title;
    return {
      id,
      kind: 'alert',
      rule: rule.name,
      goal: rule.goal,
      severity: rule.severity,
      key: body.key,
      to: rule.to,
      timeUs,
      summary,
      body,
    };
  };
}

const overflowText = (rule: AlertRule, episode: Episode): string =>
  `${rule.name} has ${rule.maxAlerts} alerts at once, which is all that max_alerts allows; further ones are not told one by one (${episode.total} records so far)`;
