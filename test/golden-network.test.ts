import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateModule } from '../src/generate/generate.ts';
import type { HostFacts } from '../src/generate/module.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import { parseWhere } from '../src/rules/cel.ts';
import type { Rule } from '../src/rules/rule.ts';

const goals = loadGoals(join(import.meta.dirname, '../scripts-stp'));
const golden = join(import.meta.dirname, 'golden/modules');

const fields = (...names: string[]) => new Set(names);
const facts: HostFacts = {
  hz: 250,
  kernel: '6.18.0',
  engineVersion: '0.17.0',
  offsets: new Map([
    ['sock_common.skc_v6_daddr', 56],
    ['sock_common.skc_v6_rcv_saddr', 72],
    ['tcp:tcp_receive_reset.saddr_v6', 30],
    ['tcp:tcp_receive_reset.daddr_v6', 46],
    ['sock:inet_sock_set_state.saddr_v6', 40],
    ['sock:inet_sock_set_state.daddr_v6', 56],
  ]),
  words: new Map([
    [
      'tcp:tcp_send_reset.reason',
      new Map([
        [0, 'NOT_SPECIFIED'],
        [1, 'NO_SOCKET'],
      ]),
    ],
    [
      'skb:kfree_skb.reason',
      new Map([
        [2, 'NOT_SPECIFIED'],
        [3, 'NO_SOCKET'],
      ]),
    ],
  ]),
  tracepoints: new Map([
    ['tcp:tcp_send_reset', fields('reason')],
    ['skb:kfree_skb', fields('reason', 'rx_sk')],
    ...[
      'syscalls:sys_enter_getpriority',
      'syscalls:sys_enter_accept',
      'syscalls:sys_enter_accept4',
      'syscalls:sys_exit_accept',
      'syscalls:sys_exit_accept4',
      'sock:inet_sock_set_state',
      'sock:sock_send_length',
      'sock:sock_recv_length',
      'tcp:tcp_receive_reset',
      'tcp:tcp_destroy_sock',
      'tcp:tcp_retransmit_synack',
    ].map((name) => [name, fields()] as const),
  ]),
};

const conditions = [
  ['tcp.reset', 'direction == "SENT" && sport == 443 && saddr == "2001:db8::1"'],
  ['tcp.connect', 'result != "CONNECTED" && daddr == "198.18.0.6" && latency_us >= 1000'],
  ['tcp.accept_overflow', 'full || drops >= 5'],
  ['net.drop', 'protocol == "UDP" && (reason == "SOCKET_RCVBUFF" || reason == "PROTO_MEM")'],
  ['udp.traffic', 'direction == "SENT" && uid != 0 && bytes >= 1000000'],
  ['dns.query', 'type == "ANY" || name == "example.org"'],
] as const;

const ruleOn = (goal: string, text: string): Rule => {
  const parsed = parseWhere(text);
  if (!parsed.ok) throw new Error(text);
  const place = { file: 'r.yaml', line: 1, column: 1 };
  return {
    kind: 'forward',
    name: `of ${goal}`,
    group: 'g',
    goal,
    by: [],
    labels: {},
    to: ['x'],
    place,
    where: { text, tree: parsed.tree },
  };
};

const cases = conditions.flatMap(([id, where]) => (['systemtap', 'bpftrace'] as const).map((engine) => [id, engine, where] as const));

test.each(cases.filter(([id, engine]) => id !== 'dns.query' || engine === 'systemtap'))(
  '%s: the module for %s is as it was',
  async (id, engine, where) => {
    const goal = goals.ok ? goals.value.get(id) : undefined;
    if (goal === undefined) throw new Error(JSON.stringify(goals.problems));
    const made = generateModule({ goal, rules: [ruleOn(id, where)], engine, facts, pushdown: true });
    if (!made.ok) throw new Error(JSON.stringify(made.problems));
    expect(made.value.source).not.toContain('{{');
    expect(made.value.name.length).toBeLessThan(56);
    await expect(made.value.source).toMatchFileSnapshot(join(golden, engine === 'bpftrace' ? `${id}.bt` : `${id.replace('.', '_')}.stp`));
  },
);
