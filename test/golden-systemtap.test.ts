import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateModule } from '../src/generate/generate.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import type { ForwardRule } from '../src/rules/rule.ts';
import type { Expression, ExpressionNode } from '../src/rules/where.ts';

const goals = loadGoals(join(import.meta.dirname, '../scripts-stp'));
const facts = { hz: 0, kernel: '7.2.12', tracepoints: new Map(), engineVersion: '5.6' };
const at = (node: ExpressionNode): Expression => ({ start: 0, end: 0, ...node });
const compare = (name: string, op: '==' | '!=' | '<' | '>=', value: number | string): Expression =>
  at({
    op,
    left: at({ op: 'field', name }),
    right: at(typeof value === 'number' ? { op: 'literal', type: 'int', value } : { op: 'literal', type: 'text', value }),
  });
const both = (left: Expression, right: Expression) => at({ op: 'and', left, right });
const either = (left: Expression, right: Expression) => at({ op: 'or', left, right });

function rule(name: string, goal: string, text: string, tree: Expression): ForwardRule {
  return {
    kind: 'forward',
    name,
    group: 'g',
    goal,
    where: { text, tree },
    by: [],
    labels: {},
    to: ['x'],
    place: { file: 'r.yaml', line: 1, column: 1 },
  };
}

const rules = [
  rule(
    'to-the-database',
    'tcp.retransmit',
    'daddr == "198.18.0.6" && dport == 5432 || daddr == "2001:db8::1"',
    either(both(compare('daddr', '==', '198.18.0.6'), compare('dport', '==', 5432)), compare('daddr', '==', '2001:db8::1')),
  ),
  rule(
    'timeout-grew',
    'tcp.rto_change',
    'rto_ms >= 800 && rto_was_ms < 800',
    both(compare('rto_ms', '>=', 800), compare('rto_was_ms', '<', 800)),
  ),
  rule(
    'who-is-denied',
    'syscall.open',
    'ret == -13 && comm != "sshd" && path != "/dev/null"',
    both(compare('ret', '==', -13), both(compare('comm', '!=', 'sshd'), compare('path', '!=', '/dev/null'))),
  ),
];

test.each(rules.map((each) => [each.goal, each] as const))(
  '%s: the module for SystemTap is as it was, and says whom it serves',
  async (id, each) => {
    if (!goals.ok) throw new Error(JSON.stringify(goals.problems));
    const goal = goals.value.get(id);
    if (goal === undefined) throw new Error(`no goal ${id}`);
    const made = generateModule({ goal, rules: [each], engine: 'systemtap', facts, pushdown: true });
    if (!made.ok) throw new Error(JSON.stringify(made.problems));
    const { source, name } = made.value;
    expect(source).not.toContain(each.name);
    expect(source).not.toContain('{{');
    expect(name).toMatch(/^tapline_[a-z_]+_[0-9a-f]{12}$/);
    // MODULE_NAME_LEN is 56 on 64 bit kernels.
    expect(name.length).toBeLessThan(56);
    await expect(source).toMatchFileSnapshot(join(import.meta.dirname, 'golden/modules', `${id.replace('.', '_')}.stp`));
  },
);
