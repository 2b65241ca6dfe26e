import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Field, Goal, GoalEngine } from '../goals/goal.ts';
import { parseWhere } from '../rules/cel.ts';
import type { Rule } from '../rules/rule.ts';
import { generateModule } from './generate.ts';
import type { HostFacts } from './module.ts';

const root = join(import.meta.dirname, '../..');

function goalOf(id: string): Goal {
  const manifest = parse(readFileSync(join(root, 'scripts-stp', id, 'goal.yaml'), 'utf8')) as Goal & {
    fields: Record<string, Field>;
    engines: Record<string, GoalEngine>;
  };
  return {
    ...manifest,
    folder: join(root, 'scripts-stp', id),
    fields: Object.entries(manifest.fields as unknown as Record<string, Field>).map(([name, field]) => ({
      ...field,
      name,
      optional: field.optional ?? false,
    })),
    engines: Object.fromEntries(
      Object.entries(manifest.engines).map(([name, engine]) => [name, { ...engine, unknown: [], push: engine.push ?? [] }]),
    ),
  };
}

const rule = (goal: string, name: string, text?: string): Rule => {
  const parsed = text === undefined ? undefined : parseWhere(text);
  if (parsed && !parsed.ok) throw new Error(text);
  return {
    kind: 'forward',
    name,
    group: 'g',
    goal,
    by: [],
    labels: {},
    to: ['x'],
    place: { file: 'f', line: 1, column: 1 },
    ...(parsed && text !== undefined && { where: { text, tree: parsed.tree } }),
  };
};

const has = (...names: string[]) => new Map(names.map((name) => [name, new Set(['err'])] as const));
const facts: HostFacts = {
  hz: 250,
  kernel: '6.18.0',
  engineVersion: '0.17.0',
  offsets: new Map([
    ['sk_buff.cb', 40],
    ...['tcp_retransmit_skb', 'tcp_retransmit_synack'].flatMap((name) =>
      ['saddr_v6', 'daddr_v6'].map((field, i) => [`tcp:${name}.${field}`, 42 + 16 * i] as const),
    ),
  ]),
  tracepoints: has(
    'syscalls:sys_enter_getpriority',
    'sock:inet_sock_set_state',
    'tcp:tcp_retransmit_skb',
    'tcp:tcp_retransmit_synack',
    ...['accept', 'accept4'].map((call) => `syscalls:sys_exit_${call}`),
    ...['open', 'openat', 'openat2', 'creat'].flatMap((call) => [`syscalls:sys_enter_${call}`, `syscalls:sys_exit_${call}`]),
  ),
};

const cases = [
  ['tcp.retransmit', [rule('tcp.retransmit', 'all')]],
  ['tcp.rto_change', [rule('tcp.rto_change', 'RetransmitTimeoutGrew', 'rto_ms >= 800 && rto_ms - rto_was_ms >= 100 && dport == 443')]],
  [
    'syscall.open',
    [
      rule('syscall.open', 'Denied', 'ret == -13 && comm == "nginx"'),
      rule('syscall.open', 'Passwords', 'path == "/etc/shadow" && uid != 0'),
    ],
  ],
] as const;

test.each(cases)('%s: the generated source is the one on record', async (id, rules) => {
  const module = generateModule({ goal: goalOf(id), rules, engine: 'bpftrace', facts, pushdown: true });
  if (!module.ok) throw new Error(module.problems.map((problem) => problem.message).join());
  await expect(module.value.source).toMatchFileSnapshot(join(root, `test/golden/modules/${id}.bt`));
  expect(module.value.name).toMatch(/^tapline_[a-z_]+_[0-9a-f]{12}$/);
});

const source = (rules: readonly Rule[], more: Partial<HostFacts> = {}, template?: string) =>
  generateModule({
    goal: goalOf('tcp.retransmit'),
    rules,
    engine: 'bpftrace',
    facts: { ...facts, ...more },
    pushdown: true,
    ...(template !== undefined && { template }),
  });
const codesOf = (result: ReturnType<typeof source>) => result.problems.map((problem) => problem.code);

test('the same input gives the same module, another filter another id', () => {
  const ids = ['dport == 1', 'dport == 1', 'dport == 2'].map((text) => {
    const module = source([rule('tcp.retransmit', 'r', text)]);
    return module.ok ? module.value.id : '';
  });
  expect(ids[0]).toBe(ids[1]);
  expect(ids[0]).not.toBe(ids[2]);
});

test('names of rules and texts of conditions are not in the source', () => {
  const module = source([
    rule('tcp.retransmit', 'x\n*/ BEGIN { system("id") } \u2028', 'comm == "a\\") { system(\\"id\\") }" && dport == 1'),
  ]);
  if (!module.ok) throw new Error();
  expect(module.value.source).not.toContain('system');
  expect(module.value.source).toContain('$dport == 1');
});

test('a kernel without the field err: a resend that is told has left', () => {
  const module = source([], { tracepoints: new Map([...facts.tracepoints].map(([name]) => [name, new Set<string>()])) });
  expect(module.ok && module.value.source).toContain('(int64)0,');
});

test('a kernel that lacks a tracepoint: no module, and the reason', () => {
  const tracepoints = new Map(facts.tracepoints);
  tracepoints.delete('tcp:tcp_retransmit_skb');
  expect(codesOf(source([], { tracepoints }))).toEqual(['ENGINE_TRACEPOINT_MISSING']);
});

test('a kernel whose ticks a second are unknown: no module rather than wrong times', () =>
  expect(new Set(codesOf(source([], { hz: 0 })))).toEqual(new Set(['ENGINE_TEMPLATE_WRONG'])));

test('mistakes in a template: unknown and unused placeholders, a missing file', () => {
  expect(codesOf(source([], {}, '{{header}} {{filter}} {{report}} {{forget}} {{constructor}}'))).toEqual(['ENGINE_TEMPLATE_WRONG']);
  expect(codesOf(source([], {}, '{{header}} {{report}} {{forget}}'))).toEqual(['ENGINE_TEMPLATE_WRONG']);
  expect(
    codesOf(
      generateModule({
        goal: { ...goalOf('tcp.retransmit'), folder: '/nonexistent' },
        rules: [],
        engine: 'bpftrace',
        facts,
        pushdown: true,
      }),
    ),
  ).toEqual(['ENGINE_TEMPLATE_WRONG']);
});
