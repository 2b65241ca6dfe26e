// procfs watches while SystemTap's module is "compiled" (it appears when procfs has told some retransmissions), then the module takes over for real.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { provoke } from './tapline/dist/cli/provoke.js';
import { Decoder } from './tapline/dist/decode/decoder.js';
import { recordAt } from './tapline/dist/decode/record.js';
import { procfsEngine } from './tapline/dist/engine/procfs/index.js';
import { planWatch } from './tapline/dist/engine/watch.js';
import { watch } from './tapline/dist/engine/watching.js';
import { Ledger } from './tapline/dist/telemetry/ledger.js';
import rxjs from './tapline/node_modules/rxjs/dist/cjs/index.js';
import { engine, host, modulesOf } from './watching.mjs';

const goal = 'tcp.retransmit';

const compiled = new rxjs.ReplaySubject(1);
/** SystemTap whose module of the goal is there once `compiled` says so. */
const compiling = {
  ...engine,
  compiled: async () => false,
  run: (modules, ...rest) =>
    compiled.pipe(
      rxjs.take(1),
      rxjs.mergeMap(() => engine.run(modulesOf(...modules.map((module) => module.goal.id)), ...rest)),
    ),
};

const resent = () => {
  const { kernel } = JSON.parse(execFileSync('nstat', ['-azsj'], { encoding: 'utf8' }));
  return kernel.TcpRetransSegs - (kernel.TcpExtTCPRetransFail ?? 0);
};

export const takeOverChecks = [
  [
    'systemtap takes over from procfs when its module is there: each retransmission once, as nstat counts them',
    async () => {
      const [module] = modulesOf(goal);
      const rule = { kind: 'forward', name: 'R', group: 'g', goal, by: [], labels: {}, to: [], place: { file: 'r', line: 1, column: 1 } };
      const options = {
        rules: [rule],
        goals: new Map([[goal, module.goal]]),
        wanted: 'auto',
        engines: [compiling, procfsEngine()],
        host,
        pushdown: true,
      };
      const plan = await planWatch(options);
      assert.deepEqual([[...plan.modules.keys()], [...plan.next.keys()]], [['procfs'], ['systemtap']]);
      const [ledger, records, ready, lost, problems] = [new Ledger(), [], [], [], []];
      const decoder = new Decoder({ goal: (id) => options.goals.get(id), ledger, onProblem: (problem) => problems.push(problem) });
      const isReady = new rxjs.Subject();
      const stop = new AbortController();
      const sum = (name, of) => records.filter((record) => record.engine === name).reduce((total, record) => total + of(record), 0);
      const ended = new Promise((resolve) =>
        watch(plan, options, stop.signal, { ready: isReady }).subscribe({
          next(frames) {
            for (const signal of decoder.push(frames)) {
              if (signal.kind === 'batch') for (let row = 0; row < signal.batch.length; row++) records.push(recordAt(signal.batch, row));
              if (signal.kind === 'lost') lost.push(signal);
              if (signal.kind !== 'ready') continue;
              ready.push(signal.run.engine);
              isReady.next(signal.run.id);
            }
            if (sum('procfs', ({ n }) => n) > 10) compiled.next();
          },
          complete: resolve,
        }),
      );
      const until = async (count) => {
        for (let tries = 0; ready.length < count; tries++) {
          assert.ok(tries < 400, `ready: ${ready}; ${JSON.stringify(problems)}`);
          await delay(100);
        }
      };
      await until(1);
      const before = resent();
      const { done } = await provoke({ signal: stop.signal, connections: 40, seconds: 30 });
      await until(2);
      await done;
      await delay(3000);
      const after = resent();
      stop.abort();
      await ended;
      const polled = sum('procfs', ({ n }) => n);
      const seen = sum('systemtap', ({ fields }) => (fields.err === 0 ? fields.segs : 0));
      const [byProcfs] = ledger.runs.values();
      const facts = JSON.stringify({ resent: after - before, polled, missed: byProcfs.missed, seen, runs: [...ledger.runs.values()] });
      console.log(`        ${facts}`);
      assert.deepEqual(ready, ['procfs', 'systemtap']);
      assert.ok(polled > 10 && seen > 10, facts);
      assert.ok(Math.abs(polled + byProcfs.missed + seen - (after - before)) <= 2, facts);
      assert.deepEqual(
        lost.filter(({ reason }) => reason === 'unwatched'),
        [],
      );
      assert.deepEqual(
        problems.map(({ code }) => code),
        ['ENGINE_TOOK_OVER'],
      );
      assert.deepEqual(ledger.imbalances(), []);
    },
  ],
];
