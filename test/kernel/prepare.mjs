// Makes the job for the VM: Tapline as it is installed (dist/ and its production packages), the test programs, and the
// modules, generated here by Tapline's own generator and compiled in the lab's folder for the lab's kernel.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { modulesWanted } from '../lab/conformance-modules.mjs';
import { atOnce } from './at-once.mjs';
import { casesFor, only } from './cases.mjs';
import { catalogue } from './catalogue.mjs';
import { fuzzed, fuzzNames } from './fuzz.mjs';

const [lab, job] = process.argv.slice(2);
const root = join(import.meta.dirname, '../..');
const inside = join(root, 'test/lab/vm/inside.sh');
const { compile, compiledModules, moduleKey } = await import(join(root, 'dist/engine/systemtap/compile.js'));
const { CompileQueue } = await import(join(root, 'dist/engine/systemtap/queue.js'));
const { readManifest } = await import(join(root, 'dist/engine/systemtap/manifest.js'));
const { loaderId } = await import(join(root, 'dist/engine/systemtap/available.js'));
const { generateModule } = await import(join(root, 'dist/generate/generate.js'));
const { modulesOfProject } = await import('./project.mjs');
const { variants } = await import('./variants.mjs');

const tapline = join(job, 'tapline');
for (const part of ['dist', 'scripts-stp', 'rules', 'config', 'bench', 'package.json'])
  cpSync(join(root, part), join(tapline, part), { recursive: true });
const packages = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
});
for (const folder of packages.trim().split('\n').slice(1)) cpSync(folder, join(tapline, relative(root, folder)), { recursive: true });
for (const program of [
  'job.sh',
  'checks.mjs',
  'life.mjs',
  'supervision.mjs',
  'beside.mjs',
  'losses.mjs',
  'at-once.mjs',
  'flood.mjs',
  'take-over.mjs',
  'hostile.mjs',
  'watching.mjs',
  'commandline.mjs',
  'conformance.mjs',
  'cases.mjs',
  'own-scripts.mjs',
  'own-scripts-modules.mjs',
])
  cpSync(join(import.meta.dirname, program), join(job, program));
cpSync(join(import.meta.dirname, 'config'), join(job, 'config'), { recursive: true });
cpSync(join(root, 'test/conformance'), join(job, 'conformance'), { recursive: true });
cpSync(join(root, 'test/lab/peer.mjs'), join(job, 'peer.mjs'));
mkdirSync(join(job, 'lab'));
for (const program of ['conformance-engine.mjs', 'conformance-modules.mjs', 'losses.mjs'])
  cpSync(join(root, 'test/lab', program), join(job, 'lab', program));
const transpile = (from, to) => {
  const compilerOptions = { target: 'es2023', module: 'esnext' };
  writeFileSync(to, ts.transpileModule(readFileSync(join(root, from), 'utf8'), { compilerOptions }).outputText);
};
transpile('test/lab/netns.ts', join(job, 'netns.mjs'));
transpile('test/lab/conformance.ts', join(job, 'lab/conformance.mjs'));

const kernel = readFileSync(join(lab, 'kernel'), 'utf8').trim();
const loader = loaderId({ libModules: '', path: [join(lab, 'root/usr/bin')] });
const facts = { hz: 0, kernel, tracepoints: new Map(), engineVersion: '' };
const everyGoal = catalogue(join(root, 'scripts-stp'));
writeFileSync(join(job, 'goals.json'), JSON.stringify(everyGoal));
const bench = process.env.BENCH === '1';
const chosen = bench ? [] : process.env.GOALS?.split(',');
const goals = everyGoal.filter(
  (goal) => goal.engines.systemtap?.template !== undefined && only === '' && chosen?.includes(goal.id) !== false,
);
const all = goals.map((goal) => {
  const module = generateModule({ goal, rules: [], engine: 'systemtap', facts, pushdown: true });
  if (!module.ok) throw new Error(JSON.stringify(module.problems));
  return module.value;
});
const engineOnly = process.env.ENGINE_ONLY === '1' || only !== '' || chosen !== undefined;
const ofProject = engineOnly ? [] : await modulesOfProject(root, facts);
if (engineOnly) writeFileSync(join(job, 'engine-only'), '');
if (only !== '') writeFileSync(join(job, 'only'), only);
if (process.env.CHECKS) writeFileSync(join(job, 'checks'), process.env.CHECKS);

const conformance = await import(join(job, 'lab/conformance.mjs'));
const byId = new Map(everyGoal.map((goal) => [goal.id, goal]));
const stand = { name: 'systemtap', available: async () => ({ can: true, summary: '', limits: [] }), facts: async () => facts };
const ofCases = {};
for (const cases of chosen ? [] : (await casesFor(join(root, 'test/conformance'), byId, 'systemtap', conformance)).asked)
  for (const batch of conformance.batchesOf(cases)) {
    const { modules, problems } = await modulesWanted(root, stand, conformance.wantedBy(batch), {});
    for (const problem of problems) console.error(`lab: ${JSON.stringify(problem)}`);
    ofCases[JSON.stringify(conformance.wantedBy(batch))] = modules;
  }
