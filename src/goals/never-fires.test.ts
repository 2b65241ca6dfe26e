import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AlertRule } from '../rules/rule.ts';
import type { Goal } from './goal.ts';
import { neverFires } from './never-fires.ts';
import type { Tell } from './tell.ts';

const engine = (fidelity: 'event' | 'sampled') => ({ fidelity, unknown: [], push: [] });
const goal = (engines: Goal['engines']): Goal => ({
  id: 'a.b',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  fields: [],
  key: ['a'],
  engines,
});
const exact = goal({ bpftrace: engine('event') });
const alsoSampled = goal({ bpftrace: engine('event'), procfs: engine('sampled') });

interface Times {
  readonly count: number;
  readonly withinMs: number;
  readonly dedupeMs: number;
  readonly forMs?: number;
}
const alert = ({ count, withinMs, dedupeMs, forMs = 0 }: Times, by = ['a'], alertBy = by): AlertRule => ({
  kind: 'alert',
  name: 'A',
  group: 'g',
  goal: 'a.b',
  by,
  alertBy,
  dedupeMs,
  labels: {},
  to: [],
  place: { file: '', line: 1, column: 1 },
  threshold: { count, withinMs },
  forMs,
  keepFiringForMs: 1,
  maxAlerts: 1,
  severity: 'info',
  annotations: {},
});

function told(rule: AlertRule, of: Goal): string[] {
  const lines: string[] = [];
  const say = (severity: string) => (code: string, message: string) => void lines.push(`${severity} ${code} ${message}`);
  neverFires(rule, of, { error: say('error'), warning: say('warning') } as unknown as Tell);
  return lines;
}
const refused = (times: Times, by?: string[], alertBy?: string[]) => told(alert(times, by, alertBy), exact).length > 0;

test('count > ceil(within / dedupe) can never be reached; the boundaries', () => {
  expect(refused({ count: 6, withinMs: 60_000, dedupeMs: 10_000 })).toBe(false);
  expect(refused({ count: 7, withinMs: 60_000, dedupeMs: 10_000 })).toBe(true);
  expect(refused({ count: 7, withinMs: 60_001, dedupeMs: 10_000 })).toBe(false);
  expect(refused({ count: 2, withinMs: 9_999, dedupeMs: 10_000 })).toBe(true);
  expect(refused({ count: 1, withinMs: 1, dedupeMs: 3_600_000 })).toBe(false);
});

test('with `for` the window must be full for as long; the boundaries', () => {
  const times = { count: 3, withinMs: 25_000, dedupeMs: 10_000 };
  expect(refused({ ...times, forMs: 0 })).toBe(false);
  expect(refused({ ...times, forMs: 4_999 })).toBe(false);
  expect(refused({ ...times, forMs: 5_000 })).toBe(true);
  // floor(30 s / 10 s) = 3: there is always another record before the first leaves.
  expect(refused({ ...times, withinMs: 30_000, forMs: 3_600_000 })).toBe(false);
});

test('counting by fewer fields than dedupe keeps apart lets other keys add up', () => {
  const times = { count: 9, withinMs: 10_000, dedupeMs: 10_000 };
  expect(refused(times, ['a', 'b'], ['a'])).toBe(false);
  expect(refused(times, ['a', 'b'], [])).toBe(false);
  expect(refused(times, ['a'], ['b', 'a'])).toBe(true);
  expect(refused(times, [], ['b'])).toBe(true);
});

test('an error where every engine tells every event, else a warning that names the engines that sample', () => {
  const rule = alert({ count: 2, withinMs: 1000, dedupeMs: 1000 });
  expect(told(rule, exact)).toEqual([
    expect.stringMatching(/^error RULE_NEVER_FIRES .*at most 1 record of a key.*so 2 can never be reached\.$/),
  ]);
  expect(told(rule, alsoSampled)).toEqual([expect.stringMatching(/^warning RULE_NEVER_FIRES .*except on procfs,/)]);
});

test('without threshold or dedupe everything can be reached', () => {
  const without = (key: 'threshold' | 'dedupeMs') => {
    const rule: Partial<AlertRule> = { ...alert({ count: 9, withinMs: 1, dedupeMs: 9 }) };
    Reflect.deleteProperty(rule, key);
    return rule as AlertRule;
  };
  expect([...told(without('threshold'), exact), ...told(without('dedupeMs'), exact)]).toEqual([]);
});

/** Records of one key as fast as dedupe lets them through: the densest that can be; the longest that `count` of them lie in the window. */
function longestMs({ count, withinMs, dedupeMs }: Times): number | undefined {
  let longest: number | undefined;
  let since: number | undefined;
  const end = withinMs * 3 + dedupeMs * 3;
  for (let t = 0; t <= end; t++) {
    let inside = 0;
    for (let at = 0; at <= t; at += dedupeMs) if (at > t - withinMs) inside++;
    if (inside < count) since = undefined;
    else longest = Math.max(longest ?? 0, t - (since ??= t));
  }
  // True since the beginning means true for ever: the pattern repeats.
  return since !== undefined && since <= count * dedupeMs ? Infinity : longest;
}

test('it refuses exactly what the densest records cannot reach, tried millisecond by millisecond', () => {
  const times = fc.record({
    count: fc.integer({ min: 1, max: 6 }),
    withinMs: fc.integer({ min: 1, max: 40 }),
    dedupeMs: fc.integer({ min: 1, max: 20 }),
    forMs: fc.integer({ min: 0, max: 30 }),
  });
  fc.assert(
    fc.property(times, (given) => {
      const longest = longestMs(given);
      // The condition is false again at its last millisecond + 1, which is when `for` would end.
      const reached = longest !== undefined && (given.forMs === 0 || longest + 1 > given.forMs);
      expect(refused(given)).toBe(!reached);
    }),
  );
});
