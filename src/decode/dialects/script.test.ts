import { expect, test } from 'vitest';
import { beatLine, byeLine, markLine, taggedOutput } from '../../engine/script-lines.ts';
import type { Run } from '../../engine/frame.ts';
import type { Goal } from '../../goals/goal.ts';
import { parsePattern } from '../../goals/pattern.ts';
import type { LinePart, LineValue, Script } from '../../goals/script.ts';
import type { Problem } from '../../problem/problem.ts';
import { Ledger } from '../../telemetry/ledger.ts';
import { Decoder } from '../decoder.ts';
import { recordAt } from '../record.ts';

const script: Script = {
  file: '/x.stp',
  language: 'systemtap',
  text: '',
  args: [],
  lines: { form: 'patterns', patterns: [] },
  ignore: [],
  clock: 'none',
  needsDebuginfo: false,
  stap: { guru: false, suppressHandlerErrors: false, skipBadvars: false, define: {} },
  bpftrace: { unsafe: false },
  library: '',
};
const parts = (pattern: string): LinePart[] =>
  parsePattern(pattern).pattern.parts.map((part) =>
    part.kind === 'value' ? { ...part, type: part.type ?? 'text', times: part.type === 'decimal' ? 1000 : 1 } : part,
  );
const field = (name: string, type: Goal['fields'][number]['type'] = 'text', optional = false, values?: string[]) => ({
  name,
  type,
  optional,
  description: name,
  ...(values && { values }),
});

function goal(fields: Goal['fields'], more: Partial<Script>): Goal {
  return {
    id: 'my.script',
    title: '',
    description: '',
    symptoms: [],
    cost: '',
    fields,
    key: [],
    engines: {},
    cannot: {},
    parameters: [],
    script: { ...script, ...more },
  };
}
const patterns = (...texts: string[]): Pick<Script, 'lines'> => ({ lines: { form: 'patterns', patterns: texts.map(parts) } });

const atUs = 1_700_000_000_000_000;
/** Records, problems, losses and the account of a run with these lines; each line was read a second after the one before. */
function read(of: Goal, lines: readonly Uint8Array[], clock: Run['clock'] = 'reading') {
  const run: Run = {
    id: 'r',
    host: 'h',
    boot: 'b',
    engine: 'systemtap',
    goal: of.id,
    module: 'm',
    fidelity: 'event',
    dialect: 'script',
    clock,
  };
  const ledger = new Ledger();
  const problems: Problem[] = [];
  const decoder = new Decoder({ goal: () => of, ledger, onProblem: (problem) => problems.push(problem) });
  const signals = decoder.push([
    { kind: 'run', run, atUs },
    ...lines.flatMap((each, i) => [
      { kind: 'marker' as const, run: 'r', number: i, beforeUs: atUs + i * 1e6, afterUs: atUs + i * 1e6, atUs: atUs + i * 1e6 },
      { kind: 'lines' as const, run: 'r', lines: each, atUs: atUs + i * 1e6 },
    ]),
    { kind: 'end', run: 'r', atUs: atUs + lines.length * 1e6 },
  ]);
  const records = signals.flatMap((signal) =>
    signal.kind === 'batch' ? Array.from({ length: signal.batch.length }, (_, row) => recordAt(signal.batch, row)) : [],
  );
  expect(ledger.imbalances()).toEqual([]);
  return { records, problems, signals, account: ledger.runs.get('r'), fields: records.map((record) => record.fields) };
}
const out = (text: string | Buffer) => taggedOutput(typeof text === 'string' ? Buffer.from(text) : text);
const seed = goal([field('comm'), field('pid', 'int')], patterns('{comm}({pid:int}) open'));

test('a line is a record, numbered as it comes, at the time at which it was read, up to a second late', () => {
  const { records } = read(seed, [out('cat(7) open\nb(8) open\n'), out('c(9) open\n')]);
  expect(records).toEqual([
    expect.objectContaining({ lane: 0, seq: 1, timeUs: atUs, timeErrorUs: 1_000_000, fields: { comm: 'cat', pid: 7 } }),
    expect.objectContaining({ lane: 0, seq: 2, timeUs: atUs, fields: { comm: 'b', pid: 8 } }),
    expect.objectContaining({ lane: 0, seq: 3, timeUs: atUs + 1e6, fields: { comm: 'c', pid: 9 } }),
  ]);
});

test('a process named like another line, or like the lines of Tapline itself, is one record with that name', () => {
  const names = ['a(1) open', 'm 5 7', 'b 1 2 3', '\\N', '"}', 'e 9 9 9', ' ', '(((((('];
  const { fields } = read(seed, [out(names.map((name) => `${name}(42) open\n`).join(''))]);
  expect(fields).toEqual(names.map((comm) => ({ comm, pid: 42 })));
  expect(read(seed, [out(Buffer.from([0x61, 0xff, ...Buffer.from('(3) open\n')]))]).fields).toEqual([{ comm: 'a\udcff', pid: 3 }]);
});

test('what fits no pattern is broken: counted, shown, never fatal; headings are ignored, empty lines passed over', () => {
  const { fields, account, problems } = read(
    { ...seed, script: { ...script, ...patterns('{comm}({pid:int}) open'), ignore: [parts('Tracing {}')] } },
    [out('Tracing opens...\n\n  \na(1) open\nsomething else\nb(99999999999999999) open\n\x18cut\nc(2) open\n')],
  );
  expect(fields.map(({ pid }) => pid)).toEqual([1, 2]);
  expect(account).toMatchObject({ emitted: 5, decoded: 2, broken: 3, lost: 0, inPipe: 0 });
  expect(problems).toEqual([expect.objectContaining({ code: 'ENGINE_LINE_BROKEN', cause: 'something else' })]);
});

