// Scripts of SystemTap's own collection, unchanged, from where the package installs them, as `tapline run` runs them: real events,
// the records that come of them, and nothing left behind.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { addresses, makeNetLab } from './netns.mjs';

const loaded = () =>
  readFileSync('/proc/modules', 'latin1')
    .split('\n')
    .map((line) => line.split(' ')[0])
    .filter((name) => name.startsWith('tapline_'));

/** `tapline run` with these rule files; `provoke` gets a way to look at the records so far. Answers all of them, after it ended. */
async function watch(rules, provoke) {
  mkdirSync('/job/own', { recursive: true });
  const out = `/job/out/own-${rules[0].split('/').pop()}.jsonl`;
  writeFileSync('/job/own/tapline.yaml', JSON.stringify({ engine: 'systemtap', rules, sinks: { out: { type: 'file', path: out } } }));
  const tapline = spawn(process.execPath, ['tapline/dist/main.js', 'run', '--config', '/job/own/tapline.yaml'], {
    cwd: '/job',
    env: { ...process.env, TAPLINE_MODULES: '/job/modules' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [tapline.stdout, tapline.stderr]) stream.on('data', (chunk) => (said += chunk));
  const exited = once(tapline, 'exit');
  const records = (goal) =>
    (existsSync(out) ? readFileSync(out, 'utf8') : '')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line))
      .filter((item) => item.kind === 'record' && item.goal === goal)
      .map((item) => item.record.fields);
  const until = async (what, condition, ms = 60_000) => {
    for (const end = performance.now() + ms; !condition(); await delay(200))
      assert.ok(performance.now() < end && tapline.exitCode === null, `${what}: not in time\n${said}`);
  };
  try {
    await until('ready', () => said.includes('Ready'), 120_000);
    assert.equal(loaded().length, rules.length);
    await provoke({ records, until });
  } finally {
    tapline.kill('SIGINT');
    const [code] = await exited;
    console.log(said.replace(/^/gm, '        '));
    assert.equal(code, 0, said);
  }
  assert.deepEqual(loaded(), []);
  assert.ok(!said.includes('Does not add up'), said);
  return records;
}

/** Node's first thread is "node", or "MainThread", by its version. */
const self = readFileSync('/proc/self/comm', 'utf8').trim();
const example = (name) => `/job/tapline/rules/examples/${name}.yaml`;
const has = (records, wanted) =>
  assert.ok(
    records.some((record) => Object.entries(wanted).every(([name, value]) => record[name] === value)),
    `${JSON.stringify(wanted)} is not among ${JSON.stringify(records.slice(-20))}`,
  );
/** open(2), which no C library calls any more: system call 2 of x86-64. Answers the pid. */
const oldOpen = (path) => Number(execFileSync('perl', ['-e', `my $p = "${path}"; syscall(2, $p, 0); print $$;`], { encoding: 'utf8' }));
const debuginfo = existsSync('/job/with-debuginfo');

