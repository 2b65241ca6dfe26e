import { expect, test } from 'vitest';
import type { Goal } from '../../goals/goal.ts';
import type { Run } from '../../engine/frame.ts';
import { BatchBuilder } from '../columns.ts';
import type { Beat } from '../lines.ts';
import { recordAt } from '../record.ts';
import { systemtapLines } from './systemtap.ts';

const field = (name: string, type: Goal['fields'][number]['type'], optional = false, values?: readonly string[]) => ({
  name,
  type,
  optional,
  description: name,
  ...(values && { values }),
});
const goal: Goal = {
  id: 'test.lines',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  key: ['port'],
  engines: {},
  fields: [
    field('port', 'int'),
    field('address', 'address'),
    field('state', 'enum', false, ['ESTABLISHED', 'SYN_SENT']),
    field('pid', 'int', true),
    field('comm', 'text', true),
    field('cut', 'bool'),
  ],
};
const run: Run = {
  id: 'r',
  host: 'h',
  boot: 'b',
  engine: 'systemtap',
  goal: goal.id,
  module: 'm',
  fidelity: 'event',
  dialect: 'systemtap',
  clock: 'monotonic',
};
const v4 = '00000000000000000000ffffc6120002';

function read(text: string | Uint8Array) {
  const builder = new BatchBuilder(goal);
  const seen = {
    marks: [] as number[][],
    beats: [] as [number, Beat][],
    byes: [] as Beat[],
    dropped: [] as number[],
    broken: [] as [string, number | undefined, number | undefined][],
  };
  systemtapLines.reader(goal)(typeof text === 'string' ? Buffer.from(text) : text, builder, {
    atUs: 0,
    record: (lane, seq, clockUs) => builder.commit(lane, seq, clockUs),
    forgotten: () => undefined,
    mark: (clockUs, number) => seen.marks.push([clockUs, number]),
    beat: (clockUs, beat) => seen.beats.push([clockUs, beat]),
    bye: (_clockUs, beat) => seen.byes.push(beat),
    dropped: (lines) => seen.dropped.push(lines),
    broken: (line, lane, seq) => seen.broken.push([Buffer.from(line).toString('latin1'), lane, seq]),
  });
  const batch = builder.build(run, (timeUs) => ({ timeUs, errorUs: 0 }));
  return { ...seen, records: Array.from({ length: batch.length }, (_, row) => recordAt(batch, row)) };
}

test('a record, with everything known and with everything unknown that may be', () => {
  const { records, broken } = read(
    `r\t1\t1000\t443\t${v4}\t1\t77\tnginx\t0\nr\t2\t1001\t0\t20010db8000a00000000000000000002\t0\t\\N\t\\N\t1\n`,
  );
  expect(broken).toEqual([]);
  expect(records.map(({ seq, timeUs, fields }) => ({ seq, timeUs, ...fields }))).toEqual([
    { seq: 1, timeUs: 1000, port: 443, address: '198.18.0.2', state: 'SYN_SENT', pid: 77, comm: 'nginx', cut: false },
    { seq: 2, timeUs: 1001, port: 0, address: '2001:db8:a::2', state: 'ESTABLISHED', cut: true },
  ]);
});

test('text comes through byte for byte: escapes, a literal \\N, bytes that are no UTF-8, nothing at all', () => {
  const texts: [wire: Uint8Array, text: string][] = [
    [Buffer.from('","rto_ms":1}\\n{'), '","rto_ms":1}\n{'],
    [Buffer.from('a\\tb\\\\N\\x01\\x7f'), 'a\tb\\N\x01\x7f'],
    [Buffer.from('\\\\N'), '\\N'],
    [Buffer.from([0x61, 0xff, 0xc3, 0xa9]), 'a\udcff\u00e9'],
    [Buffer.from(''), ''],
  ];
  for (const [wire, text] of texts) {
    const { records, broken } = read(Buffer.concat([Buffer.from(`r\t1\t1\t1\t${v4}\t0\t1\t`), wire, Buffer.from('\t0\n')]));
    expect(broken).toEqual([]);
    expect(records[0]?.fields['comm']).toBe(text);
  }
});

test('marks, beats and the goodbye; a handler that failed counts as skipped', () => {
  const { marks, beats, byes, dropped } = read('m\t5\t41\nb\t6\t7\t1\t2\t3\t4\t5\ne\t8\t9\t0\t0\t0\t0\t0\nt\t12\n');
  expect(dropped).toEqual([12]);
  expect(marks).toEqual([[5, 41]]);
  expect(beats).toEqual([[6, { emitted: [[0, 7]], lost: 1, skipped: 5, filtered: 4, missed: 0, mapFull: 5 }]]);
  expect(byes.map(({ emitted }) => emitted)).toEqual([[[0, 9]]]);
});

test('a line that cannot be read is broken, with its number where that can be read, and the next one is whole', () => {
  const good = `r\t9\t1\t1\t${v4}\t0\t1\ta\t0\n`;
  const numbered = [
    `r\t3\t1\t1\t${v4}\t0\t1\ta`,
    `r\t3\t1\t1\t${v4}\t0\t1\ta\t0\tmore`,
    `r\t3\t1\t\\N\t${v4}\t0\t1\ta\t0`,
    `r\t3\t1\t1\t${v4}\t2\t1\ta\t0`,
    `r\t3\t1\t1\t${v4}\t0\t1\ta\t2`,
    `r\t3\t1\t1\tzz${v4.slice(2)}\t0\t1\ta\t0`,
    `r\t3\t1\t1\t${v4}\t0\t99999999999999999\ta\t0`,
    `r\t3\t1\t1\t${v4}\t0\t1\ta\\\t0`,
    `r\t3\t1\t1\t${v4}\t0\t1\ta\\x0\t0`,
    `r\t3\t1\t1\t${v4}\t0\t1\ta\\q\t0`,
    `r\t3\t-1\t1\t${v4}\t0\t1\ta\t0`,
    'r\t3\t',
  ];
  for (const line of numbered) {
    const { broken, records } = read(`${line}\n${good}`);
    expect(broken).toEqual([[line, 0, 3]]);
    expect(records.map(({ seq }) => seq)).toEqual([9]);
  }
  for (const line of ['', 'x', 'r', 'r\t', 'r\t0\t1', 'rr\t1', 'm\t1', 'm\t1\t2\t3', 'b\t1\t2', 'b\t1\t1\t1\t1\t1\t1\t-1', '\x18garbage']) {
    const { broken, records } = read(`${line}\n${good}`);
    expect(broken).toEqual([[line, undefined, undefined]]);
    expect(records.length).toBe(1);
  }
});
