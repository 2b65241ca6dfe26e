// npm run bench:probes: what a probe costs the program that it watches, how long it takes to the first record, and how many records a second
// come without loss; with push-down on and off, all in one run, the order reversed every other round. Root only.
//   node bench/probes.mjs [ENGINE] [CALLS] [ROUNDS]       bpftrace, 200,000 and 5 unless given
// READY_MADE: a file of modules that were compiled elsewhere (in the lab's VM: BENCH=1 npm run test:kernel).
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Decoder } from '../dist/decode/decoder.js';
import { spawnInGroup } from '../dist/engine/child.js';
import { liveEngines } from '../dist/engine/index.js';
import { loadGoals } from '../dist/goals/catalogue.js';
import { wallClock } from '../dist/telemetry/clock.js';
import { Ledger } from '../dist/telemetry/ledger.js';
import { opens } from './opens.mjs';
import { benchModules } from './probes-modules.mjs';

const [name = 'bpftrace', calls = 200_000, rounds = 5] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const host = { spawn: spawnInGroup, clock: wallClock, proc: '/proc', sys: '/sys', hostname: hostname(), uid: process.getuid() };
const engine = liveEngines(1000).find((each) => each.name === name);
const goal = loadGoals(new URL('../scripts-stp', import.meta.url).pathname).value.get('syscall.open');
const { compared, own } = process.env.READY_MADE
  ? JSON.parse(readFileSync(process.env.READY_MADE, 'utf8'))
  : benchModules(goal, name, await engine.facts(host, [goal]));
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Runs a module while `during` lasts. `firstMs`: from the start to the first record of a program that opens a file each 20 ms. */
async function watching(made, during) {
  // One that was made elsewhere has another folder in its goal.
  const module = { ...made, goal };
  const stop = new AbortController();
  const ledger = new Ledger();
  const decoder = new Decoder({ goal: () => goal, ledger });
  const started = performance.now();
  let ready = () => undefined;
  const isReady = new Promise((resolve) => (ready = resolve));
  let firstMs = NaN;
  const done = new Promise((resolve, reject) =>
    engine.run([module], host, stop.signal).subscribe({
      next(frames) {
        for (const signal of decoder.push(frames)) {
          if (signal.kind === 'batch' && Number.isNaN(firstMs)) firstMs = performance.now() - started;
          if (signal.kind === 'ready') ready();
          if (signal.kind === 'gone' && !stop.signal.aborted) reject(new Error(JSON.stringify(signal.problem)));
        }
      },
      complete: resolve,
      error: reject,
    }),
  );
  await Promise.race([isReady, done]);
  const readyMs = performance.now() - started;
  const value = await during();
  await delay(1500);
  stop.abort();
  await done;
  const { emitted, decoded, lost, filtered } = [...ledger.runs.values()][0];
  return { value, firstMs, readyMs, emitted, decoded, lost, filtered };
}

const contenders = { 'no probe': undefined, ...compared };
const seen = Object.fromEntries(Object.keys(contenders).map((who) => [who, []]));
for (let round = 0; round < rounds; round++) {
  const order = Object.entries(contenders);
  for (const [who, module] of round % 2 === 0 ? order : order.reverse())
    seen[who].push(module === undefined ? { value: await opens(calls) } : await watching(module, () => opens(calls)));
}
const base = median(seen['no probe'].map(({ value }) => value.ns));
console.log(`${name}, syscall.open, ${calls} calls, ${rounds} rounds: CPU of the program that is watched\n`);
console.log('| probe | ns per call | ratio to no probe | records | lost |');
console.log('| --- | ---: | ---: | ---: | ---: |');
for (const [who, runs] of Object.entries(seen)) {
  const [ns, emitted, lost] = [({ value }) => value.ns, ({ emitted = 0 }) => emitted, ({ lost = 0 }) => lost].map((of) =>
    median(runs.map(of)),
  );
  console.log(`| ${who} | ${Math.round(ns)} | ${(ns / base).toFixed(2)} | ${emitted} | ${lost} |`);
}

const everything = compared['push-down off: every call is a record'];
const first = [];
for (let round = 0; round < rounds; round++) {
  let over = false;
  const busy = (async () => {
    while (!over) await opens(1).then(() => delay(20));
  })();
  first.push(await watching(everything, () => delay(500)));
  over = true;
  await busy;
}
const [firstMs, readyMs] = ['firstMs', 'readyMs'].map((key) => Math.round(median(first.map((run) => run[key]))));
console.log(`\nTo the first record ${firstMs} ms, to ready ${readyMs} ms (median of ${rounds}; a module that is compiled already).`);

console.log('\n| calls a second asked for, for 3 s | calls a second made | told | lost |');
console.log('| ---: | ---: | ---: | ---: |');
for (const rate of [1000, 5000, 20_000, 50_000, 0]) {
  const { value, emitted, lost } = await watching(own, () => opens(rate === 0 ? calls : 3 * rate, rate));
  console.log(`| ${rate === 0 ? 'all it can' : rate} | ${Math.round(value.perSecond)} | ${emitted - lost} | ${lost} |`);
}
