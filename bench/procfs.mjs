// npm run bench:procfs: processor time of Tapline on procfs with 1,000 TCP connections in its network namespace, at the default interval,
// everything included (the helper programs that it runs, the search for owners). Root only: it makes the namespace.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const connections = Number(process.env.BENCH_CONNECTIONS ?? 1000);
const seconds = Number(process.env.BENCH_SECONDS ?? 30);
const most = 1;
const namespace = `tlbench${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'tapline-bench-'));
const inside = (...words) => spawn('ip', ['netns', 'exec', namespace, ...words], { stdio: ['pipe', 'pipe', 'pipe'], cwd: folder });
const said = async (child, words) => {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  for (let tries = 0; !text.includes(words); tries++) {
    if (tries > 600 || child.exitCode !== null) throw new Error(`no "${words}" in: ${text}`);
    await delay(100);
  }
};
/** Ticks of 10 ms of a process and of its children that have ended. */
const ticks = (pid) =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 15)
    .reduce((sum, part) => sum + Number(part), 0);

/** Each sends a little twice a second, so that no two looks see the same. */
const sockets = `const net = require('node:net'); const all = [];
  net.createServer((s) => s.resume()).listen(7000, '127.0.0.1', () => {
    for (let i = 0; i < ${connections}; i++) net.connect(7000, '127.0.0.1', function () { if (all.push(this) === ${connections}) console.log('connected'); });
  });
  setInterval(() => all.forEach((s) => s.write('x')), 500);`;
let holder, tapline;
let failed = true;
try {
  execFileSync('ip', ['netns', 'add', namespace]);
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  holder = inside(process.execPath, '-e', sockets);
  await said(holder, 'connected');
  writeFileSync(
    join(folder, 'tapline.yaml'),
    JSON.stringify({ engine: 'procfs', rules: ['rules.yaml'], sinks: { out: { type: 'file', path: 'out.jsonl' } } }),
  );
  const rules = ['tcp.retransmit', 'tcp.rto_change'].map((goal) => ({ forward: goal, goal }));
  writeFileSync(join(folder, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'bench', rules }] }));
  tapline = inside(process.execPath, new URL('../dist/main.js', import.meta.url).pathname, 'run', '--config', join(folder, 'tapline.yaml'));
  await said(tapline, 'Ready');
  await delay(3000);
  const before = ticks(tapline.pid);
  await delay(seconds * 1000);
  const percent = (ticks(tapline.pid) - before) / seconds;
  failed = percent > most;
  console.log(`${connections} connections, both TCP goals, ${seconds} s: ${percent.toFixed(2)} % of one processor (at most ${most} %)`);
} finally {
  for (const child of [tapline, holder]) child?.kill('SIGINT');
  await delay(1500);
  holder?.kill('SIGKILL');
  execFileSync('ip', ['netns', 'del', namespace]);
  rmSync(folder, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
