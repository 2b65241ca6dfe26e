// The cases of test/conformance under SystemTap. A line for each; what was seen goes to /job/out/seen.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { atOnce } from './at-once.mjs';
import * as conformance from './lab/conformance.mjs';
import { casesFor, only } from './cases.mjs';
import { makeNetLab } from './netns.mjs';

const engine = 'systemtap';
/** Emulated: everything takes so many times longer than on a real processor. */
const slowness = 3;
const goals = new Map(JSON.parse(readFileSync('/job/goals.json', 'utf8')).map((goal) => [goal.id, goal]));
const { asked, left } = await casesFor('/job/conformance', goals, engine, conformance);
const results = left.map(({ item, why }) => ({ engine, goal: item.goal, title: item.title, state: 'skipped', why }));

/** Runs all cases of a batch, beside each other where they allow it; resolves with what was wrong with each, in their order. */
async function runBatch(batch) {
  const started = Math.round(performance.now());
  const watch = await conformance.startWatch({
    installed: '/job/tapline',
    engine,
    wanted: conformance.wantedBy(batch),
    env: {
      TAPLINE_MODULES: '/job/modules',
      READY_MADE: '/job/conformance.json',
      ...(only !== '' && { RECORD: `/job/out/${batch[0].goal}-${started}.jsonl` }),
    },
    readyWithinMs: 120_000,
  });
  console.log(
    `        ready: ${conformance
      .wantedBy(batch)
      .map(({ goal }) => goal)
      .join(', ')} after ${Math.round((performance.now() - started) / 1000)} s`,
  );
  const outcomes = [];
  const one = async (item, i) => {
    const options = { goal: goals.get(item.goal), engine, netLab: makeNetLab, slowness };
    outcomes[i] = await conformance.runCase(item, watch, options).catch((why) => why ?? new Error('unknown'));
  };
  const together = batch.filter((item) => !item.alone);
  try {
    await atOnce(4, together, one);
    for (let i = together.length; i < batch.length; i++) await one(batch[i], i);
  } finally {
    await watch.end();
  }
  const place = `${watch.summary} on Linux ${release()}`;
  batch.forEach(({ goal, title }, i) =>
    results.push({ engine, goal, title, place, state: outcomes[i] ? 'failed' : 'seen', why: String(outcomes[i] ?? '') }),
  );
  writeFileSync('/job/out/seen.json', JSON.stringify(results));
  return outcomes;
}

export const conformanceChecks = asked.flatMap((cases) =>
  conformance.batchesOf(cases).flatMap((batch) => {
    let outcomes;
    return batch.map((item, i) => [
      `seen: ${conformance.nameOf(item)}`,
      async () => {
        outcomes ??= runBatch(batch);
        const why = (await outcomes)[i];
        if (why) throw why;
      },
    ]);
  }),
);
