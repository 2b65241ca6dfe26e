// Watches modules with the real engine and decoder; also a program of its own (`node watching.mjs GOAL`) that can be killed.
import { readFileSync } from 'node:fs';
import { Decoder } from './tapline/dist/decode/decoder.js';
import { recordAt } from './tapline/dist/decode/record.js';
import { spawnInGroup } from './tapline/dist/engine/child.js';
import { systemtapEngine } from './tapline/dist/engine/systemtap/index.js';
import { Ledger } from './tapline/dist/telemetry/ledger.js';
import { wallClock } from './tapline/dist/telemetry/clock.js';

const here = (module) => ({ ...module, goal: { ...module.goal, folder: `/job/tapline/scripts-stp/${module.goal.id}` } });
export const allModules = JSON.parse(readFileSync('/job/modules.json', 'utf8')).map(here);
export const variant = (name) => here(JSON.parse(readFileSync('/job/variants.json', 'utf8'))[name]);
export const modulesOf = (...ids) => allModules.filter((module) => ids.includes(module.goal.id));

export const host = { spawn: spawnInGroup, clock: wallClock, proc: '/proc', sys: '/sys', hostname: 'lab', uid: 0, pollMs: 200 };
const places = { modulesDirs: ['/job/modules'], cacheDir: '/root/.cache/tapline/systemtap' };
export const engine = systemtapEngine(places);
/** One that bears being held up: for tests that stop staprun. */
export const patientEngine = systemtapEngine({ ...places, timing: { readyMs: 60_000, knockMs: 100, turnMs: 1000, silentTurns: 120 } });

/** Everything that a run says, and how to wait for it. */
export function watchModules(modules, watchedBy = engine) {
  const stop = new AbortController();
  const ledger = new Ledger();
  const seen = { frames: [], records: [], problems: [], ready: [], gone: [], lost: [] };
  const decoder = new Decoder({
    goal: (id) => modules.find((module) => module.goal.id === id)?.goal,
    ledger,
    onProblem: (problem) => seen.problems.push(problem),
  });
  let waiting = [];
  const look = () => {
    waiting = waiting.filter(({ condition, resolve }) => !condition() || resolve());
  };
  const done = new Promise((resolve, reject) => {
    watchedBy.run(modules, host, stop.signal).subscribe({
      next(frames) {
        seen.frames.push(...frames.filter((frame) => frame.kind !== 'lines'));
        for (const signal of decoder.push(frames)) {
          if (signal.kind === 'batch') for (let row = 0; row < signal.batch.length; row++) seen.records.push(recordAt(signal.batch, row));
          else seen[signal.kind]?.push(signal);
        }
        look();
      },
      error: reject,
      complete: resolve,
    });
  });
  return {
    ...seen,
    ledger,
    of: (goal) => seen.records.filter((record) => record.goal === goal),
    until: (what, condition, ms = 30_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${what}: not within ${ms / 1000} s; problems: ${JSON.stringify(seen.problems)}`)),
          ms,
        );
        waiting.push({ condition, resolve: () => (clearTimeout(timer), resolve(), false) });
        look();
      }),
    end: () => (stop.abort(), done),
  };
}

if (process.argv[1] === import.meta.filename) {
  // Ends without stopping the engine: exit handlers are all that run.
  process.on('SIGINT', () => process.exit(0));
  const watched = watchModules(modulesOf(process.argv[2]));
  await watched.until('ready', () => watched.ready.length === 1);
  process.stdout.write('ready\n');
}
