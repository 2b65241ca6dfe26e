import { expect, test } from 'vitest';
import type { Goal } from '../goals/goal.ts';
import type { Rule } from '../rules/rule.ts';
import { defaultRules, route } from './route.ts';

const goal = (id: string) => ({ id, key: ['host', 'of'] }) as unknown as Goal;
const goals = ['tcp.retransmit', 'tapline.lost', 'tapline.suppressed', 'tapline.evicted', 'tapline.degraded'].map(goal);

test('an item goes to the sinks of its rule, each once', () => {
  expect(route({ to: ['a', 'b', 'a'], goal: 'tcp.retransmit' }, ['t'])).toEqual(['a', 'b']);
  expect(route({ to: [], goal: 'tcp.retransmit' }, ['t'])).toEqual([]);
  expect(route({ to: ['a'], goal: 'tapline.lost' }, ['t'])).toEqual(['a']);
  expect(route({ to: [], goal: 'tapline.lost' }, ['t'])).toEqual(['t']);
});

test('Tapline’s blindness reaches somebody with no rule written, and only by the rule where there is one', () => {
  expect(defaultRules([], goals, ['out']).map((rule) => [rule.name, rule.goal, rule.to])).toEqual([
    ['tapline.lost', 'tapline.lost', ['out']],
    ['tapline.evicted', 'tapline.evicted', ['out']],
    ['tapline.degraded', 'tapline.degraded', ['out']],
  ]);
  expect(defaultRules([{ goal: 'tapline.lost' } as Rule], goals, ['out']).map((rule) => rule.goal)).toEqual([
    'tapline.evicted',
    'tapline.degraded',
  ]);
  expect(defaultRules([], goals, [])).toEqual([]);
});
