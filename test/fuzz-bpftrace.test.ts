import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import { joinModules, stringBytes } from '../src/generate/bpftrace.ts';
import { generateModule } from '../src/generate/generate.ts';
import type { HostFacts, Module } from '../src/generate/module.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import type { Goal } from '../src/goals/goal.ts';
import { valuesOf } from '../src/goals/parameters.ts';
import { realHost } from './lab/watching.ts';
import { needs } from './needs.ts';

interface Fuzz {
  readonly randomRules: (goals: readonly Goal[], count: number, seed: number) => readonly { readonly goal: Goal }[];
  readonly modulesOf: (sets: readonly object[], engine: string, facts: HostFacts, generate: typeof generateModule) => Module[];
  readonly different: (modules: readonly Module[], count: number) => Module[];
}
const fuzz = (await (import(join(import.meta.dirname, 'lab/fuzz-rules.mjs')) as Promise<unknown>)) as Fuzz;
const catalogue = loadGoals(join(import.meta.dirname, '../scripts-stp'));
const goals = catalogue.ok ? [...catalogue.value.values()] : [];
/** They take a second of a processor each. */
const wanted = process.env['CI'] === 'true' ? 300 : 60;
/** In one program: reading the kernel's types takes longer than reading one module. */
const perRun = 15;

test(`${wanted} different modules of random rules are accepted by bpftrace -d`, { timeout: 600_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const facts = await bpftraceEngine.facts(realHost, goals);
  // A goal whose tracepoints this kernel lacks has no module here.
  const here = goals.filter(
    (goal) => goal.engines.bpftrace && generateModule({ goal, rules: [], engine: 'bpftrace', facts, pushdown: true }).ok,
  );
  // As if each had parameters of its own, so that they can stand in one program.
  const sets = fuzz
    .randomRules(here, 3000, 20_260_102)
    .map((set, i) => ({ ...set, goal: { ...set.goal, asked: { text: `n=${i}`, values: valuesOf(set.goal) } } }));
  const modules = fuzz.different(fuzz.modulesOf(sets, 'bpftrace', facts, generateModule), wanted);
  expect(modules).toHaveLength(wanted);
  const refused: string[] = [];
  const next = async (): Promise<void> => {
    const some = modules.splice(0, perRun);
    if (some.length === 0) return;
    const program = joinModules(
      some.map(({ goal }) => goal),
      some.map(({ source }) => source),
    );
    const env = { ...process.env, BPFTRACE_STRLEN: `${stringBytes}`, BPFTRACE_MAX_STRLEN: `${stringBytes}` };
    const child = spawn('bpftrace', ['-d', '-e', program, '0', '1'], { stdio: ['ignore', 'ignore', 'pipe'], env });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    const [code] = (await once(child, 'close')) as [number];
    if (code !== 0) refused.push(`${said.slice(0, 2000)}\n${some.map(({ goal }) => goal.id).join(' ')}`);
    return next();
  };
  await Promise.all([next(), next()]);
  expect(refused).toEqual([]);
});
