import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Goal } from '../../goals/goal.ts';
import type { Module } from '../../generate/module.ts';
import { spawnInGroup } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import type { Frame } from '../frame.ts';
import { kernelObject } from '../../../test/lab/kernel-object.ts';
import { systemtapEngine } from './index.ts';

// Programs that stand in for stap, nice and staprun: they leave the same traces in /proc (here a folder) and understand the
// same signals. What the real ones do on a real kernel is tested by npm run test:kernel.
let root: string;
const at = (...path: string[]) => join(root, ...path);
const mode = (name: string, value: string) => writeFileSync(at('mode', name), value);
const log = () => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8').trim().split('\n') : []);
const modules = () => readFileSync(at('proc/modules'), 'utf8');

const stap = `if [ "$1" = --version ]; then echo 'Systemtap translator/driver (version 5.6/0.196)' >&2; exit; fi
echo stap "$@" >> ROOT/log
if [ -e ROOT/mode/compile ]; then cat ROOT/mode/compile >&2; exit 1; fi
while [ "$1" != -m ]; do shift; done
cp ROOT/made.ko "$2.ko"
chmod 666 "$2.ko"`;
const staprun = `if [ "$1" = -d ]; then
  echo "unload $2" >> ROOT/log
  [ -e ROOT/mode/stuck ] || : > ROOT/proc/modules
  exit 0
fi
name=$(basename "$1" .ko)
echo "run $name $2" >> ROOT/log
if [ -e ROOT/mode/refuse ]; then cat ROOT/mode/refuse >&2; rm ROOT/mode/refuse; exit 1; fi
echo "$name 1 1 - Live 0x0" > ROOT/proc/modules
mkdir -p "ROOT/proc/systemtap/$name"
: > "ROOT/proc/systemtap/$name/mark"
trap 'printf "e\\t9\\t0\\t0\\t0\\t0\\t0\\t0\\n"; : > ROOT/proc/modules; exit 0' INT TERM
[ -e ROOT/mode/mute ] || printf "m\\t1\\t1\\n"
while :; do [ -e ROOT/mode/quiet ] || printf "b\\t2\\t0\\t0\\t0\\t0\\t0\\t0\\n"; sleep 0.02; done`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tapline-stap-'));
  for (const folder of ['bin', 'mode', 'proc/sys/kernel/random', 'goals/test.goal', 'goals/lib'])
    mkdirSync(at(folder), { recursive: true });
  for (const [name, script] of Object.entries({ nice: 'shift 2; exec ROOT/bin/"$@"', stap, staprun })) {
    writeFileSync(at('bin', name), `#!/bin/sh\n${script.replaceAll('ROOT', root)}\n`);
    chmodSync(at('bin', name), 0o755);
  }
  writeFileSync(at('proc/sys/kernel/osrelease'), '7.2.12-test\n');
  writeFileSync(at('proc/sys/kernel/random/boot_id'), 'boot\n');
  writeFileSync(at('proc/modules'), '');
  writeFileSync(at('made.ko'), kernelObject(module().name, '7.2.12-test'));
  writeFileSync(at('goals/lib/record.stp'), 'function tl_next_seq:long() { return 1 }');
  writeFileSync(at('goals/lib/other.stp'), 'function tl_other:long() { return 2 }');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const goal = (): Goal => ({
  id: 'test.goal',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  fields: [],
  key: [],
  engines: { systemtap: { fidelity: 'event', unknown: [], push: [] } },
  folder: at('goals/test.goal'),
});
const module = (): Module => ({
  id: '0123456789ab',
  name: 'tapline_test_goal_0123456789ab',
  goal: goal(),
  engine: 'systemtap',
  source: '// generated\n//@stap -DMAXSTRINGLEN=4352\nprobe begin { tl_next_seq() }\n',
  rules: [],
  pushdown: [],
});
const host = (): EngineHost => ({
  spawn: (command, args, options) => spawnInGroup(at('bin', command), args, options),
  clock: { nowUs: () => 1 },
  proc: at('proc'),
  sys: at('sys'),
  hostname: 'h',
  uid: 0,
});
const engine = (more: Parameters<typeof systemtapEngine>[0] = {}) =>
  systemtapEngine({
    cacheDir: at('cache'),
    modulesDirs: [],
    places: { root: at('.'), path: [at('bin')] },
    restarts: { firstMs: 1, maxMs: 1, healthyMs: 60_000, attempts: 2 },
    ...more,
  });
