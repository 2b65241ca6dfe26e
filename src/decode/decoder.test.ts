import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Frame, Run } from '../engine/frame.ts';
import type { Goal } from '../goals/goal.ts';
import { error, type Problem } from '../problem/problem.ts';
import { Ledger } from '../telemetry/ledger.ts';
import { Decoder } from './decoder.ts';
import { recordAt } from './record.ts';
import type { Signal } from './signal.ts';

const goal: Goal = {
  id: 'g.x',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  key: [],
  engines: {},
  fields: [
    { name: 'a', type: 'int', optional: true, description: '' },
    { name: 'path', type: 'text', optional: false, description: '' },
    { name: 'path_cut', type: 'bool', optional: false, description: '' },
    { name: 'to', type: 'address', optional: true, description: '' },
    { name: 'state', type: 'enum', values: ['UP', 'DOWN'], optional: true, description: '' },
  ],
};
const s = 1_000_000;
const t0 = 1_700_000_000 * s;
const runOf = (more: Partial<Run> = {}): Run => ({
  id: 'r1',
  host: 'h',
  boot: 'b',
  engine: 'procfs',
  goal: goal.id,
  module: 'm',
  fidelity: 'event',
  dialect: 'procfs',
  clock: 'wall',
  ...more,
});

function decoding(run: Run) {
  const ledger = new Ledger();
  const problems: Problem[] = [];
  const decoder = new Decoder({
    goal: (id) => (id === goal.id ? goal : undefined),
    ledger,
    onProblem: (problem) => problems.push(problem),
  });
  const signals: Signal[] = [];
  const push = (...frames: Frame[]) => {
    signals.push(...decoder.push(frames));
    expect(ledger.imbalances()).toEqual([]);
  };
  push({ kind: 'run', run, atUs: t0 });
  return {
    push,
    lines: (text: string | Uint8Array, atUs = t0) =>
      push({ kind: 'lines', run: run.id, lines: Buffer.from(text as string, 'latin1'), atUs }),
    end: (atUs = t0, problem?: Problem) => push({ kind: 'end', run: run.id, atUs, ...(problem && { problem }) }),
    signals,
    problems,
    account: () => ledger.run(run.id, goal.id, run.engine),
    records: () =>
      signals.flatMap((signal) =>
        signal.kind === 'batch' ? Array.from({ length: signal.batch.length }, (_, row) => recordAt(signal.batch, row)) : [],
      ),
    lost: () => signals.flatMap((signal) => (signal.kind === 'lost' ? [[signal.reason, signal.count] as const] : [])),
  };
}

const row = (seq: number, atUs = t0 + seq, lane = 0) => `["r",${lane},${seq},${atUs},null,1,[${seq},"p",false,"192.0.2.1","UP"]]\n`;
const beat = (atUs: number, lastSeq: number, more = '') => `["b",${atUs},{"emitted":[[0,${lastSeq}]]${more}}]\n`;

test('deleted, garbled and cut lines give exactly those numbers, however they are chopped', () => {
  const fate = fc.constantFrom('kept', 'kept', 'kept', 'deleted', 'garbled', 'cut', 'wrong');
  fc.assert(
    fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (fates, size) => {
      const d = decoding(runOf());
      const lines = fates.map((what, i) => {
        const line = row(i + 1);
        if (what === 'garbled') return `\u0000\u00ff${line.slice(5)}`;
        if (what === 'cut') return `${line.slice(0, 20)}\n`;
        // Its number can be read, its columns cannot.
        if (what === 'wrong') return line.replace('"UP"', '"SIDEWAYS"');
        return what === 'kept' ? line : '';
      });
      for (let i = 0; i < lines.length; i += size) d.lines(lines.slice(i, i + size).join(''));
      d.lines(`["e",${t0 + 100},{"emitted":[[0,${fates.length}]]}]\n`);
      d.end();
      const count = (...what: string[]) => fates.filter((each) => what.includes(each)).length;
      expect(d.account()).toMatchObject({
        emitted: fates.length,
        decoded: count('kept'),
        broken: count('garbled', 'cut', 'wrong'),
        lost: count('deleted'),
        inPipe: 0,
      });
      expect(d.records().map((record) => record.seq)).toEqual(fates.flatMap((what, i) => (what === 'kept' ? [i + 1] : [])));
    }),
    { numRuns: 300 },
  );
});

