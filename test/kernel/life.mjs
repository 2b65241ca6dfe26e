// The engine on a real kernel: records against the kernel's own counters, and what is left behind after each way to end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { addresses, makeNetLab } from './netns.mjs';
import { allModules, engine, host, modulesOf, watchModules } from './watching.mjs';

const loaded = () =>
  readFileSync('/proc/modules', 'latin1')
    .split('\n')
    .map((line) => line.split(' ')[0])
    .filter((name) => name.startsWith('tapline_'));
const sum = (records, field) => records.reduce((total, record) => total + (record.fields[field] ?? 0), 0);
const sumsClose = (ledger) => {
  for (const account of ledger.runs.values())
    assert.equal(account.emitted, account.decoded + account.broken + account.lost + account.inPipe, JSON.stringify(account));
};
/** The counters, when nothing in the namespace has been sent again for two seconds, and when that was. */
async function quiet(lab) {
  for (let last; ; await delay(2000)) {
    const atUs = Date.now() * 1000;
    const now = lab.nstat();
    if (last?.TcpRetransSegs === now.TcpRetransSegs && last.TcpExtTCPRetransFail === now.TcpExtTCPRetransFail) return { ...now, atUs };
    last = now;
  }
}
const connectionOf = (record) => `${record.fields.saddr} ${record.fields.sport}`;
const doubles = (steps) => steps.every((step, i) => i === 0 || step === 2 * steps[i - 1]);

