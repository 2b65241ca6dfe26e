// An engine at work on what some cases want, in a process of its own: signals as JSON lines on stdout, until stdin ends.
//   conformance-engine.mjs INSTALLED ENGINE WANTED      INSTALLED has dist/ and scripts-stp/; WANTED: [{goal, with, where}] as JSON
// RECORD: a file for what the engine says, as `tapline run --record` writes it.
// READY_MADE: a file of modules that modulesWanted() made elsewhere, by WANTED (in an emulated VM it takes minutes).
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { modulesWanted } from './conformance-modules.mjs';

const [installed, name, wanted] = process.argv.slice(2);
const load = (module) => import(join(installed, 'dist', module));
const { liveEngines } = await load('engine/index.js');
const { spawnInGroup } = await load('engine/child.js');
const { wallClock } = await load('telemetry/clock.js');
const { Ledger } = await load('telemetry/ledger.js');
const { frameLine, headerLine } = await load('engine/recording.js');
const { Decoder } = await load('decode/decoder.js');
const { recordAt } = await load('decode/record.js');

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const host = { spawn: spawnInGroup, clock: wallClock, proc: '/proc', sys: '/sys', hostname: hostname(), uid: process.getuid() };
const engine = liveEngines(200).find((each) => each.name === name);
const can = await engine.available(host);
say({ engine: can.can ? can.summary : can.why });
const here = (module) => ({ ...module, goal: { ...module.goal, folder: join(installed, 'scripts-stp', module.goal.id) } });
const readyMade = process.env.READY_MADE && JSON.parse(readFileSync(process.env.READY_MADE, 'utf8'))[wanted];
const { modules, problems } = readyMade
  ? { modules: readyMade.map(here), problems: [] }
  : await modulesWanted(installed, engine, JSON.parse(wanted), host);
problems.forEach(say);

const stop = new AbortController();
process.stdin.on('end', () => stop.abort()).resume();
const decoder = new Decoder({
  goal: (id) => modules.find((module) => module.goal.id === id)?.goal,
  ledger: new Ledger(),
  onProblem: say,
});
const { RECORD: recorded } = process.env;
if (recorded) writeFileSync(recorded, headerLine(modules.map(({ goal }) => goal)));
if (modules.length < JSON.parse(wanted).length) say({ gone: 'some modules could not be made' });
engine.run(modules, host, stop.signal).subscribe({
  next(frames) {
    if (recorded) appendFileSync(recorded, frames.map(frameLine).join(''));
    for (const signal of decoder.push(frames)) {
      if (signal.kind === 'ready') say({ ready: signal.run.goal });
      else if (signal.kind === 'time') say({ beat: signal.run });
      else if (signal.kind === 'gone' && !stop.signal.aborted) say({ gone: signal.run.goal, problem: signal.problem });
      else if (signal.kind === 'lost') say({ lost: signal.run.goal, reason: signal.reason, count: signal.count });
      else if (signal.kind === 'batch')
        for (let row = 0; row < signal.batch.length; row++) {
          const { goal, fidelity, fields, n } = recordAt(signal.batch, row);
          say({ record: { goal, fidelity, fields, n } });
        }
    }
  },
  complete: () => process.exit(0),
});