test('neighbours that change places are not lost; a hole is, after one second of stream time', () => {
  const d = decoding(runOf());
  d.lines(row(1) + row(3) + row(2) + row(5));
  expect(d.account()).toMatchObject({ emitted: 5, decoded: 4, lost: 0, inPipe: 1 });
  d.lines(beat(t0 + s, 5));
  expect(d.lost()).toEqual([]);
  d.lines(beat(t0 + s + 10, 5));
  expect(d.lost()).toEqual([['hole', 1]]);
  expect(d.account()).toMatchObject({ emitted: 5, decoded: 4, lost: 1, inPipe: 0 });
});

test('numbers that a beat names and that do not come are in the pipe, then lost', () => {
  const d = decoding(runOf());
  d.lines(row(1) + beat(t0 + s, 4));
  expect(d.account()).toMatchObject({ emitted: 4, decoded: 1, inPipe: 3 });
  d.lines(row(2));
  expect(d.account()).toMatchObject({ decoded: 2, inPipe: 2 });
  d.lines(beat(t0 + 3 * s, 4));
  expect(d.account()).toMatchObject({ decoded: 2, lost: 2, inPipe: 0 });
});

test('a record that comes twice is not counted twice', () => {
  const d = decoding(runOf());
  d.lines(row(1) + row(1));
  expect(d.account()).toMatchObject({ emitted: 1, decoded: 1 });
  expect(d.problems.map((problem) => problem.code)).toEqual(['ENGINE_LINE_BROKEN']);
});

test('what a beat counts is told as it rises: skipped, missed, full maps; filtered stands beside', () => {
  const d = decoding(runOf());
  d.lines(beat(t0, 0, ',"skipped":2,"missed":3,"filtered":7') + beat(t0 + s, 0, ',"skipped":2,"missed":5,"mapFull":1'));
  expect(d.lost()).toEqual([
    ['skipped', 2],
    ['sampling', 3],
    ['sampling', 2],
    ['map_full', 1],
  ]);
  expect(d.account()).toMatchObject({ skipped: 2, missed: 5, filtered: 7 });
});

const boot = runOf({ dialect: 'bpftrace', engine: 'bpftrace', clock: 'boottime' });
const tuple = (...data: unknown[]) => `{"type": "value", "data": ${JSON.stringify(data)}}\n`;
const record = (seq: number, ns: number) => tuple('r:g.x', 0, seq, ns, 0, 1, 'p', 1, '::ffff:192.0.2.1', 1);
const marker = (number: number, beforeUs: number): Frame => ({
  kind: 'marker',
  run: 'r1',
  number,
  beforeUs,
  afterUs: beforeUs + 1000,
  atUs: beforeUs,
});

test('a run is ready when its first marker has come back; records from before wait for the clock', () => {
  const d = decoding(boot);
  d.push(marker(0, t0));
  d.lines(record(1, 4_000_000));
  expect(d.signals).toEqual([]);
  d.lines(tuple('m:g.x', 5_000_000, 0));
  expect(d.signals.map((signal) => signal.kind)).toEqual(['ready', 'batch']);
  expect(d.records()[0]).toMatchObject({
    timeUs: t0 + 500 - 1000,
    timeErrorUs: 501,
    fields: { a: 1, path: 'p', path_cut: false, to: '192.0.2.1', state: 'DOWN' },
  });
});

test('bounds of markers are intersected; a wall clock that is set begins anew', () => {
  const d = decoding(boot);
  d.push(marker(0, t0), marker(1, t0 + s - 400));
  d.lines(tuple('m:g.x', 1e9, 0) + tuple('m:g.x', 2e9, 1) + record(1, 2e9));
  const [first] = d.records();
  // Between t0 and t0 + 600 seconds clocks apart, give or take the drift of a second.
  expect(first?.timeErrorUs).toBeLessThanOrEqual(601);
  d.push(marker(2, t0 + 3600 * s));
  d.lines(tuple('m:g.x', 3e9, 2) + record(2, 3e9), t0 + 3600 * s);
  expect(Math.abs((d.records()[1]?.timeUs ?? 0) - (t0 + 3600 * s))).toBeLessThanOrEqual(1000);
});

test('a time that lies in the future is clamped to the reading and counted', () => {
  const d = decoding(runOf());
  d.lines(row(1, t0 + 2 * s) + row(2, t0 + 2 * s + 1));
  expect(d.records().map((each) => each.timeUs)).toEqual([t0 + 2 * s, t0]);
  expect(d.account().future).toBe(1);
});

