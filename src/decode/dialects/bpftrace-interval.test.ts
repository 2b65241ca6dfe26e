import { expect, test } from 'vitest';
import { lineTag, mapPrefix } from '../../generate/bpftrace.ts';
import type { Goal } from '../../goals/goal.ts';
import { BatchBuilder } from '../columns.ts';
import { recordAt } from '../record.ts';
import { run } from '../../../test/stream-rows.ts';
import { bpftraceLines } from './bpftrace.ts';

const field = (name: string, type: Goal['fields'][number]['type'], optional = false) => ({ name, type, optional, description: name });
const goal: Goal = {
  id: 'test.sums',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  key: ['pid'],
  engines: {},
  interval: { key: ['pid', 'comm'], values: { calls: 'count', place: 'last' } },
  fields: [field('pid', 'int'), field('calls', 'int'), field('interval_ms', 'int'), field('place', 'text', true), field('comm', 'text')],
};
const tag = lineTag(goal.id, undefined);
const map = (name: string, data: unknown) => ({ type: 'map', data: { [`@${mapPrefix(tag)}_iv_${name}`]: data } });
const value = (...data: unknown[]) => ({ type: 'value', data });
/** What bpftrace prints for one interval; `now`: the kernel's tick when it came to it. */
const interval = (tick: number, maps: Record<string, Record<string, unknown>>, now = tick) => [
  value(`i:${tag}`, tick * 1e9, tick),
  ...Object.entries(maps).map(([name, data]) => map(`${name}_${(tick + 1) % 2}`, data)),
  map('tick', now),
  value(`j:${tag}`, tick * 1e9 + 5000),
];

function read(...lines: object[]) {
  const builder = new BatchBuilder(goal);
  const broken: [string, number | undefined][] = [];
  const seqs: number[] = [];
  const text = [value(`m:${tag}`, 0, 1), ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
  let emitted: readonly (readonly [number, number])[] = [];
  bpftraceLines.reader(goal)(Buffer.from(text), builder, {
    atUs: 0,
    record: (lane, seq, clockUs) => {
      seqs.push(seq);
      builder.commit(lane, seq, clockUs);
    },
    forgotten: () => undefined,
    mark: () => undefined,
    beat: (_, beat) => (emitted = beat.emitted),
    bye: () => undefined,
    dropped: () => undefined,
    broken: (line, _, seq) => broken.push([Buffer.from(line).toString(), seq]),
  });
  const batch = builder.build(run('r', { goal: goal.id, dialect: 'bpftrace', clock: 'boottime' }), (timeUs) => ({ timeUs, errorUs: 0 }));
  const records = Array.from({ length: batch.length }, (_, row) => recordAt(batch, row).fields);
  return { records, seqs, broken, emitted };
}
const whole = { keys: { '1,a': 1, '2,b,c': 1 }, calls: { '1,a': 7, '2,b,c': 8 }, place: { '1,a': 'do_one+12' } };
const beat = value(`z:${tag}`, 9e9);

test('the sums of an interval become rows: a text last in the key has its commas, a function loses its offset, none is unknown', () => {
  const { records, seqs, emitted } = read(...interval(1, whole), beat);
  expect(records).toEqual([
    { pid: 1, calls: 7, interval_ms: 1000, place: 'do_one', comm: 'a' },
    { pid: 2, calls: 8, interval_ms: 1000, comm: 'b,c' },
  ]);
  expect([seqs, emitted]).toEqual([[1, 2], [[0, 2]]]);
});

test('an interval that did not come leaves a hole in the numbers', () => {
  expect(read(...interval(1, whole), ...interval(3, whole)).seqs).toEqual([1, 2, 4, 5]);
});

test('a key without its sum is a broken line', () => {
  const { seqs, broken } = read(...interval(1, { ...whole, calls: { '1,a': 7 } }));
  expect([seqs, broken]).toEqual([[1], [['2,b,c', 2]]]);
});

test('where bpftrace came so late that the side was in use again, whole sums are told and at least one is counted as lost', () => {
  const late = read(...interval(1, { ...whole, calls: { '1,a': 7 } }, 2), ...interval(2, whole), beat);
  expect([late.broken, late.seqs, late.emitted]).toEqual([[], [1, 3, 4], [[0, 4]]]);
  const lateAndWhole = read(...interval(1, whole, 3), ...interval(2, whole), beat);
  expect([lateAndWhole.seqs, lateAndWhole.emitted]).toEqual([[1, 2, 4, 5], [[0, 5]]]);
});

test('where bpftrace says that it lost lines, an interval that is not whole is a hole', () => {
  const lost = { type: 'lost_events', data: { events: 3 } };
  expect(read(lost, ...interval(1, { keys: whole.keys }), ...interval(2, whole)).seqs).toEqual([3, 4]);
});