export const kernelChecks = [
  [
    'the engine says that it can, and that the modules are compiled',
    async () => {
      const said = await engine.available(host);
      assert.equal(said.can, true, JSON.stringify(said));
      assert.equal(await engine.compiled(allModules, host), true);
    },
  ],
  [
    'established connections that lose their path, v4 and v6: timeouts double, sums equal nstat, SYNs included',
    async () => {
      const lab = makeNetLab();
      const watched = watchModules(modulesOf('tcp.retransmit', 'tcp.rto_change'));
      try {
        await watched.until('ready', () => watched.ready.length === 2);
        assert.deepEqual(
          loaded().sort(),
          modulesOf('tcp.retransmit', 'tcp.rto_change')
            .map((module) => module.name)
            .sort(),
        );
        const [a, b] = [await lab.peer(lab.a), await lab.peer(lab.b)];
        await b.listen(5000);
        const before = lab.nstat();
        await a.connect(addresses.b.v4, 5000);
        await a.connect(addresses.b.v6, 5000);
        await a.send(100);
        await delay(500);
        lab.cut();
        await a.send(1000);
        const changes = () => watched.of('tcp.rto_change').filter((record) => lab.own(record) && record.fields.dport === 5000);
        const byConnection = () => Map.groupBy(changes(), connectionOf);
        await watched.until(
          'five timeouts each',
          () => byConnection().size === 2 && [...byConnection().values()].every((each) => each.length >= 5),
          40_000,
        );
        // Answers nobody gives: SYNs into the dark.
        const c = await lab.peer(lab.a);
        await c.connect(addresses.b.v4, 5001, false);
        await watched.until('a SYN sent again', () => watched.of('tcp.retransmit').some((record) => record.fields.kind === 'SYN'), 20_000);
        lab.restore();
        await c.close();
        await a.close();
        const after = await quiet(lab);
        const records = watched.of('tcp.retransmit').filter((record) => lab.own(record) && record.timeUs < after.atUs);
        const grew = (name) => after[name] - before[name];
        const sent = records.filter((record) => record.fields.err === 0);
        const kind = (...kinds) => sent.filter((record) => kinds.includes(record.fields.kind));
        const numbers = {
          segs: [sum(sent, 'segs'), grew('TcpRetransSegs') - grew('TcpExtTCPRetransFail')],
          syn: [kind('SYN', 'SYNACK').length, grew('TcpExtTCPSynRetrans')],
          fast: [sum(kind('FAST'), 'segs'), grew('TcpExtTCPFastRetrans')],
          slowStart: [sum(kind('SLOW_START'), 'segs'), grew('TcpExtTCPSlowStartRetrans')],
        };
        console.log(
          `        records ${JSON.stringify(numbers)} (ours, the kernel's); RTO ${kind('RTO').length} of ${grew('TcpExtTCPTimeouts')} timeouts, TLP ${kind('TLP').length} of ${grew('TcpExtTCPLossProbes')} probes`,
        );
        for (const [name, [ours, kernels]] of Object.entries(numbers)) assert.equal(ours, kernels, name);
        assert.ok(numbers.segs[0] >= 10);
        assert.ok(kind('RTO').length <= grew('TcpExtTCPTimeouts'));
        assert.ok(kind('TLP').length <= grew('TcpExtTCPLossProbes'));
        const saddrs = new Set();
        for (const [connection, each] of byConnection()) {
          const steps = each.slice(0, 5).map((record) => record.fields.rto_ms);
          console.log(`        ${connection}: ${steps.join(' -> ')} ms, owner ${each[0].fields.comm} ${each[0].fields.pid}`);
          assert.ok(doubles(steps), String(steps));
          assert.equal(each[0].fields.rto_was_ms, undefined);
          for (let i = 1; i < 5; i++) assert.equal(each[i].fields.rto_was_ms, each[i - 1].fields.rto_ms);
          assert.ok(each.every((record) => record.fields.state === 'ESTABLISHED' || record.fields.state.startsWith('FIN')));
          saddrs.add(each[0].fields.saddr);
        }
        assert.deepEqual([...saddrs].sort(), [addresses.a.v4, addresses.a.v6].sort());
        const spread = records.map((record) => Math.abs(record.timeUs / 1000 - Date.now()));
        assert.ok(
          spread.every((ms) => ms < 120_000),
          'times are wall times',
        );
      } finally {
        await watched.end();
        lab.close();
      }
      sumsClose(watched.ledger);
      assert.deepEqual(loaded(), []);
      assert.deepEqual(watched.problems, []);
      assert.ok(watched.gone.every((signal) => signal.problem === undefined));
    },
  ],
  [
    'what this host fails to send again is told apart: with no carrier the sums still equal nstat',
    async () => {
      const lab = makeNetLab();
      const watched = watchModules(modulesOf('tcp.retransmit'));
      try {
        await watched.until('ready', () => watched.ready.length === 1);
        const [a, b] = [await lab.peer(lab.a), await lab.peer(lab.b)];
        await b.listen(5003);
        const before = lab.nstat();
        await a.connect(addresses.b.v4, 5003);
        await a.send(100);
        await delay(500);
        lab.carrier(false);
        await a.send(1000);
        const mine = () => watched.of('tcp.retransmit').filter((record) => lab.own(record));
        await watched.until('failed sends', () => mine().filter((record) => record.fields.err < 0).length >= 3, 40_000);
        const atUs = Date.now() * 1000;
        const after = lab.nstat();
        const grew = (name) => after[name] - before[name];
        await delay(1500);
        const until = mine().filter((record) => record.timeUs < atUs);
        const sent = until.filter((record) => record.fields.err === 0);
        console.log(
          `        sent ${sum(sent, 'segs')} of ${grew('TcpRetransSegs')} counted, of which ${grew('TcpExtTCPRetransFail')} failed; errors ${until.filter((record) => record.fields.err < 0).map((record) => record.fields.err)}`,
        );
        assert.equal(sum(sent, 'segs'), grew('TcpRetransSegs') - grew('TcpExtTCPRetransFail'));
      } finally {
        await watched.end();
        lab.close();
      }
      sumsClose(watched.ledger);
    },
  ],
  [
    'a listener that does not answer sends its SYN-ACK again',
    async () => {
      const lab = makeNetLab();
      const watched = watchModules(modulesOf('tcp.retransmit'));
      try {
        await watched.until('ready', () => watched.ready.length === 1);
        const [a, b] = [await lab.peer(lab.a), await lab.peer(lab.b)];
        await b.listen(5002);
        // a never answers the SYN-ACK: packets from b reach nobody.
        lab.run(lab.a, 'ip', ['route', 'add', 'blackhole', '198.18.0.99/32']);
        lab.run(lab.a, 'ip', ['addr', 'add', '198.18.0.99/32', 'dev', 'lo']);
        lab.run(lab.r, 'ip', ['route', 'add', 'blackhole', '198.18.0.99/32']);
        lab.run(lab.a, 'ip', ['route', 'replace', 'default', 'via', '198.18.0.1', 'src', '198.18.0.99']);
        const before = lab.nstat(lab.b);
        await a.connect(addresses.b.v4, 5002, false);
        const synacks = () => watched.of('tcp.retransmit').filter((record) => record.fields.kind === 'SYNACK');
        await watched.until('SYN-ACKs', () => synacks().length >= 2, 30_000);
        await a.close();
        const after = lab.nstat(lab.b);
        const [first] = synacks();
        console.log(
          `        ${synacks().length} SYN-ACKs, rto ${synacks()
            .map((record) => record.fields.rto_ms)
            .join(', ')} ms`,
        );
        assert.equal(first.fields.state, 'NEW_SYN_RECV');
        assert.equal(first.fields.sport, 5002);
        assert.equal(first.fields.daddr, '198.18.0.99');
        assert.ok(after.TcpExtTCPSynRetrans - before.TcpExtTCPSynRetrans <= synacks().length);
      } finally {
        await watched.end();
        lab.close();
      }
    },
  ],
  [
    'hostile names and paths come through byte for byte, long paths whole or marked; Tapline does not report itself',
    async () => {
      const watched = watchModules(modulesOf('syscall.open'));
      try {
        await watched.until('ready', () => watched.ready.length === 1);
        // Its parent ends at once, so that it is a child of init.
        spawn('sh', ['-c', 'node /job/hostile.mjs &'], { stdio: 'ignore' }).unref();
        const hostile = () => watched.of('syscall.open').filter((record) => record.fields.comm === '","rto_ms":1}\n{');
        await watched.until(
          'four paths',
          () => hostile().filter((record) => /^\/tmp\/(x|tab|d|e)/.test(record.fields.path)).length === 4,
          30_000,
        );
        const path = (start) => hostile().find((record) => record.fields.path.startsWith(start)).fields;
        assert.equal(path('/tmp/x').path, '/tmp/x","rto_ms":1} \n{"goal":"fake"');
        assert.equal(path('/tmp/tab').path, '/tmp/tab\there \\N \udcff\x01');
        assert.deepEqual([path('/tmp/x').ret, path('/tmp/x').path_cut], [-2, false]);
        const long = '/tmp/' + 'd/'.repeat(2040) + 'end';
        assert.deepEqual([path('/tmp/d').path, path('/tmp/d').path_cut], [long, false]);
        const tooLong = path('/tmp/e');
        assert.deepEqual([tooLong.path_cut, tooLong.ret], [true, -36]);
        assert.ok(tooLong.path.length > 4096);
        assert.ok(watched.of('syscall.open').every((record) => record.fields.pid !== process.pid));
      } finally {
        await watched.end();
      }
      sumsClose(watched.ledger);
      assert.deepEqual(loaded(), []);
    },
  ],
  [
    'after kill -9 of staprun the module is removed, the loss is told and a new run becomes ready',
    async () => {
      const watched = watchModules(modulesOf('tcp.rto_change'));
      await watched.until('ready', () => watched.ready.length === 1);
      const [name] = loaded();
      const { loader } = JSON.parse(readFileSync(`/root/.cache/tapline/systemtap/loaded/${name}.json`, 'utf8'));
      process.kill(loader.pid, 'SIGKILL');
      await watched.until('ready again', () => watched.ready.length === 2, 40_000);
      assert.equal(watched.gone[0].problem.code, 'ENGINE_FAILED');
      assert.deepEqual(loaded(), [name]);
      await watched.end();
      assert.deepEqual(loaded(), []);
    },
  ],
  [
    'what a killed Tapline left is taken out at the next start, and told',
    async () => {
      const killed = spawn(process.execPath, ['/job/watching.mjs', 'tcp.rto_change'], { stdio: ['ignore', 'pipe', 'inherit'] });
      await Promise.race([once(killed.stdout, 'data'), once(killed, 'exit').then(() => assert.fail('it ended'))]);
      killed.removeAllListeners('exit');
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      assert.equal(loaded().length, 1);
      const watched = watchModules(modulesOf('tcp.rto_change'));
      await watched.until('ready', () => watched.ready.length === 1, 40_000);
      assert.deepEqual(
        watched.problems.map(({ code }) => code),
        ['ENGINE_MODULE_SWEPT'],
      );
      await watched.end();
      assert.deepEqual(loaded(), []);
      assert.equal(existsSync('/root/.cache/tapline/systemtap/loaded'), true);
    },
  ],
  [
    'a module that somebody else runs is left alone, and told',
    async () => {
      const other = spawn(process.execPath, ['/job/watching.mjs', 'tcp.rto_change'], { stdio: ['ignore', 'pipe', 'inherit'] });
      await Promise.race([once(other.stdout, 'data'), once(other, 'exit').then(() => assert.fail('it ended'))]);
      const watched = watchModules(modulesOf('tcp.rto_change'));
      await watched.until('told', () => watched.gone.length > 0 || watched.frames.some((frame) => frame.kind === 'end'), 40_000);
      assert.equal(watched.frames.find((frame) => frame.kind === 'end').problem.code, 'ENGINE_MODULE_BUSY');
      assert.equal(loaded().length, 1);
      await watched.end();
      assert.equal(loaded().length, 1);
      other.kill('SIGINT');
      await once(other, 'exit');
      for (let tries = 0; tries < 100 && loaded().length > 0; tries++) await delay(100);
      assert.deepEqual(loaded(), [], 'SIGTERM at exit takes it out');
    },
  ],
];
