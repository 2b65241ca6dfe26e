import { join } from 'node:path';
import { loadGoals } from '../../src/goals/catalogue.ts';
import type { Goal } from '../../src/goals/goal.ts';
import { bpftraceEngine } from '../../src/engine/bpftrace/index.ts';
import { generateModule } from '../../src/generate/generate.ts';
import type { HostFacts, Module } from '../../src/generate/module.ts';
import type { Rule } from '../../src/rules/rule.ts';
import type { Expression } from '../../src/rules/where.ts';
import { realHost } from './watching.ts';

const catalogue = loadGoals(join(import.meta.dirname, '../../scripts-stp'));

/** A goal of the catalogue. */
export function goalOf(id: string): Goal {
  const goal = catalogue.ok ? catalogue.value.get(id) : undefined;
  if (goal === undefined) throw new Error(catalogue.ok ? `no goal ${id}` : catalogue.problems.map(({ message }) => message).join(' '));
  return goal;
}

/** A forward rule with that condition. */
export const ruleWhere = (goal: string, tree?: Expression, text = '(made by a test)'): Rule => ({
  kind: 'forward',
  name: 'of a test',
  group: 'test',
  goal,
  by: [],
  labels: {},
  to: ['none'],
  place: { file: 'test.yaml', line: 1, column: 1 },
  ...(tree && { where: { text, tree } }),
});

/** The real module of a goal for bpftrace on this kernel. */
export async function bpftraceModule(goal: Goal, rules: readonly Rule[] = [], pushdown = true, host = realHost): Promise<Module> {
  const module = generateModule({ goal, rules, engine: 'bpftrace', facts: await factsHere(goal, host), pushdown });
  if (!module.ok) throw new Error(module.problems.map((problem) => problem.message).join(' '));
  return module.value;
}

export const factsHere = (goal: Goal, host = realHost): Promise<HostFacts> => bpftraceEngine.facts(host, [goal]);