test('the first pattern that fits counts; what it lacks is unknown', () => {
  const two = goal(
    [field('c', 'text'), field('path', 'text', true), field('status', 'int', true)],
    patterns('{c:word} exit {status:int}', '{c:word} exec {path}'),
  );
  expect(read(two, [out('sh exec /bin/ls\nls exit 0\n')]).fields).toEqual([{ c: 'sh', path: '/bin/ls' }, { c: 'ls', status: 0 }]); // prettier-ignore
});

test('values of every type', () => {
  const all = goal(
    [field('n', 'int'), field('h', 'int'), field('d', 'int'), field('a', 'address'), field('b', 'bool'), field('t'), field('w')],
    patterns('{n:int} {h:hex} {d:decimal} {a:address} {b:bool} {t:text:5}|{w:word}'),
  );
  expect(read(all, [out('-5 0xff 1.2345 2001:DB8::1 yes   x  |y\n1 ff 2 198.18.0.1 0 abcde|z\n1 ff 2 1::2::3 0 abcde|z\n')])).toMatchObject(
    {
      fields: [
        { n: -5, h: 255, d: 1235, a: '2001:db8::1', b: true, t: 'x', w: 'y' },
        { n: 1, h: 255, d: 2000, a: '198.18.0.1', b: false, t: 'abcde', w: 'z' },
      ],
      account: { broken: 1 },
    },
  );
});

test("a time in the line is the time of the record: nanoseconds since 1970, seconds with a fraction, the kernel's own clock", () => {
  const wall = (pattern: string) => goal([field('x')], { ...patterns(pattern), clock: 'wall' });
  expect(read(wall('{at:time_ns} {x}'), [out(`${atUs - 5}123 a\n`)], 'wall').records[0]).toMatchObject({
    timeUs: atUs - 5,
    timeErrorUs: 0,
    fields: { x: 'a' },
  });
  expect(read(wall('{at:time_s} {x}'), [out('1699999999.250000 a\n')], 'wall').records[0]?.timeUs).toBe(1_699_999_999_250_000);
  const kernel = goal([field('x')], { ...patterns('{at:time_ns} {x}'), clock: 'kernel' });
  const { records } = read(kernel, [Buffer.concat([markLine(5_000_000, 0), out('4000000000 a\n')])], 'monotonic');
  expect(records[0]).toMatchObject({ timeUs: atUs - 1e6, fields: { x: 'a' } });
});

test('JSON: wanted keys by name, their types checked, null and what is missing unknown where it may be', () => {
  const value = (name: string, type: LineValue['type'], more: Partial<LineValue> = {}) => ({ name, type, times: 1, ...more });
  const json = goal(
    [field('comm'), field('pid', 'int'), field('ms', 'int', true), field('ok', 'bool', true), field('st', 'enum', true, ['A', 'B'])],
    {
      lines: {
        form: 'json',
        values: [
          value('comm', 'text'),
          value('pid', 'int'),
          value('ms', 'decimal', { times: 10 }),
          value('ok', 'bool'),
          value('st', 'enum', { values: ['A', 'B'] }),
        ],
      },
      ignore: [parts('{}started{}')],
    },
  );
  const lines = ['{"comm":"a\\"}(1) open","pid":5,"ms":1.25,"ok":true,"st":"B","more":{}}', '{"comm":"b","pid":6,"ms":null}', 'started'];
  const bad = [
    '{"comm":"c"}',
    '{"comm":"c","pid":"7"}',
    '{"comm":"c","pid":7.5}',
    '{"comm":"c","pid":7,"st":"C"}',
    '{"comm":"c","pid":7,"ok":1}',
    '[1]',
    '{',
    '{"__proto__":{"comm":"c"},"pid":1}',
  ];
  const { fields, account } = read(json, [out([...lines, ...bad].map((line) => `${line}\n`).join(''))]);
  expect(fields).toEqual([
    { comm: 'a"}(1) open', pid: 5, ms: 13, ok: true, st: 'B' },
    { comm: 'b', pid: 6 },
  ]);
  expect(account).toMatchObject({ decoded: 2, broken: bad.length });
});

test('what the transport says it lost is told, and the sum closes', () => {
  const { account, signals } = read(seed, [
    Buffer.concat([markLine(atUs, 0), beatLine(atUs, 0, 0), out('a(1) open\n')]),
    Buffer.concat([beatLine(atUs + 1e6, 3, 2), out('b(2) open\n')]),
    beatLine(atUs + 3e6, 3, 2),
    byeLine(atUs + 4e6, 4, 2),
  ]);
  expect(account).toMatchObject({ emitted: 6, decoded: 2, lost: 4, broken: 0, inPipe: 0, skipped: 2 });
  const lost = signals.flatMap((signal) => (signal.kind === 'lost' ? [[signal.reason, signal.count]] : []));
  expect(lost).toEqual([['skipped', 2], ['hole', 3], ['hole', 1]]); // prettier-ignore
  expect(signals.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['ready', 'time', 'gone']));
});
