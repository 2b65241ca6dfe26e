// What goes wrong with a loaded module, made to go wrong for real: killed at any moment, overloaded, stopped, contended, too
// small. Nothing may stay in the kernel, and nothing that was lost may go untold.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { addresses, makeNetLab } from './netns.mjs';
import { modulesOf, patientEngine, variant, watchModules as watch } from './watching.mjs';

const claims = '/root/.cache/tapline/systemtap/loaded';
const loaded = () =>
  readFileSync('/proc/modules', 'latin1')
    .split('\n')
    .map((line) => line.split(' ')[0])
    .filter((name) => name.startsWith('tapline_'));
/** Pids of staprun and stapio, by what they were started with. */
const loaders = () =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return /(^|\/)(staprun|stapio)\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      } catch {
        return false;
      }
    })
    .map(Number);
const claimed = () => (existsSync(claims) ? readdirSync(claims) : []);
const soon = async (what, condition, ms = 30_000) => {
  for (const until = performance.now() + ms; !condition(); await delay(5)) assert.ok(performance.now() < until, `${what}: not in time`);
};
const lossOf = (watched, reason) =>
  watched.lost.filter((signal) => signal.reason === reason).reduce((sum, signal) => sum + signal.count, 0);
const sumsClose = (ledger) => {
  for (const account of ledger.runs.values())
    assert.equal(account.emitted, account.decoded + account.broken + account.lost + account.inPipe, JSON.stringify(account));
};
/** Runs whose check failed, too, are ended before the next one begins. */
const begun = [];
function watchModules(...given) {
  const watched = watch(...given);
  begun.push(watched);
  return watched;
}
const endAll = () => Promise.all(begun.splice(0).map((watched) => watched.end()));

/** Floods as a child of init, which is no relative of Tapline; resolves when it has ended. */
async function flood(...args) {
  const child = spawn('setsid', ['sh', '-c', `node /job/flood.mjs "$@" & wait`, 'sh', ...args.map(String)], { stdio: 'ignore' });
  await once(child, 'exit');
}