const text = (frames: readonly Frame[]) =>
  frames.map((frame) => (frame.kind === 'lines' ? Buffer.from(frame.lines).toString() : '')).join('');
const codes = (frames: readonly Frame[]) =>
  frames.flatMap((frame) => ('problem' in frame && frame.problem ? [frame.problem.code] : [])).filter((code) => code !== 'ENGINE_COMPILED');

/** Runs until `enough`, then stops it; all frames. */
function watch(
  enough: (frames: readonly Frame[]) => boolean = () => false,
  more?: Parameters<typeof systemtapEngine>[0],
): Promise<readonly Frame[]> {
  const stop = new AbortController();
  const frames: Frame[] = [];
  return new Promise((resolve, reject) => {
    engine(more)
      .run([module()], host(), stop.signal)
      .subscribe({
        next: (some) => {
          frames.push(...some);
          if (enough(frames)) stop.abort();
        },
        error: reject,
        complete: () => resolve(frames),
      });
  });
}
const ready = (frames: readonly Frame[]) => text(frames).includes('m\t') && frames.some((frame) => frame.kind === 'marker');

test('compiles once, loads with its own pid, brings markers and lines, takes the module out and drains the goodbye', async () => {
  expect(await engine().compiled([module()], host())).toBe(false);
  const frames = await watch(ready);
  expect(frames.map(({ kind }) => kind).filter((kind, i, all) => kind !== all[i - 1])).toEqual(
    expect.arrayContaining(['notice', 'run', 'marker', 'lines', 'end']),
  );
  expect(codes(frames)).toEqual(['ENGINE_COMPILING']);
  expect(text(frames)).toMatch(/e\t9\t0.*\n$/);
  expect(frames.at(-1)).toMatchObject({ kind: 'end' });
  expect(modules()).toBe('');
  expect(log()[0]).toContain('-DMAXSTRINGLEN=4352');
  expect(log()[1]).toBe(`run ${module().name} tapline_pid=${process.pid}`);
  expect(await engine().compiled([module()], host())).toBe(true);
  expect(codes(await watch(ready))).toEqual([]);
  expect(log().filter((line) => line.startsWith('stap'))).toHaveLength(1);
});

test('a changed tapset, or another SystemTap, is another module', async () => {
  await watch(ready);
  appendFileSync(at('goals/lib/other.stp'), '// a file that it does not use');
  expect(await engine().compiled([module()], host())).toBe(true);
  appendFileSync(at('goals/lib/record.stp'), '// changed');
  expect(await engine().compiled([module()], host())).toBe(false);
  writeFileSync(at('goals/lib/record.stp'), 'function tl_next_seq:long() { return 1 }');
  expect(await engine().compiled([module()], host())).toBe(true);
  appendFileSync(at('bin/staprun'), '# another release\n');
  expect(await engine().compiled([module()], host())).toBe(false);
});

test('a module that does not compile ends its run with the reason, and is not tried again', async () => {
  mode('compile', 'semantic error: no match\n');
  const frames = await watch();
  expect(codes(frames)).toEqual(['ENGINE_COMPILING', 'ENGINE_COMPILE_FAILED']);
  expect(frames.at(-1)).toMatchObject({ kind: 'end', problem: { cause: 'semantic error: no match' } });
});

test('whatever goes wrong ends in a frame that says so, never in an error', async () => {
  rmSync(at('goals/lib'), { recursive: true });
  const frames = await watch();
  expect(codes(frames)).toEqual(['ENGINE_FAILED']);
  expect(frames.map(({ kind }) => kind)).toEqual(['run', 'end']);
});

