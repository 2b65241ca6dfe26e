import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateModule } from '../src/generate/generate.ts';
import type { HostFacts, Module } from '../src/generate/module.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import type { Goal } from '../src/goals/goal.ts';

interface Fuzz {
  readonly token: RegExp;
  readonly randomRules: (goals: readonly Goal[], count: number, seed: number) => readonly object[];
  readonly modulesOf: (sets: readonly object[], engine: string, facts: HostFacts, generate: typeof generateModule) => Module[];
}
const fuzz = (await (import(join(import.meta.dirname, 'lab/fuzz-rules.mjs')) as Promise<unknown>)) as Fuzz;
const catalogue = loadGoals(join(import.meta.dirname, '../scripts-stp'));
const goals = catalogue.ok ? [...catalogue.value.values()].filter((goal) => goal.engines.systemtap ?? goal.engines.bpftrace) : [];
const seed = 20_260_101;
const none: HostFacts = { hz: 250, kernel: '6.18.0', tracepoints: new Map(), engineVersion: '' };

test('10,000 random rule sets: no word of a rule is in a module but as a literal of its condition', { timeout: 120_000 }, () => {
  const sets = fuzz.randomRules(goals, 10_000, seed);
  const modules = fuzz.modulesOf(sets, 'systemtap', none, generateModule);
  expect(modules.length).toBeGreaterThan(5000);
  // It can fail: literals with words of rules are there, and a word in the wrong place is found.
  expect(modules.filter(({ source }) => fuzz.token.test(source)).length).toBeGreaterThan(100);
  const careless = () => ({ ok: true, value: { source: '// Zq1q' } }) as unknown as ReturnType<typeof generateModule>;
  expect(() => fuzz.modulesOf(sets.slice(0, 50), 'systemtap', none, careless)).toThrow('outside of a literal');
});