export const ownScriptChecks = existsSync('/job/own-scripts.json')
  ? [
      [
        'scripts of systemtap-doc, unchanged: processes',
        async () => {
          let opener, victim, killed, child;
          const records = await watch(
            ['seed.rules.yaml', ...['forktracker', 'sigkill', 'killsnoop-nd', 'execsnoop-nd'].map(example)].map((file) =>
              file.startsWith('/') ? file : `/job/config/${file}`,
            ),
            async ({ records, until }) => {
              opener = oldOpen('/etc/hostname');
              child = spawnSync('/bin/busybox', ['echo', 'two words', 'a']).pid;
              victim = spawn('sleep', ['60']);
              killed = spawn('sleep', ['60']);
              await delay(500);
              process.kill(victim.pid, 'SIGUSR1');
              process.kill(killed.pid, 'SIGKILL');
              await until('the open', () => records('seed.open').some(({ pid }) => pid === opener));
              await until('SIGKILL', () => records('stap.sigkill').length > 0);
              await until('the exec', () => records('stap.execsnoop').some(({ pid }) => pid === killed.pid));
            },
          );
          has(records('seed.open'), { comm: 'perl', pid: opener });
          has(records('stap.sigkill'), { victim: 'sleep', pid: killed.pid, by: self, uid: 0 });
          has(records('stap.killsnoop'), { comm: self, pid: process.pid, signal: 10, to: victim.pid });
          has(records('stap.execsnoop'), { comm: 'busybox', pid: child, ppid: process.pid, uid: 0 });
          has(records('stap.forktracker'), { comm: self, pid: process.pid, new_pid: killed.pid });
          assert.ok(
            records('stap.forktracker').some(({ path }) => path?.includes('sleep')),
            JSON.stringify(records('stap.forktracker').filter(({ path }) => path !== undefined)),
          );
        },
      ],
      [
        'scripts of systemtap-doc, unchanged: network',
        async () => {
          const server = createServer((socket) => socket.destroy()).listen(7001, '127.0.0.1');
          const lab = makeNetLab();
          const scripts = ['dropwatch', ...(debuginfo ? ['tcp_connections', 'tcp_retransmission'] : [])];
          if (!debuginfo) console.log('        without debug symbols in the lab: tcp_connections and tcp_retransmission are left out');
          try {
            const records = await watch(scripts.map(example), async ({ records, until }) => {
              const [a, b] = [await lab.peer(lab.a), await lab.peer(lab.b)];
              await b.listen(5000);
              await a.connect(addresses.b.v4, 5000);
              await a.connect(addresses.b.v6, 5000);
              await a.send(100);
              await delay(500);
              lab.cut();
              await a.send(1000);
              await once(connect(7001, '127.0.0.1'), 'close');
              connect(7002, '127.0.0.1').on('error', () => undefined);
              await until('drops', () => records('stap.dropwatch').length > 0);
              if (debuginfo)
                await until('four timeouts', () => records('stap.tcp_retransmission').filter((each) => each.dport === 5000).length >= 8);
            });
            assert.ok(records('stap.dropwatch').every(({ packets, where }) => packets > 0 && where !== ''));
            if (debuginfo) {
              has(records('stap.tcp_connections'), { comm: self, pid: process.pid, uid: 0, port: 7001, peer: '127.0.0.1' });
              for (const daddr of [addresses.b.v4, addresses.b.v6]) {
                const steps = records('stap.tcp_retransmission').filter((each) => each.daddr === daddr && each.state === 'TCP_ESTABLISHED');
                console.log(`        ${daddr}: ${steps.map(({ rto_was_ms, rto_ms }) => `${rto_was_ms ?? '-'} -> ${rto_ms}`).join(', ')}`);
                assert.ok(steps.length >= 4);
                steps
                  .slice(1)
                  .forEach((step, i) => assert.deepEqual([step.rto_was_ms, step.rto_ms], [steps[i].rto_ms, 2 * steps[i].rto_ms]));
              }
            }
          } finally {
            server.close();
            lab.close();
          }
        },
      ],
      [
        'scripts of systemtap-doc, unchanged: memory, I/O and system calls, tables told at the end among them',
        async () => {
          mkdirSync('/tmp/cgroup', { recursive: true });
          spawnSync('mount', ['-t', 'cgroup2', 'cgroup2', '/tmp/cgroup']);
          writeFileSync('/tmp/cgroup/cgroup.subtree_control', '+memory');
          mkdirSync('/tmp/cgroup/small', { recursive: true });
          writeFileSync('/tmp/cgroup/small/memory.max', String(16 << 20));
          const fill = 'echo 0 >/tmp/cgroup/small/cgroup.procs; exec dd if=/dev/zero of=/root/filled bs=1M count=64';
          const records = await watch(
            ['mmreclaim', 'iostats', 'biolatency-nd', 'syscalls_by_proc', 'topsys'].map(example),
            async ({ records, until }) => {
              oldOpen('/etc/hostname');
              spawnSync('sh', ['-c', fill]);
              spawnSync('sync');
              await until('latencies', () => records('stap.biolatency').some(({ requests }) => requests > 0));
              await until('frequent calls', () => records('stap.topsys').length > 0);
            },
          );
          has(records('stap.topsys'), { syscall: 'write' });
          assert.ok(records('stap.syscalls_by_proc').find(({ comm }) => comm === 'dd').calls >= 128);
          const dd = records('stap.iostats').find(({ comm }) => comm === 'dd');
          assert.deepEqual([dd.writes >= 64, dd.write_kb >= 65_536], [true, true], JSON.stringify(dd));
          assert.ok(records('stap.mmreclaim')[0].cgroup > 0, JSON.stringify(records('stap.mmreclaim')));
        },
      ],
    ]
  : [];
