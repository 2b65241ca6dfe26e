import { readdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  batchesOf,
  engineNames,
  nameOf,
  notAsked,
  runCase,
  startWatch,
  wantedBy,
  type Case,
  type GoalFacts,
  type Watch,
} from './lab/conformance.ts';
import { currentBpftrace, installedBpftrace } from './lab/bpftrace.ts';
import { makeNetLab } from './lab/netns.ts';
import { lacking, needs, type Need } from './needs.ts';

const root = join(import.meta.dirname, '..');
const load = (file: string): Promise<unknown> => import(join(import.meta.dirname, file));
const { catalogue } = (await load('kernel/catalogue.mjs')) as { catalogue: (folder: string) => GoalFacts[] };
const goals = new Map(catalogue(join(root, 'scripts-stp')).map((goal) => [goal.id, goal]));
const groups = await Promise.all(
  readdirSync(join(import.meta.dirname, 'conformance'))
    .filter((file) => file.endsWith('.mjs'))
    .map(async (file) => ({ file, cases: ((await load(`conformance/${file}`)) as { cases: readonly Case[] }).cases })),
);
const { writeSeen } = (await load('lab/seen.mjs')) as { writeSeen: (results: readonly object[]) => Promise<void> };
const all = groups.flatMap((group) => group.cases);
const results: object[] = [];
afterAll(async () => {
  if (process.env['TAPLINE_SEEN'] === '1') await writeSeen(results);
});

test('cases are of goals of the catalogue, each under a name of its own', () => {
  expect(all.length).toBeGreaterThan(5);
  expect(all.filter((item) => !goals.has(item.goal)).map(nameOf)).toEqual([]);
  expect(new Set(all.map(nameOf)).size).toBe(all.length);
});

test('every goal that an engine can answer has a case that the engine is asked', () => {
  const without = [...goals.values()].flatMap((goal) =>
    engineNames
      .filter((engine) => goal.engines[engine] !== undefined)
      .filter((engine) => !all.some((item) => item.goal === goal.id && notAsked(item, goal, engine) === undefined))
      .map((engine) => `${goal.id} on ${engine}`),
  );
  expect(without).toEqual([]);
});

/** What is asked; `column`: where docs/reference/seen.md tells it. */
interface Stand {
  readonly engine: 'bpftrace' | 'procfs';
  readonly column: string;
  readonly wants: readonly Need[];
  readonly env?: Readonly<Record<string, string>>;
}

ask({ engine: 'bpftrace', column: 'bpftrace', wants: ['root', ...installedBpftrace.needs, 'netns'] });
ask({ engine: 'procfs', column: 'procfs', wants: ['root', 'ss', 'netns'] });
// After those, which go beside each other.
describe('with the current version', () => {
  const { name, env } = currentBpftrace;
  ask({ engine: 'bpftrace', column: name, wants: ['root', ...currentBpftrace.needs, 'netns'], env });
});

function ask({ engine, column, wants, env }: Stand): void {
  const there = lacking(...wants) === undefined;
  for (const { file, cases } of groups) {
    const left = cases.filter((item) => notAsked(item, goals.get(item.goal), engine) !== undefined);
    for (const item of left)
      results.push({
        engine: column,
        goal: item.goal,
        title: item.title,
        state: 'skipped',
        why: notAsked(item, goals.get(item.goal), engine),
      });
    const batches = batchesOf(cases.filter((item) => !left.includes(item)));
    batches.forEach((batch, i) =>
      describe.concurrent(`${column}, ${file}${batches.length > 1 ? ` (run ${i + 1})` : ''}`, () => {
        let watch: Watch | undefined;
        let before: Promise<unknown> = Promise.resolve();
        // Vitest tells which tests will run: `-t GOAL` attaches no other probe.
        beforeAll(async ({}, suite) => {
          const running = batch.filter((item) => suite.tasks.some((task) => task.name === nameOf(item) && task.mode === 'run'));
          if (there && running.length > 0)
            watch = await startWatch({ installed: root, engine, wanted: wantedBy(running), ...(env && { env }), readyWithinMs: 60_000 });
        }, 90_000);
        afterAll(() => watch?.end());
        for (const item of batch)
          test(nameOf(item), { timeout: 180_000 }, async (context) => {
            needs(context, ...wants);
            const goal = goals.get(item.goal);
            if (watch === undefined || goal === undefined) throw new Error(`${item.goal}: nothing watches it`);
            const running = watch;
            const run = () => runCase(item, running, { goal, engine, netLab: makeNetLab, slowness: 1 });
            const result = { engine: column, goal: item.goal, title: item.title, place: `${watch.summary} on Linux ${release()}` };
            const mine = item.alone === true ? before.then(run) : run();
            before = Promise.allSettled([before, mine]);
            await mine.then(
              () => results.push({ ...result, state: 'seen' }),
              (why: unknown) => {
                results.push({ ...result, state: 'failed', why: String(why) });
                throw why;
              },
            );
          });
      }),
    );
  }
}
