import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import { generateModule } from '../src/generate/generate.ts';
import type { Field, Goal } from '../src/goals/goal.ts';
import { goalWith } from '../src/goals/parameters.ts';
import { factsHere } from './lab/goals.ts';
import { watch, type Watching } from './lab/watching.ts';
import { needs } from './needs.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const field = (name: string, type: Field['type'], optional = false): Field => ({ name, type, optional, description: '' });
const folder = mkdtempSync(join(tmpdir(), 'tapline-goal-'));

/** Bytes that each process writes to file descriptor 27, by process and interval. */
const goal: Goal = {
  id: 'test.writes',
  title: 'Writes',
  description: '',
  symptoms: [],
  cost: '',
  fields: [
    field('pid', 'int'),
    field('comm', 'text'),
    field('calls', 'int'),
    field('bytes', 'int'),
    field('most', 'int'),
    field('mean', 'int'),
    field('interval_ms', 'int'),
  ],
  key: ['host', 'pid', 'comm'],
  engines: { bpftrace: { template: 'probe.bt', fidelity: 'event', unknown: [], push: ['pid'] } },
  cannot: {},
  folder,
  parameters: [{ name: 'interval', type: 'duration', default: 1000, min: 100, max: 60_000, description: '' }],
  interval: { key: ['pid', 'comm'], values: { calls: 'count', bytes: 'sum', most: 'max', mean: 'avg' } },
};
const template = `{{header}}
{{report}}
tracepoint:syscalls:sys_enter_pwrite64 /args->fd == 27/ {
  $pid = (int64)pid;
  $bytes = (int64)args->count;
  $most = $bytes;
  $mean = $bytes;
  if ({{filter}}) {
  {{add (int64)pid, comm}}
  } else {
    {{reject}};
  }
}
{{flush}}
`;

writeFileSync(join(folder, 'probe.bt'), template);

async function watched(asked: Goal): Promise<Watching> {
  const module = generateModule({ goal: asked, rules: [], engine: 'bpftrace', facts: await factsHere(goal), pushdown: true });
  if (!module.ok) throw new Error(module.problems.map(({ message }) => message).join(' '));
  const watching = await watch(bpftraceEngine, [module.value]);
  closing.push(() => watching.stop());
  return watching;
}

/** Writes these numbers of bytes, one call each, from a process of a name that a map's key text has to survive. */
async function write(sizes: readonly number[], everyMs = 0): Promise<number> {
  const program = `process.title = 'a,"b\\\\,c'; const fs = require('fs');
    const fd = fs.openSync('/dev/null', 'w');
    const dup = []; let at = fd; while (at < 27) { at = fs.openSync('/dev/null', 'w'); dup.push(at); }
    (async () => { for (const n of ${JSON.stringify(sizes)}) { fs.writeSync(27, Buffer.alloc(n), 0, n, 0); await new Promise((r) => setTimeout(r, ${everyMs})); } })();`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit'] });
  closing.push(() => child.kill('SIGKILL'));
  await once(child, 'exit');
  return child.pid ?? 0;
}

const sum = (watching: Watching, pid: number, name: string) =>
  watching.records.filter(({ fields }) => fields['pid'] === pid).reduce((total, { fields }) => total + Number(fields[name]), 0);

test('an interval goal sums up in the kernel: nothing is missing, the last interval neither', { timeout: 60_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const watching = await watched(goal);
  const sizes = Array.from({ length: 40 }, (_, i) => 1 + i);
  const pid = await write(sizes, 50);
  const last = await write([7, 9]);
  await watching.stop();
  expect(sum(watching, pid, 'calls')).toBe(40);
  expect(sum(watching, pid, 'bytes')).toBe(820);
  const own = watching.records.filter(({ fields }) => fields['pid'] === pid);
  expect(own.length, 'one record an interval').toBeGreaterThan(1);
  expect(own.length, 'one record an interval').toBeLessThan(8);
  expect(new Set(own.map(({ fields }) => fields['comm']))).toEqual(new Set(['a,"b\\,c']));
  expect(Math.max(...own.map(({ fields }) => Number(fields['most'])))).toBe(40);
  for (const { fields } of own.slice(0, -1)) {
    expect(fields['interval_ms']).toBeGreaterThan(900);
    expect(fields['interval_ms']).toBeLessThan(1500);
  }
  expect(
    watching.records
      .filter(({ fields }) => fields['pid'] === last)
      .map(({ fields }) => [fields['calls'], fields['bytes'], fields['most'], fields['mean']]),
  ).toEqual([[2, 16, 9, 8]]);
  for (const account of watching.ledger.runs.values())
    expect(account.emitted).toBe(account.decoded + account.broken + account.lost + account.inPipe);
  expect(watching.problems).toEqual([]);
});

test('asked with another interval it is another module, whose lines are its own', { timeout: 60_000 }, async (context) => {
  needs(context, 'root', 'bpftrace');
  const asked = { text: 'interval=300', values: new Map([['interval', 300]]) };
  const watching = await watched(goalWith(goal, asked));
  const pid = await write(
    Array.from({ length: 30 }, () => 2),
    50,
  );
  await watching.stop();
  expect(sum(watching, pid, 'bytes')).toBe(60);
  expect(watching.records.filter(({ fields }) => fields['pid'] === pid).length).toBeGreaterThan(4);
  expect(watching.frames.flatMap((frame) => (frame.kind === 'run' ? [frame.run.with] : []))).toEqual(['interval=300']);
});
