import type { Config } from '../../config/config.ts';
import type { Rule } from '../../rules/rule.ts';
import { wrap } from '../columns.ts';
import { shownPath, type CliContext } from '../context.ts';
import { eventsOf } from './events.ts';
import type { Explained } from './index.ts';
import { destinations, inWords, oneLine, stateOf, whenTold } from './words.ts';

const width = 116;
const label = 16;

/** The explanation as a person reads it: each rule, then the goal's module that it shares with the others. */
export function explainPage(context: CliContext, explained: readonly Explained[], config: Config, source: boolean): string {
  return explained.map((each) => onePage(context, each, config, source)).join('\n\n');
}

function onePage(context: CliContext, each: Explained, config: Config, source: boolean): string {
  const { goal, rules, beside, engine, why, module } = each;
  const asked = goal.asked === undefined ? '' : ` (with ${goal.asked.text})`;
  const limits = engine === undefined ? undefined : goal.engines[engine]?.limits;
  const unknown = engine === undefined ? [] : (goal.engines[engine]?.unknown ?? []);
  const lines = [
    `${goal.id}${asked}: ${goal.title}`,
    ...row('engine', engine === undefined ? `none: ${why}` : `${engine}: ${why}`),
    ...(module === undefined ? [] : row('event', attachedTo(each))),
    ...(goal.how === undefined ? [] : row('why that', goal.how)),
    ...row('cost', goal.cost),
    ...(limits === undefined ? [] : row('not seen', limits)),
    ...(unknown.length === 0 ? [] : row('never known', unknown.join(', '))),
    ...(module === undefined
      ? []
      : row('module', `${module.name}${beside.length === 0 ? '' : `, shared with ${beside.map(({ name }) => name).join(', ')}`}`)),
    ...rules.flatMap((rule) => ['', ...rulePage(context, rule, each, config)]),
    ...(source && module !== undefined ? ['', ...module.source.trimEnd().split('\n')] : []),
  ];
  return lines.join('\n');
}

function attachedTo({ engine, module, goal }: Explained): string {
  if (engine === 'procfs' || module === undefined)
    return `no event: procfs reads files in /proc now and then (reader ${goal.engines.procfs?.reader ?? goal.id})`;
  const events = eventsOf(module);
  const tracepoints = events.flatMap((event) => /^tracepoint (.*)$/.exec(event)?.[1] ?? []);
  const others = events.filter((event) => !event.startsWith('tracepoint '));
  const named = tracepoints.length === 0 ? [] : [`${tracepoints.length === 1 ? 'tracepoint' : 'tracepoints'} ${tracepoints.join(', ')}`];
  return [...named, ...others].join('; ') || 'none: it looks when its interval is over';
}

function rulePage(context: CliContext, rule: Rule, { engine, module, off }: Explained, config: Config): string[] {
  const push = module?.pushdown.find((each) => each.rule === rule.name);
  const pushed = engine === 'procfs' ? 'nothing: procfs polls' : (push?.pushed ?? 'nothing: every record is printed');
  const kept = stateOf(rule);
  return [
    `${rule.name}  ${rule.kind}${rule.kind === 'alert' ? `, ${rule.severity}` : ''}  (${shownPath(context, rule.place.file)}:${rule.place.line})`,
    ...(off.includes(rule) ? row('switched off', 'enabled: false; what follows is what it would do') : []),
    ...row('in words', inWords(rule)),
    ...row('in the kernel', oneLine(pushed)),
    ...row('in the stream', streamPart(rule, push?.rest)),
    ...(kept.length === 0 ? row('remembers', 'nothing') : kept.flatMap((line, i) => row(i === 0 ? 'remembers' : '', line))),
    ...row('tells', whenTold(rule)),
    ...destinations(rule, config).flatMap((line, i) => row(i === 0 ? 'to' : '', line)),
  ];
}

function streamPart(rule: Rule, rest: string | undefined): string {
  if (rule.where === undefined) return 'every record passes';
  return rest === undefined ? 'the same again: the stream decides' : oneLine(rest);
}

function row(name: string, text: string): string[] {
  const [first = '', ...more] = wrap(text, width, ' '.repeat(label + 2));
  return [`  ${name.padEnd(label)}${first.trimStart()}`, ...more];
}

/** The same for programs. */
export const explainJson = (explained: readonly Explained[], config: Config): unknown =>
  explained.map((each) => ({
    goal: each.goal.id,
    with: each.goal.asked?.text ?? null,
    rules: each.rules.map((rule) => rule.name),
    engine: each.engine ?? null,
    why: each.why,
    events: each.module === undefined ? [] : eventsOf(each.module),
    how: each.goal.how ?? null,
    cost: each.goal.cost,
    limits: (each.engine && each.goal.engines[each.engine]?.limits) ?? null,
    module: each.module?.name ?? null,
    sharedWith: each.beside.map((rule) => rule.name),
    pushdown: each.module?.pushdown ?? [],
    source: each.module?.source ?? null,
    explained: each.rules.map((rule) => ({
      rule: rule.name,
      kind: rule.kind,
      file: rule.place.file,
      line: rule.place.line,
      enabled: !each.off.includes(rule),
      inWords: inWords(rule),
      remembers: stateOf(rule),
      tells: whenTold(rule),
      to: destinations(rule, config),
    })),
  }));
