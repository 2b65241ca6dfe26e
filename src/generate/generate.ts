import { createHash } from 'node:crypto';
import type { EngineName } from '../config/config.ts';
import type { Goal } from '../goals/goal.ts';
import { error, fail, ok, type Result } from '../problem/problem.ts';
import type { Rule } from '../rules/rule.ts';
import { bpftraceDialect } from './bpftrace.ts';
import type { Dialect, Filter } from './dialect.ts';
import type { HostFacts, Module, Pushdown } from './module.ts';
import { pushDown } from './pushdown.ts';
import { askedName, valuesOf } from '../goals/parameters.ts';
import { scriptModule } from './script.ts';
import { systemtapDialect } from './systemtap.ts';
import { fillTemplate, readTemplate } from './template.ts';

/** THE list of probe languages. */
const languages: Partial<Readonly<Record<EngineName, Dialect>>> = { bpftrace: bpftraceDialect, systemtap: systemtapDialect };

export interface GenerateInput {
  readonly goal: Goal;
  /** All rules on the goal that are switched on. */
  readonly rules: readonly Rule[];
  readonly engine: EngineName;
  readonly facts: HostFacts;
  /** False: the probe tells every record. */
  readonly pushdown: boolean;
  /** Read from the goal's folder unless given. */
  readonly template?: string;
}

/**
 * The module of a goal for all rules on it. Deterministic: the same input gives the same source and id. Rule text never
 * becomes source: only typed literals do (semantics 18 to 20). Problems: ENGINE_TEMPLATE_WRONG, ENGINE_TRACEPOINT_MISSING.
 */
export function generateModule(input: GenerateInput): Result<Module> {
  const { goal, rules, engine } = input;
  const language = languages[engine];
  if (goal.engines[engine] === undefined) return fail(error('ENGINE_TEMPLATE_WRONG', `${goal.id} has no answer by ${engine}.`));
  if (goal.script?.language === engine)
    return ok(
      scriptModule(
        goal,
        goal.script,
        rules.map(({ name }) => name),
        pushNothing(rules),
      ),
    );
  if (language === undefined) {
    const source = `${engine}: reader ${goal.engines[engine].reader ?? goal.id} of ${goal.id}\n`;
    return ok(moduleOf(input, source, pushNothing(rules)));
  }
  const template = input.template === undefined ? readTemplate(goal, engine) : ok(input.template);
  if (!template.ok) return template;
  const { filter, report } = input.pushdown
    ? pushDown(rules, { goal, engine, can: (atom) => language.can(atom) })
    : { filter: { op: 'true' } as const, report: pushNothing(rules) };
  const { required, allowed, functions } = language.placeholders(goal, input.facts);
  const header = headerLines(input, filter).map((line) => language.comment(line));
  const filled = fillTemplate(
    template.value,
    {
      required: { ...required, header: header.join('\n'), filter: language.filter(filter, input.facts) },
      allowed,
      functions: { ...functions, with: (rest) => parameterSource(goal, rest) },
    },
    input.facts.tracepoints,
    fieldsOf(filter),
  );
  if (!filled.ok) return filled;
  const finished = language.finish?.(filled.value) ?? filled.value;
  const missing = [...new Set([...finished.matchAll(/^\s*tracepoint:(\w+:\w+)/gm)].map((match) => match[1] ?? ''))].filter(
    (name) => engine === 'bpftrace' && !input.facts.tracepoints.has(name),
  );
  if (missing.length > 0)
    return fail(
      error(
        'ENGINE_TRACEPOINT_MISSING',
        `${goal.id} needs the tracepoint ${missing.join(' and ')}, which kernel ${input.facts.kernel} does not have.`,
      ),
    );
  return ok(moduleOf(input, finished, report));
}

function moduleOf({ goal, engine, rules }: GenerateInput, source: string, pushdown: readonly Pushdown[]): Module {
  const id = createHash('sha256').update(source).digest('hex').slice(0, 12);
  return {
    id,
    name: `tapline_${goal.id.replaceAll('.', '_')}_${id}`,
    goal,
    engine,
    source,
    rules: rules.map((rule) => rule.name),
    pushdown,
  };
}

/** `{{with NAME}}`: a number, or the member of an enum, as the manifest writes it; `{{with NAME index}}`: which member. Rule text is in none of them. */
function parameterSource(goal: Goal, rest: string): string | undefined {
  const [name = '', what, ...more] = rest.split(' ');
  const parameter = goal.parameters.find((each) => each.name === name);
  const value = valuesOf(goal).get(name);
  if (parameter === undefined || value === undefined || more.length > 0) return undefined;
  const index = parameter.values?.indexOf(String(value)) ?? -1;
  if (what === 'index') return index < 0 ? undefined : String(index);
  if (what !== undefined) return undefined;
  return parameter.type === 'enum' ? parameter.values?.[index] : String(Number(value));
}

const pushNothing = (rules: readonly Rule[]): Pushdown[] =>
  rules.map((rule) => ({ rule: rule.name, ...(rule.where && { rest: rule.where.text }) }));

/** No word of a rule: what a person wrote is nowhere in a module but as a typed literal (semantics 19). */
const headerLines = ({ goal, engine }: GenerateInput, filter: Filter): string[] => [
  `${askedName(goal.id, goal.asked)} for ${engine}: ${goal.title}.`,
  'Generated by Tapline. `tapline explain` shows for which rules, and what of their conditions is tested here.',
  filter.op === 'true'
    ? 'Nothing is filtered here: every record is printed.'
    : `Printed is what may matter to a rule, by ${fieldsOf(filter).join(', ') || 'no field'}.`,
];

/** Names of the fields that a filter tests. */
function fieldsOf(filter: Filter): string[] {
  if (filter.op === 'atom') return [filter.atom.field.name];
  return 'of' in filter ? [...new Set(filter.of.flatMap(fieldsOf))] : [];
}
