import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateModule } from '../src/generate/generate.ts';
import type { HostFacts } from '../src/generate/module.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import { parseWhere } from '../src/rules/cel.ts';
import type { Rule } from '../src/rules/rule.ts';

const goals = loadGoals(join(import.meta.dirname, '../scripts-stp'));
if (!goals.ok) throw new Error(JSON.stringify(goals.problems));

const oomFields = ['comm', 'total_vm', 'anon_rss', 'file_rss', 'shmem_rss', 'uid', 'pgtables', 'oom_score_adj'];
const fields: Readonly<Record<string, readonly string[]>> = { 'oom:mark_victim': oomFields };
/** A kernel that has every tracepoint that the templates name, but for these. */
const factsWithout = (...missing: string[]): HostFacts => {
  const names = [
    'syscalls:sys_enter_getpriority',
    'sched:sched_process_exit',
    'oom:mark_victim',
    ...['direct', 'memcg'].flatMap((kind) => ['begin', 'end'].map((when) => `vmscan:mm_vmscan_${kind}_reclaim_${when}`)),
    ...['brk', 'mmap', 'mremap'].flatMap((call) => ['enter', 'exit'].map((when) => `syscalls:sys_${when}_${call}`)),
    ...['user', 'kernel'].map((mode) => `exceptions:page_fault_${mode}`),
    ...['rq_issue', 'rq_complete', 'rq_error', 'io_start'].map((name) => `block:block_${name}`),
  ];
  const there = names.filter((name) => !missing.includes(name));
  return {
    hz: 250,
    kernel: '6.18.0',
    engineVersion: '0',
    tracepoints: new Map(there.map((name) => [name, new Set(fields[name] ?? [])])),
  };
};

function ruleOn(goal: string, text: string): Rule {
  const parsed = parseWhere(text);
  if (!parsed.ok) throw new Error(text);
  const place = { file: 'r.yaml', line: 1, column: 1 };
  return {
    kind: 'forward',
    name: `on-${goal}`,
    group: 'g',
    goal,
    by: [],
    labels: {},
    to: ['x'],
    place,
    where: { text, tree: parsed.tree },
  };
}

function sourceOf(id: string, engine: 'systemtap' | 'bpftrace', where: string, facts = factsWithout()): string {
  const goal = goals.ok ? goals.value.get(id) : undefined;
  if (goal === undefined) throw new Error(`no goal ${id}`);
  const made = generateModule({ goal, rules: [ruleOn(id, where)], engine, facts, pushdown: true });
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made.value.source;
}

const cases = [
  ['memory.oom', 'why == "cgroup" && comm != "stress"'],
  ['disk.error', 'op == "write" && why != "not_supported" && disk == "sda" && bytes >= 4096'],
  ['disk.latency', 'op == "write" && avg_us >= 100000 && requests >= 20'],
  ['memory.reclaim', 'why == "cgroup" && uid != 0 && stall_us > 1000000'],
  ['memory.alloc', 'comm == "java" && faults > 1000'],
] as const;

test.each(cases)('%s: the modules are as they were', async (id, where) => {
  const golden = join(import.meta.dirname, 'golden/modules');
  await expect(sourceOf(id, 'systemtap', where)).toMatchFileSnapshot(join(golden, `${id.replace('.', '_')}.stp`));
  await expect(sourceOf(id, 'bpftrace', where)).toMatchFileSnapshot(join(golden, `${id}.bt`));
});

test('kernels before 6.8 tell of a victim its number only: the rest is unknown, not 0', () => {
  const facts = factsWithout();
  const old = { ...facts, tracepoints: new Map([...facts.tracepoints, ['oom:mark_victim', new Set(['pid'])]]) };
  expect(sourceOf('memory.oom', 'bpftrace', 'pid == 1', old)).toContain('$uid = (int64)(0 - 1);');
});

test('kernels before 5.18 have no tracepoint of errors: completions are looked at', () => {
  const source = sourceOf('disk.error', 'bpftrace', 'err == -5', factsWithout('block:block_rq_error'));
  expect(source).toContain('tracepoint:block:block_rq_complete\n');
  expect(source).not.toContain('block_rq_error');
  expect(sourceOf('disk.error', 'bpftrace', 'err == -5')).not.toContain('block_rq_complete');
});

test('kernels before 6.5 do not say who hands a request to them: no process, rather than a bystander', () => {
  const source = sourceOf('disk.latency', 'bpftrace', 'op == "read"', factsWithout('block:block_io_start'));
  expect(source).toContain('[(uint64)args->dev, $op, (int64)(0 - 1), ""]');
  expect(source).not.toContain('@disk_latency_pid');
});