/** Starts Tapline's engine as a program of its own, and ends it the hard way as soon as the moment has come. */
async function killedAt(moment) {
  const child = spawn(process.execPath, ['/job/watching.mjs', 'tcp.rto_change'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let ready = false;
  child.stdout.on('data', () => (ready = true));
  await moment({ child, ready: () => ready });
  child.kill('SIGKILL');
  await exited;
}

/** The moments of a start at which something may die, and what dies with Tapline. */
const moments = {
  'before staprun has loaded anything': () => soon('a claim', () => claimed().length > 0),
  'while staprun loads': async () => {
    await soon('staprun', () => loaders().length > 0);
    await delay(50);
  },
  'when the module has come, before it is ready': () => soon('a module', () => loaded().length > 0),
  'when it is ready': ({ ready }) => soon('ready', ready),
  'when it is ready, and stapio with it': async ({ ready }) => {
    await soon('ready', ready);
    for (const pid of loaders()) process.kill(pid, 'SIGKILL');
  },
  'when it is ready, while stapio is stopped': async ({ ready }) => {
    await soon('ready', ready);
    for (const pid of loaders()) process.kill(pid, 'SIGSTOP');
  },
};

const checks = [
  ...Object.entries(moments).map(([name, moment]) => [
    `Tapline killed ${name}: the next start leaves no module and no loader`,
    async () => {
      await killedAt(moment);
      const left = [loaded().length, loaders().length];
      const watched = watchModules(modulesOf('tcp.rto_change'));
      await watched.until('ready', () => watched.ready.length === 1, 60_000);
      assert.equal(loaded().length, 1);
      assert.equal(loaders().length, 1);
      await watched.end();
      console.log(`        left behind: ${left[0]} modules, ${left[1]} loaders; told: ${watched.problems.map(({ code }) => code)}`);
      assert.deepEqual([loaded(), loaders(), claimed()], [[], [], []]);
    },
  ]),
  [
    'staprun killed while it loads: the module is taken out, and a new run becomes ready',
    async () => {
      const watched = watchModules(modulesOf('tcp.rto_change'));
      await soon('staprun', () => loaders().length > 0);
      for (const pid of loaders()) process.kill(pid, 'SIGKILL');
      await watched.until('ready', () => watched.ready.length === 1, 60_000);
      await watched.end();
      assert.deepEqual([loaded(), loaders(), claimed()], [[], [], []]);
    },
  ],
  [
    'stapio killed with records in its buffer: they are counted as lost, to the last one',
    async () => {
      const watched = watchModules(modulesOf('syscall.open'), patientEngine);
      await watched.until('ready', () => watched.ready.length === 1);
      const [loader] = loaders();
      process.kill(loader, 'SIGSTOP');
      await flood('/tmp/never-read', 300);
      process.kill(loader, 'SIGKILL');
      await watched.until('ready again', () => watched.ready.length === 2, 60_000);
      const [first] = watched.ledger.runs.values();
      console.log(`        ${JSON.stringify(first)}; lost: ${JSON.stringify(watched.lost.map(({ reason, count }) => [reason, count]))}`);
      assert.ok(lossOf(watched, 'hole') >= 300);
      assert.ok(lossOf(watched, 'hole') < 600, 'of other processes there are few');
      await watched.end();
      sumsClose(watched.ledger);
      assert.deepEqual(loaded(), []);
    },
  ],
  [
    'the buffer runs over: what was dropped is counted, and the rest comes',
    async () => {
      const watched = watchModules(modulesOf('syscall.open'), patientEngine);
      await watched.until('ready', () => watched.ready.length === 1);
      const [loader] = loaders();
      process.kill(loader, 'SIGSTOP');
      const path = `/tmp/${'x'.repeat(240)}/`.padEnd(4000, 'y/');
      const count = 12_000;
      // Slowly enough for SystemTap, which ends probes that take half of a processor's time.
      await flood(path, count, 100, 100);
      process.kill(loader, 'SIGCONT');
      const mine = () => watched.of('syscall.open').filter((record) => record.fields.path === path).length;
      await watched.until('losses told', () => lossOf(watched, 'hole') > 0, 60_000);
      const loss = () => lossOf(watched, 'hole');
      // What was being written when the buffer was full is cut: a broken line, counted as one.
      const broken = () => [...watched.ledger.runs.values()].reduce((sum, account) => sum + account.broken, 0);
      const told = () => `of ${count} opens ${mine()} came, ${loss()} records were lost and ${broken()} lines broken`;
      await watched
        .until('all that was numbered', () => mine() + loss() + broken() >= count, 60_000)
        .catch((error) => {
          throw new Error(told(), { cause: error });
        });
      console.log(`        ${told()}`);
      assert.ok(mine() > 0);
      await watched.end();
      sumsClose(watched.ledger);
      assert.deepEqual(loaded(), []);
    },
  ],
  [
    'probes that take too much time are ended by SystemTap: that is told as lost, and tried again',
    async () => {
      const watched = watchModules([variant('littleTime')]);
      await watched.until('ready', () => watched.ready.length === 1);
      void flood('/tmp/too-often', 60_000, 1000, 1);
      await watched.until('told', () => lossOf(watched, 'overload') > 0, 60_000);
      assert.equal(watched.gone[0].problem.code, 'ENGINE_OVERLOADED');
      await watched.end();
      console.log(
        `        ${watched.gone[0].problem.cause}; lost: ${JSON.stringify(watched.lost.map(({ reason, count }) => [reason, count]))}`,
      );
      sumsClose(watched.ledger);
      assert.deepEqual(loaded(), []);
    },
  ],
  [
    'a handler that does not get its lock is counted as skipped',
    async () => {
      const watched = watchModules([variant('contended')]);
      await watched.until('ready', () => watched.ready.length === 1);
      const count = 1500;
      await Promise.all([flood('/tmp/contended', count), flood('/tmp/contended', count)]);
      await watched.until('told', () => lossOf(watched, 'skipped') > 0, 20_000);
      const mine = () => watched.of('syscall.open').filter((record) => record.fields.path === '/tmp/contended').length;
      await watched.until('everything', () => mine() + lossOf(watched, 'skipped') + lossOf(watched, 'hole') >= 2 * count, 20_000);
      console.log(`        of ${2 * count} opens ${mine()} came, ${lossOf(watched, 'skipped')} hits were skipped`);
      await watched.end();
      sumsClose(watched.ledger);
    },
  ],
  [
    'a full map: how often is told, and a timeout that was forgotten is unknown, not 0',
    async () => {
      const lab = makeNetLab();
      const watched = watchModules([variant('smallMap')]);
      try {
        await watched.until('ready', () => watched.ready.length === 1);
        const [a, b] = [await lab.peer(lab.a), await lab.peer(lab.b)];
        await b.listen(5000);
        for (let i = 0; i < 5; i++) await a.connect(addresses.b.v4, 5000);
        await a.send(100);
        await delay(500);
        lab.cut();
        await a.send(1000);
        const mine = () => watched.of('tcp.rto_change').filter(lab.own);
        await watched.until('timeouts of all five', () => mine().length >= 15, 60_000);
        await watched.until('told', () => lossOf(watched, 'map_full') > 0, 20_000);
        const unknown = mine().filter((record) => record.fields.rto_was_ms === undefined).length;
        console.log(
          `        ${mine().length} records, ${unknown} of them with rto_was_ms unknown; map_full ${lossOf(watched, 'map_full')}`,
        );
        assert.ok(unknown > 5, 'more than the first of each connection');
        assert.ok(mine().every((record) => record.fields.rto_was_ms !== 0));
      } finally {
        await watched.end();
        lab.close();
      }
      assert.deepEqual(loaded(), []);
    },
  ],
];

export const supervisionChecks = checks.map(([name, check]) => [
  name,
  async () => {
    try {
      await check();
    } finally {
      await endAll();
    }
  },
]);