test('bpftrace: bytes above 0x7f, what looks like them, long texts in pieces, cut texts, unknown columns', () => {
  const d = decoding(boot);
  d.push(marker(0, t0));
  d.lines(tuple('m:g.x', 1e6, 0));
  d.lines(`{"type": "value", "data": ["r:g.x",0,1,1000000,0,1,"\\uffffffc3\\uffffffa9\\uffffffff\\\\uffffff80",13,"::1",0]}\n`);
  // A piece begins each 95 bytes; 0.17 ends it there, 0.27 one byte later, here within a character and before its end.
  const most = 'a'.repeat(93);
  d.lines(
    `{"type": "value", "data": ["p:g.x",0,2,1,"\\uffffffa9b"]}\n{"type": "value", "data": ["r:g.x",0,2,1000000,25,1,"a${most}\\uffffffc3",97,"::1",0]}\n`,
  );
  d.lines(
    `{"type": "value", "data": ["p:g.x",0,4,1,"\\uffffffa9b"]}\n{"type": "value", "data": ["r:g.x",0,4,1000000,25,1,"a${most}\\uffffffc3\\uffffffa9",97,"::1",0]}\n`,
  );
  d.lines(tuple('p:g.x', 0, 5, 2, 'never joined') + tuple('r:g.x', 0, 5, 1e6, 0, 1, 'abc', 9, '::1', 0));
  expect(d.records().map((each) => each.fields)).toEqual([
    { a: 1, path: 'é\udcff\\uffffff80', path_cut: false, to: '::1', state: 'UP' },
    { path: `a${most}éb`, path_cut: false },
    { path: `a${most}éb`, path_cut: false },
    { a: 1, path: 'abc', path_cut: true, to: '::1', state: 'UP' },
  ]);
});

test('bpftrace: a beat is a few lines, the goodbye the last print of the maps', () => {
  const d = decoding(boot);
  const map = (name: string, value: unknown) => `{"type": "map", "data": ${JSON.stringify({ [name]: value })}}\n`;
  d.push(marker(0, t0));
  d.lines(
    tuple('m:g.x', 1e6, 0) +
      record(1, 1e6) +
      tuple('b:g.x', 2e6) +
      map('@g_x_seq', { 0: 1, 1: 0 }) +
      map('@g_x_filtered', 5) +
      map('@g_x_full', 0) +
      tuple('z:g.x', 2e6),
  );
  expect(d.signals.at(-1)?.kind).toBe('time');
  d.lines(
    `{"type": "lost_events", "data": {"events": 3}}\n${tuple('e:g.x', 3e6)}\n\n${map('@g_x_seq', { 0: 2, 1: 1 })}{"type":"skipped","data":4}\n{"type":"end"}\n`,
  );
  d.end();
  expect(d.account()).toMatchObject({ emitted: 3, decoded: 1, lost: 2, filtered: 5, skipped: 4, broken: 0 });
  expect(d.signals.at(-1)?.kind).toBe('gone');
});

test('anything at all may be read without harm', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.json().map((text) => Buffer.from(text)),
          fc.constant(Buffer.from(record(1, 1e6))),
        ),
        { maxLength: 8 },
      ),
      (parts) => {
        for (const run of [runOf(), boot]) {
          const d = decoding(run);
          d.lines(Buffer.concat(parts.flatMap((part) => [Buffer.from(part), Buffer.from('\n')])));
          d.end();
        }
      },
    ),
  );
});

test('SystemTap, cut off: lines dropped behind the last that came are told, once; after a goodbye nothing is guessed', () => {
  const told = (text: string) => {
    const d = decoding(runOf({ engine: 'systemtap', dialect: 'systemtap', clock: 'monotonic' }));
    d.lines(text);
    d.end(t0 + s);
    return d.lost();
  };
  const beatOf = (kind: string, last: number) => `${kind}\t1000\t${last}\t0\t0\t0\t0\t0\n`;
  expect(told(`${beatOf('b', 3)}t\t10\n`)).toEqual([
    ['hole', 3],
    ['transport', 7],
  ]);
  expect(told(`${beatOf('b', 3)}${beatOf('e', 9)}t\t10\n`)).toEqual([['hole', 9]]);
});

test('probes that were ended because they took too much time are told as lost', () => {
  const d = decoding(runOf());
  d.lines(row(1) + beat(t0 + s, 1), t0 + s);
  d.end(t0 + 2 * s, error('ENGINE_OVERLOADED', 'too much'));
  expect(d.lost()).toEqual([['overload', 1]]);
});
