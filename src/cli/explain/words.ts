import { conditionText } from '../../alerts/condition-text.ts';
import { durationText } from '../../alerts/time.ts';
import type { Config } from '../../config/config.ts';
import { parseDuration } from '../../config/duration.ts';
import { digestDefaults } from '../../delivery/delivery.ts';
import type { Rule } from '../../rules/rule.ts';
import { sinkDefinitions } from '../../sinks/index.ts';
import { maxKeys } from '../pipeline-base.ts';

const names = (fields: readonly string[], none: string) => (fields.length === 0 ? none : fields.join(', '));

/** What the rule is for, in one sentence. */
export function inWords(rule: Rule): string {
  const sinks = names(rule.to, 'nobody');
  if (rule.kind === 'alert') return `tells ${sinks} when this is so, once for each ${names(rule.alertBy, 'run')}: ${conditionText(rule)}`;
  const dedupe = rule.dedupeMs === undefined ? '' : `, one of ${names(rule.by, 'all')} in ${durationText(rule.dedupeMs)}`;
  const changed = rule.changed === undefined ? '' : `, where ${[...rule.changed.keys()].join(' or ')} changed`;
  return `sends ${sinks} ${rule.where === undefined ? 'every record' : `each record with ${oneLine(rule.where.text)}`}${changed}${dedupe}`;
}

export const oneLine = (text: string): string => text.trim().replace(/\s+/g, ' ');

/** What the stream remembers for the rule, how much of it at most, and what happens then. */
export function stateOf(rule: Rule): readonly string[] {
  const bound = `at most ${maxKeys.toLocaleString('en')}, more are evicted, and told by tapline.evicted`;
  const by = names(rule.by, 'all records together');
  return [
    ...(rule.changed === undefined ? [] : [`changed: the last ${[...rule.changed.keys()].join(', ')} of each ${by}; ${bound}`]),
    ...(rule.dedupeMs === undefined
      ? []
      : [`dedupe: when the ${durationText(rule.dedupeMs)} of each ${by} began, and what was held back; ${bound}`]),
    ...(rule.kind !== 'alert'
      ? []
      : [
          rule.threshold === undefined
            ? `condition: the last event of each ${names(rule.alertBy, 'rule')}; ${bound}`
            : `threshold: the events of the last ${durationText(rule.threshold.withinMs)} of each ${names(rule.alertBy, 'rule')}; ${bound}`,
          `alerts: at most ${rule.maxAlerts.toLocaleString('en')} alive at once; the rest is one alert that says so`,
        ]),
  ];
}

/** When something would be told. */
export function whenTold(rule: Rule): string {
  if (rule.kind === 'forward')
    return rule.dedupeMs === undefined
      ? 'each at once'
      : `the first at once; how many were held back, ${durationText(rule.dedupeMs)} later`;
  const first = rule.forMs > 0 ? `pending at first, fires when it has held for ${durationText(rule.forMs)}` : 'fires at once';
  return `${first}; resolved when it was not so for ${durationText(rule.keepFiringForMs)}`;
}

/** What goes to each sink of the rule: "oncall (email): ...". Secrets stay out: only the kind and what is public of the address. */
export function destinations(rule: Rule, config: Config): readonly string[] {
  return rule.to.flatMap((name) => {
    const sink = config.sinks.get(name);
    if (sink === undefined) return [];
    const definition = sinkDefinitions.find(({ type }) => type === sink.type);
    const ms = (key: string, otherwise: number) => {
      const text = sink.options[key];
      return typeof text === 'string' ? (parseDuration(text) ?? otherwise) : otherwise;
    };
    const one = rule.kind === 'alert' ? 'each alert, firing and resolved' : 'each record';
    const how =
      definition?.grouping === 'digest'
        ? `the first mail ${durationText(ms('group_wait', digestDefaults.groupWaitMs))} after its first ${rule.kind === 'alert' ? 'alert' : 'record'}, then at most one in ${durationText(ms('digest', digestDefaults.digestMs))}; more than one makes a digest`
        : `${one} at once`;
    return [`${name} (${sink.type}): ${how}`];
  });
}
