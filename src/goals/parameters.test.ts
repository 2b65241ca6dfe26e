import { expect, test } from 'vitest';
import type { Goal } from './goal.ts';
import { bounds, durationText, goalWith, valuesOf, type Parameter } from './parameters.ts';
import { readParameter, resolveWith } from './with.ts';
import type { Tell } from './tell.ts';

const interval: Parameter = { name: 'interval', type: 'duration', default: 10_000, min: 1000, max: 3_600_000, description: '' };
const least: Parameter = { name: 'min_ms', type: 'int', unit: 'ms', default: 0, min: 0, max: 5000, description: '' };
const call: Parameter = { name: 'syscall', type: 'enum', values: ['fsync', 'fdatasync'], default: 'fsync', description: '' };
const goal: Goal = {
  id: 'syscall.slow',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  fields: [],
  key: [],
  engines: {},
  cannot: {},
  parameters: [interval, least, call],
};

function resolved(written: Record<string, unknown> | undefined) {
  const told: string[] = [];
  const say = (code: string, message: string, path: readonly (string | number)[], hint?: string) =>
    told.push(`${path.join('.')} ${code} ${message} ${hint ?? ''}`.trim());
  const tell: Tell = { error: say, warning: say, errorAtKey: say, errorAt: say, errorWithin: () => undefined };
  return { asked: resolveWith(goal, written, tell), told };
}

test('nothing, and the defaults written out, ask for nothing', () => {
  expect(resolved(undefined)).toEqual({ asked: undefined, told: [] });
  expect(resolved({ syscall: 'fsync', interval: '10s', min_ms: 0 })).toEqual({ asked: undefined, told: [] });
});

test('values are typed, and the text names what differs in the order of the manifest', () => {
  const { asked, told } = resolved({ syscall: 'fdatasync', interval: '1m' });
  expect(told).toEqual([]);
  expect(asked?.text).toBe('interval=60000 syscall=fdatasync');
  expect(Object.fromEntries(valuesOf(goalWith(goal, asked)))).toEqual({ interval: 60_000, min_ms: 0, syscall: 'fdatasync' });
  expect(resolved({ interval: '60s', syscall: 'fdatasync' }).asked?.text).toBe(asked?.text);
});

test('every mistake is told', () => {
  expect(resolved({ intervall: '5s', interval: 'soon', min_ms: 9000, syscall: 'fsnyc' }).told).toEqual([
    'with.intervall RULE_UNKNOWN_PARAMETER syscall.slow has no parameter "intervall"; did you mean "interval"? Parameters: interval, min_ms, syscall.',
    'with.interval RULE_BAD_PARAMETER interval is a duration; this is "soon". Write it as Prometheus does: 500ms, 90s, 5m, 1h30m, 7d.',
    'with.min_ms RULE_BAD_PARAMETER min_ms cannot be 9000. From 0 ms to 5000 ms.',
    'with.syscall RULE_BAD_PARAMETER syscall cannot be "fsnyc"; did you mean "fsync"? One of fsync, fdatasync.',
  ]);
});

test.each([
  [interval, '500ms'],
  [interval, 5],
  [interval, '2h'],
  [least, '5'],
  [least, 1.5],
  [least, -1],
  [call, 'FSYNC'],
  [call, 1],
])('$name cannot be %s', (parameter, value) => {
  expect(readParameter(parameter, value)).toMatchObject({ wrong: expect.stringContaining(parameter.name) as string });
});

test('words for people', () => {
  expect([interval, least, call].map(bounds)).toEqual(['From 1s to 1h.', 'From 0 ms to 5000 ms.', 'One of fsync, fdatasync.']);
  expect([1500, 60_000, 1000, 7_200_000].map(durationText)).toEqual(['1500ms', '1m', '1s', '2h']);
});
