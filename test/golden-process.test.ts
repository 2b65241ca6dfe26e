import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateModule } from '../src/generate/generate.ts';
import type { HostFacts } from '../src/generate/module.ts';
import { goalWith } from '../src/goals/parameters.ts';
import { resolveWith } from '../src/goals/with.ts';
import { parseWhere } from '../src/rules/cel.ts';
import { goalOf, ruleWhere } from './lab/goals.ts';

const calls = ['unlink', 'unlinkat', 'rmdir', 'connect'].flatMap((call) => [`syscalls:sys_enter_${call}`, `syscalls:sys_exit_${call}`]);
const sched = ['process_exec', 'process_exit', 'switch', 'wakeup', 'wakeup_new'].map((name) => `sched:sched_${name}`);
const facts: HostFacts = {
  arch: 'x64',
  hz: 250,
  kernel: '6.18.0',
  engineVersion: '',
  tracepoints: new Map(['syscalls:sys_enter_getpriority', ...calls, ...sched].map((name) => [name, new Set<string>()])),
};

const cases = [
  { goal: 'process.exec', where: 'uid == 0 && ppid != 1 && comm != "sh" && file.startsWith("/dev/shm/")' },
  { goal: 'process.exit', where: 'signal in [6, 11] || uid == 0 && lifetime_ms < 1000' },
  { goal: 'file.delete', where: 'directory && ret == 0 && call == "rmdir"' },
  { goal: 'syscall.slow', where: 'duration_us >= 500000 && comm == "postgres"', with: { syscall: 'connect', min_ms: 250 } },
  { goal: 'cpu.hog', where: 'uid != 0 && (user_ms + kernel_ms) * 10 > interval_ms * 9', with: { interval: '30s' } },
  { goal: 'cpu.runqueue_latency', where: 'pid != 1 && avg_us > 20000' },
] as const;
const wrong = (...what: unknown[]) => {
  throw new Error(JSON.stringify(what));
};

test.each(cases.flatMap((each) => (['bpftrace', 'systemtap'] as const).map((engine) => ({ ...each, engine }))))(
  '$goal on $engine: the module is the one on record',
  async ({ goal: id, engine, where, ...more }) => {
    const parsed = parseWhere(where);
    if (!parsed.ok) throw new Error(where);
    const goal = goalOf(id);
    const tell = { error: wrong, errorAtKey: wrong, warning: wrong } as unknown as Parameters<typeof resolveWith>[2];
    const made = generateModule({
      goal: goalWith(goal, resolveWith(goal, 'with' in more ? more.with : undefined, tell)),
      rules: [ruleWhere(id, parsed.tree, where)],
      engine,
      facts,
      pushdown: true,
    });
    if (!made.ok) throw new Error(made.problems.map(({ message }) => message).join(' '));
    const { source, name } = made.value;
    expect(source).not.toContain('{{');
    // MODULE_NAME_LEN is 56 on 64 bit kernels.
    expect(name).toMatch(/^tapline_[a-z_]{1,34}_[0-9a-f]{12}$/);
    const file = engine === 'bpftrace' ? `${id}.bt` : `${id.replace('.', '_')}.stp`;
    await expect(source).toMatchFileSnapshot(join(import.meta.dirname, 'golden/modules', file));
  },
);