test('one that does not answer in time, or falls silent, is ended, told, started again, and at last given up', async () => {
  const quick = { readyMs: 50, knockMs: 10, turnMs: 20, silentTurns: 3 };
  mode('mute', '');
  expect(codes(await watch(undefined, { timing: quick }))).toEqual([
    'ENGINE_COMPILING',
    'ENGINE_NOT_READY',
    'ENGINE_NOT_READY',
    'ENGINE_GAVE_UP',
  ]);
  rmSync(at('mode/mute'));
  mode('quiet', '');
  expect(codes(await watch(undefined, { timing: { ...quick, readyMs: 10_000 } }))).toEqual([
    'ENGINE_SILENT',
    'ENGINE_SILENT',
    'ENGINE_GAVE_UP',
  ]);
  expect(modules()).toBe('');
});

test('one that was killed leaves its module: it is taken out before the next run', async () => {
  let killed = false;
  const frames = await watch((seen) => {
    if (!killed && ready(seen)) {
      killed = true;
      const pid =
        log().length > 0
          ? (JSON.parse(readFileSync(at(`cache/loaded/${module().name}.json`), 'utf8')) as { loader: { pid: number } }).loader.pid
          : 0;
      process.kill(-pid, 'SIGKILL');
    }
    return (
      seen.filter((frame) => frame.kind === 'run').length === 2 && ready(seen.slice(seen.findLastIndex((frame) => frame.kind === 'run')))
    );
  });
  expect(codes(frames)).toEqual(['ENGINE_COMPILING', 'ENGINE_FAILED']);
  expect(log().filter((line) => line.startsWith('unload'))).toEqual([`unload ${module().name}`]);
});

test('one that does not fit the kernel is compiled again; one that is refused, or run by somebody else, is told', async () => {
  await watch(ready);
  mode('refuse', "ERROR: Couldn't insert module 'x': Invalid module format\n");
  expect(codes(await watch(ready))).toEqual(['ENGINE_MODULE_UNFIT', 'ENGINE_COMPILING']);
  mode('refuse', "ERROR: Couldn't insert module 'x': Operation not permitted\n");
  expect(codes(await watch())).toEqual(['ENGINE_MODULE_REFUSED', 'ENGINE_GAVE_UP']);
  mode('refuse', "ERROR: Couldn't insert module 'x': File exists\n");
  expect(codes(await watch(ready))).toEqual(['ENGINE_MODULE_BUSY']);
});

test('at the start: what a dead Tapline of this install left goes, what a living one runs or somebody else loaded stays', async () => {
  const left = (name: string, started: string) => {
    mkdirSync(at('cache/loaded'), { recursive: true });
    writeFileSync(at(`cache/loaded/${name}.json`), JSON.stringify({ tapline: { pid: 77, started }, loader: { pid: 78, started: '1' } }));
    writeFileSync(at('proc/modules'), `${name} 1 1 - Live 0x0\ntapline_not_ours 1 1 - Live 0x0\n`);
  };
  mkdirSync(at('proc/77'), { recursive: true });
  writeFileSync(at('proc/77/stat'), `77 (a ) b) S ${'0 '.repeat(18)}4711 0\n`);
  left('tapline_old_1', '4711');
  mode('refuse', 'ERROR: none\n');
  await watch(ready);
  expect(log().filter((line) => line.startsWith('unload'))).toEqual([]);
  left('tapline_old_1', '4712');
  mode('stuck', '');
  expect(codes(await watch(ready))).toContain('ENGINE_MODULE_LEFT');
  left('tapline_old_1', '4712');
  rmSync(at('mode/stuck'));
  expect(codes(await watch(ready))).toContain('ENGINE_MODULE_SWEPT');
  expect(new Set(log().filter((line) => line.startsWith('unload')))).toEqual(new Set(['unload tapline_old_1']));
});