writeFileSync(join(job, 'conformance.json'), JSON.stringify(ofCases));

// Scripts of SystemTap's own collection are read where they are installed: in the lab. Those that need debug symbols wait for them.
const ownScripts = [];
if (only === '' && chosen === undefined) {
  execFileSync(inside, [lab, job, 'node', 'own-scripts-modules.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const symbols = existsSync(join(lab, 'root/usr/lib/debug/lib/modules', kernel, 'vmlinux'));
  if (symbols) writeFileSync(join(job, 'with-debuginfo'), '');
  for (const module of JSON.parse(readFileSync(join(job, 'own-scripts.json'), 'utf8')))
    if (symbols || !module.goal.script.needsDebuginfo) {
      const script = { ...module.goal.script, library: join(root, 'scripts-stp/lib') };
      ownScripts.push({ ...module, goal: { ...module.goal, script } });
    }
}

let ofBench = [];
if (bench) {
  const { benchModules } = await import(join(root, 'bench/probes-modules.mjs'));
  const made = benchModules(byId.get('syscall.open'), 'systemtap', facts);
  ofBench = [...Object.values(made.compared), made.own];
  writeFileSync(join(job, 'bench.json'), JSON.stringify(made));
}
const worse = only === '' && !bench ? variants(all) : {};
const target = { kernel, loader, stap: '', cacheDir: join(lab, 'modules'), modulesDirs: [] };
const host = { spawn: (command, args, { cwd }) => spawn(inside, [lab, cwd, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }) };
const queue = new CompileQueue(2);
const compiling = { host, queue, ends: new AbortController().signal, onProgress: (problem) => console.error(`lab: ${problem.message}`) };
await Promise.all(
  [
    ...new Map(
      [...all, ...ofProject, ...Object.values(ofCases).flat(), ...ownScripts, ...ofBench, ...Object.values(worse)].map((module) => [
        module.name,
        module,
      ]),
    ).values(),
  ].map(async (module) => {
    const kept = compiledModules(module, target).find((file) => readManifest(file) !== undefined);
    const file = kept === undefined ? await compile(module, target, compiling) : { ok: true, value: kept };
    if (!file.ok) {
      console.error(`lab: ${JSON.stringify(file.problems, null, 1)}`);
      console.log('0 passed, 1 failed');
      process.exit(1);
    }
    const to = join(job, 'modules', kernel, moduleKey(module, target));
    mkdirSync(to, { recursive: true });
    cpSync(dirname(file.value), to, { recursive: true });
  }),
);
const checks = new RegExp(process.env.CHECKS ?? '');
const before =
  only === '' && !bench && (process.env.CHECKS === undefined || checks.test(fuzzNames))
    ? await fuzzed({ root, lab, inside, kernel, goals: everyGoal, facts, generateModule })
    : [];
writeFileSync(join(job, 'before.json'), JSON.stringify(before));
// The well-known script, from where its package installs it: its probe on a function needs the kernel's debug symbols.
const beside = join(job, 'beside');
mkdirSync(beside);
const keptScript = join(lab, 'modules', kernel, 'tcp_retransmission.ko');
if (!existsSync(join(lab, 'root/usr/lib/debug/lib/modules', kernel, 'vmlinux')))
  writeFileSync(join(beside, 'skipped'), "needs the kernel's debug symbols: test/lab/vm/debug-symbols.sh");
else {
  if (!existsSync(keptScript)) {
    const script = '/usr/share/systemtap/examples/network/tcp_retransmission.stp';
    execFileSync(inside, [lab, beside, 'stap', '-p4', '-r', kernel, '-m', 'tcp_retransmission', script], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    cpSync(join(beside, 'tcp_retransmission.ko'), keptScript);
  }
  cpSync(keptScript, join(beside, 'tcp_retransmission.ko'));
}
// The golden sources have filters in them, which the compiler has to understand.
const golden = join(job, 'golden');
cpSync(join(root, 'test/golden/modules'), golden, { recursive: true });
cpSync(join(root, 'scripts-stp/lib'), join(golden, 'lib'), { recursive: true });
const sources = only === '' && chosen === undefined ? readdirSync(golden).filter((name) => name.endsWith('.stp')) : [];
await atOnce(2, sources, (file) => promisify(execFile)(inside, [lab, golden, 'stap', '-w', '-p2', '-r', kernel, '-I', 'lib', file]));
writeFileSync(join(job, 'modules.json'), JSON.stringify(all));
writeFileSync(join(job, 'variants.json'), JSON.stringify(worse));
