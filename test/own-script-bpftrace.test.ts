import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import { generateModule } from '../src/generate/generate.ts';
import type { Module } from '../src/generate/module.ts';
import { loadScripts } from './lab/own-script.ts';
import { realHost, watch, type Watching } from './lab/watching.ts';
import { needs } from './needs.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function run(yaml: string, files: Record<string, string> = {}): Promise<Watching> {
  const { loaded, told } = loadScripts(yaml, { uid: 0, files });
  expect(told.filter((each) => each.includes('error'))).toEqual([]);
  if (!loaded.ok) throw new Error();
  const goals = [...loaded.value.catalogue.values()].filter(({ script }) => script !== undefined);
  const modules = await Promise.all(
    goals.map(async (goal): Promise<Module> => {
      const made = generateModule({ goal, rules: [], engine: 'bpftrace', facts: await bpftraceEngine.facts(realHost, []), pushdown: true });
      if (!made.ok) throw new Error(made.problems[0]?.message);
      return made.value;
    }),
  );
  const watching = await watch(bpftraceEngine, modules);
  closing.push(() => watching.stop());
  return watching;
}

/** A copy of a program under that name; the kernel takes the first 15 bytes for comm. */
function programNamed(name: string, program = '/bin/cat'): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'tapline-named-'));
  copyFileSync(realpathSync(program), join(folder, name));
  chmodSync(join(folder, name), 0o755);
  return join(folder, name);
}
const of = (watching: Watching, goal: string) => watching.records.filter((record) => record.goal === goal).map((record) => record.fields);
test("bpftrace's own tools, unchanged: opens, execs and signals of this very test", { timeout: 60_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const watching = await run(
    `  my.opens: { script: /usr/sbin/opensnoop.bt, trusted: true, pattern: '{pid:int} {comm:text:16} {fd:int} {err:int} {path}', ignore: ['Tracing {}', 'PID {}'], fields: { fd: { unknown: '-1' } }, key: [comm] }
  my.execs: { script: /usr/sbin/execsnoop.bt, trusted: true, pattern: '{ms:int} {pid:int} {args}', ignore: ['TIME{}'] }
  my.kills: { script: /usr/sbin/killsnoop.bt, trusted: true, pattern: '{clock:word} {pid:int} {comm:text:16} {signal:int} {to:int} {result:int}', ignore: ['Tracing {}', 'TIME {}'] }
`,
  );
  const name = programNamed('opener');
  const path = join(mkdtempSync(join(tmpdir(), 'tapline-opened-')), 'file with blanks');
  writeFileSync(path, '');
  const running = promisify(execFile)(name, [path, '/nonexistent']);
  const pid = running.child.pid;
  await running.catch(() => undefined);
  const victim = execFile('sleep', ['30']);
  process.kill(victim.pid ?? 0, 'SIGUSR1');
  const mine = (goal: string, of: number | undefined) =>
    watching.records.filter((record) => record.goal === goal && record.fields['pid'] === of).map((record) => record.fields);
  const named = () => mine('my.opens', pid).filter((fields) => fields['path'] === path || fields['path'] === '/nonexistent');
  await watching.until(
    () => named().length === 2 && mine('my.execs', pid).length > 0 && mine('my.kills', process.pid).length > 0,
    'opens, execs and signals',
  );
  expect(named()).toEqual([
    { pid, comm: 'opener', fd: 3, err: 0, path },
    { pid, comm: 'opener', err: 2, path: '/nonexistent' },
  ]);
  expect(mine('my.execs', pid)).toContainEqual(expect.objectContaining({ args: `${name} ${path} /nonexistent` }));
  expect(mine('my.kills', process.pid)).toContainEqual(expect.objectContaining({ signal: 10, to: victim.pid, result: 0 }));
  await watching.stop();
  expect(watching.ledger.imbalances()).toEqual([]);
  for (const account of watching.ledger.runs.values()) expect(account).toMatchObject({ lost: 0, inPipe: 0 });
  expect(watching.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('a process named like another line is one record with that name', { timeout: 60_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const watching = await run(`  seed.open: { script: open.bt, trusted: true, pattern: '{comm}({pid:int}) open', key: [comm] }\n`, {
    'open.bt': 'tracepoint:syscalls:sys_enter_openat { printf("%s(%d) open\\n", comm, pid); }\n',
  });
  const running = promisify(execFile)(programNamed('a(1) open'), ['/dev/null']);
  const pid = running.child.pid;
  await running;
  execFileSync(programNamed('{"m:5"}'), ['/dev/null']);
  await watching.until(() => of(watching, 'seed.open').some(({ comm }) => comm === '{"m:5"}'), 'the second name');
  expect(of(watching, 'seed.open')).toContainEqual({ comm: 'a(1) open', pid });
  expect(of(watching, 'seed.open')).toContainEqual(expect.objectContaining({ comm: '{"m:5"}' }));
  expect(of(watching, 'seed.open').filter(({ comm }) => comm === 'a')).toEqual([]);
});

test('JSON lines, with the time of the event from the line; maps printed each second', { timeout: 60_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const watching = await run(
    `  my.json: { script: json.bt, trusted: true, json: true, clock: kernel, fields: { at: time_ns, pid: int, ret: int }, key: [pid] }
  my.counts: { script: counts.bt, trusted: true, args: [1], pattern: '@opens[{comm}]: {count:int}' }
`,
    {
      'json.bt':
        'tracepoint:syscalls:sys_exit_openat /comm == "jsoner"/ { printf("{\\"at\\":%llu,\\"pid\\":%d,\\"ret\\":%d}\\n", nsecs, pid, args->ret); }\n',
      'counts.bt':
        'tracepoint:syscalls:sys_enter_openat /comm == "jsoner"/ { @opens[comm] = count(); } interval:s:1 { if ($1 == 1) { print(@opens); clear(@opens); } }\n',
    },
  );
  const before = Date.now() * 1000;
  await promisify(execFile)(programNamed('jsoner'), ['/nonexistent']).catch(() => undefined);
  const after = Date.now() * 1000;
  await watching.until(
    ({ records }) => records.some(({ fields }) => fields['ret'] === -2) && of(watching, 'my.counts').length > 0,
    'an open in JSON, and a count',
  );
  const found = watching.records.find(({ goal, fields }) => goal === 'my.json' && fields['ret'] === -2);
  expect(found?.timeUs).toBeGreaterThanOrEqual(before - (found?.timeErrorUs ?? 0));
  expect(found?.timeUs).toBeLessThanOrEqual(after + (found?.timeErrorUs ?? 0));
  expect(found?.timeErrorUs).toBeLessThan(50_000);
  expect(of(watching, 'my.counts')[0]).toMatchObject({ comm: 'jsoner' });
});

test('a script that bpftrace does not accept is told at its place and not started again', { timeout: 60_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  await expect(
    run(`  bad: { script: bad.bt, trusted: true, pattern: '{n:int}' }\n`, { 'bad.bt': '// one\nBEGIN { printf("%d\\n", $x); }\n' }),
  ).rejects.toThrow(/ENGINE_SCRIPT_WRONG.*bad\.bt","line":2,"column":24/);
});

test('a script that ends by itself is started again; that is told once', { timeout: 60_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const watching = await run(`  my.report: { script: report.bt, trusted: true, pattern: 'seconds {n:int}' }\n`, {
    'report.bt': 'interval:s:1 { printf("seconds %d\\n", 1); exit(); }\n',
  });
  await watching.until(({ records }) => records.length >= 2, 'two reports');
  expect(watching.problems.map(({ code }) => code)).toEqual(['ENGINE_SCRIPT_ENDED']);
  await watching.stop();
  await delay(100);
  expect(watching.ledger.imbalances()).toEqual([]);
});
