import fc from 'fast-check';
import { Subject, throwError } from 'rxjs';
import { expect, test } from 'vitest';
import type { Goal } from '../goals/goal.ts';
import { error } from '../problem/problem.ts';
import type { Frame, Run } from './frame.ts';
import { columnsDiffer, frameLine, headerLine, parseFrame, parseHeader, record } from './recording.ts';

const goal = (fields: string): Goal => ({
  id: 'tcp.retransmit',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  fields: fields.split(' ').map((name) => ({ name, type: name === 'comm' ? 'text' : 'int', optional: false, description: '' })),
  key: [],
  engines: {},
});

const time = fc.integer({ min: 0, max: 2 ** 53 });
const usual = {
  id: fc.string({ maxLength: 16 }),
  host: fc.string({ unit: 'binary', maxLength: 64 }),
  boot: fc.string(),
  engine: fc.constantFrom('bpftrace', 'systemtap', 'procfs', 'tapline'),
  goal: fc.string(),
  module: fc.string(),
  fidelity: fc.constantFrom('event', 'sampled'),
  dialect: fc.constantFrom('bpftrace', 'systemtap', 'procfs', 'tapline'),
  clock: fc.constantFrom('monotonic', 'boottime', 'wall'),
} as const;
const runs: fc.Arbitrary<Run> = fc.oneof(fc.record(usual), fc.record({ ...usual, with: fc.string() }));
const problem = fc.string().map((cause) => error('ENGINE_UNAVAILABLE', 'It ended.', { cause }));
const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('run' as const), run: runs, atUs: time }),
  fc.record({ kind: fc.constant('lines' as const), run: fc.string(), lines: fc.uint8Array({ maxLength: 300 }), atUs: time }),
  fc.record({
    kind: fc.constant('lines' as const),
    run: fc.string(),
    lines: fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    atUs: time,
  }),
  fc.record({ kind: fc.constant('marker' as const), run: fc.string(), number: fc.nat(), beforeUs: time, afterUs: time, atUs: time }),
  fc.record({ kind: fc.constant('end' as const), run: fc.string(), problem, atUs: time }),
  fc.record({ kind: fc.constant('end' as const), run: fc.string(), atUs: time }),
  fc.record({ kind: fc.constant('notice' as const), problem, atUs: time }),
);
const plain = (frame: Frame | undefined) =>
  frame?.kind === 'lines' ? { ...frame, lines: Buffer.from(frame.lines).toString('hex') } : frame;

test('any frame comes back from its line, bytes and all', () =>
  fc.assert(
    fc.property(frames, (frame) => {
      const line = frameLine(frame);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(plain(parseFrame(line))).toEqual(plain(frame));
    }),
  ));

test('any other line is no frame', () => {
  const isNone = (line: string) => {
    expect(parseFrame(line)).toBeUndefined();
  };
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), isNone));
  fc.assert(fc.property(frames, fc.nat(), (frame, at) => isNone(frameLine(frame).slice(0, at % (frameLine(frame).length - 1)))));
});

test('lines that are UTF-8 can be read in the recording', () => {
  expect(frameLine({ kind: 'lines', run: 'a', lines: Buffer.from('[0,"é"]\n'), atUs: 1 })).toContain('[0,\\"é\\"]\\n');
});

test('a code of another version keeps its words', () =>
  expect(parseFrame('{"kind":"notice","problem":{"code":"SOMETHING_NEWER","severity":"warning","message":"Hm."},"atUs":1}')).toMatchObject({
    problem: { code: 'ENGINE_RECORDED', severity: 'warning', message: 'Hm.' },
  }));

test('the header tells which columns there are, and what differs', () => {
  const header = parseHeader(headerLine([goal('saddr sport comm')]));
  if (!header.ok) throw new Error('no header');
  expect(columnsDiffer(header.value, goal('saddr sport comm'))).toBeUndefined();
  expect(columnsDiffer(header.value, goal('saddr dport comm'))).toMatchObject({
    code: 'ENGINE_RECORDING_COLUMNS',
    message: 'tcp.retransmit was recorded with other columns: it had sport:int; it now has dport:int.',
  });
  expect(columnsDiffer(header.value, goal('sport saddr comm'))?.message).toContain('another order');
});

test.each([
  ['', 'ENGINE_RECORDING_NONE'],
  ['{"kind":"run"}', 'ENGINE_RECORDING_NONE'],
  ['{"recording":"tapline","version":2,"goals":{}}', 'ENGINE_RECORDING_VERSION'],
  ['{"recording":"tapline","version":1,"goals":{"a":"b"}}', 'ENGINE_RECORDING_BROKEN'],
])('%s is no header: %s', (line, code) => expect(parseHeader(line)).toMatchObject({ ok: false, problems: [{ code }] }));

test('recording writes the header, what passes, and closes at the end', () => {
  const written: string[] = [];
  const source = new Subject<readonly Frame[]>();
  const passed: (readonly Frame[])[] = [];
  source
    .pipe(
      record(
        [goal('saddr')],
        (text) => written.push(text),
        () => written.push('closed'),
      ),
    )
    .subscribe((some) => passed.push(some));
  const some: Frame[] = [{ kind: 'end', run: 'a', atUs: 1 }];
  source.next(some);
  source.complete();
  expect(passed).toEqual([some]);
  expect(written).toEqual([headerLine([goal('saddr')]), '{"kind":"end","run":"a","atUs":1}\n', 'closed']);
  throwError(() => new Error('x'))
    .pipe(
      record(
        [],
        () => undefined,
        () => written.push('closed again'),
      ),
    )
    .subscribe({ error: () => undefined });
  expect(written.at(-1)).toBe('closed again');
});
