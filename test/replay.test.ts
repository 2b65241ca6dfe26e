import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, expect, test } from 'vitest';
import type { Frame, Run } from '../src/engine/frame.ts';
import { frameLine, headerLine } from '../src/engine/recording.ts';
import { replayEngine, type ReplayOptions } from '../src/engine/replay/index.ts';
import { goalOf } from './lab/goals.ts';
import { procfsModule, thisHost } from './lab/procfs.ts';

const folder = mkdtempSync(join(tmpdir(), 'tapline-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const modules = [procfsModule('tcp.retransmit')];
const run = (id: string, goal = 'tcp.retransmit'): Run => ({
  id,
  host: 'web-3',
  boot: 'b',
  engine: 'bpftrace',
  goal,
  module: 'm',
  fidelity: 'event',
  dialect: 'bpftrace',
  clock: 'monotonic',
});
const begin = (id: string, goal?: string): Frame => ({ kind: 'run', run: run(id, goal), atUs: 1_000_000 });
const lines = (id: string, text: string, atUs = 2_000_000): Frame => ({ kind: 'lines', run: id, lines: Buffer.from(text, 'latin1'), atUs });
const end = (id: string): Frame => ({ kind: 'end', run: id, atUs: 3_000_000 });
const recorded = (...frames: readonly Frame[]) =>
  headerLine([goalOf('tcp.retransmit'), goalOf('syscall.open')]) + frames.map(frameLine).join('');

let made = 0;
async function replay(content: string, options: Partial<ReplayOptions> = {}, stop = new AbortController().signal): Promise<Frame[]> {
  const file = join(folder, `${made++}.tlrec`);
  writeFileSync(file, content);
  const all = await lastValueFrom(
    replayEngine({ file, speed: 'max', ...options })
      .run(modules, thisHost(), stop)
      .pipe(toArray()),
  );
  return all.flat();
}
const problems = (frames: readonly Frame[]) => frames.flatMap((frame) => ('problem' in frame && frame.problem ? [frame.problem] : []));

test('the frames as they were recorded, with who and where they are from', async () => {
  const frames = [
    begin('a'),
    lines('a', 'x\n\xff\xfe\n'),
    { kind: 'marker', run: 'a', number: 1, beforeUs: 1, afterUs: 2, atUs: 3 } as const,
    end('a'),
  ];
  expect(await replay(recorded(...frames))).toEqual(frames);
});

test('only the goals that are asked for', async () =>
  expect(await replay(recorded(begin('a'), begin('b', 'syscall.open'), lines('b', 'x\n'), end('b'), end('a')))).toEqual([
    begin('a'),
    end('a'),
  ]));

test('a broken line is told with its number and left out, what is around it stays', async () => {
  const [header = '', first = '', second = '', third = ''] = recorded(begin('a'), lines('a', 'x\n'), end('a')).split(/(?<=\n)/);
  const frames = await replay(header + first + '{"kind":"lines","run":"a",\n' + second + frameLine(lines('z', 'no such run\n')) + third);
  expect(frames.filter(({ kind }) => kind !== 'notice')).toEqual([begin('a'), lines('a', 'x\n'), end('a')]);
  expect(problems(frames)).toMatchObject([
    { code: 'ENGINE_RECORDING_BROKEN', place: { line: 3, column: 1, text: '{"kind":"lines","run":"a",' } },
    { code: 'ENGINE_RECORDING_BROKEN', place: { line: 5 } },
  ]);
});

test('many broken lines are ten and a number', async () => {
  const found = problems(await replay(recorded(begin('a')) + 'x\n'.repeat(25) + frameLine(end('a'))));
  expect(found).toHaveLength(11);
  expect(found.at(-1)?.message).toContain('15 more broken lines');
});

test('a recorder that was killed: the cut line is told, and its runs end', async () => {
  const frames = await replay(recorded(begin('a'), lines('a', 'x\n')) + '{"kind":"lin');
  expect(problems(frames).map(({ code }) => code)).toEqual(['ENGINE_RECORDING_BROKEN', 'ENGINE_RECORDING_CUT']);
  expect(frames.at(-1)).toMatchObject({ kind: 'end', run: 'a', atUs: 2_000_000 });
});

test.each([
  ['', 'ENGINE_RECORDING_NONE'],
  ['hello\n', 'ENGINE_RECORDING_NONE'],
  [recorded(begin('a')).replace('"version":1', '"version":99'), 'ENGINE_RECORDING_VERSION'],
  [recorded(begin('a')).replace('"sport:int"', '"sport:text"'), 'ENGINE_RECORDING_COLUMNS'],
])('%.30s ... is refused: %s', async (content, code) => {
  const frames = await replay(content);
  expect(frames).toHaveLength(1);
  expect(problems(frames)).toMatchObject([{ code, severity: 'error', place: { line: 1 } }]);
});

test('a file that is not there', async () => {
  const engine = replayEngine({ file: join(folder, 'none'), speed: 'max' });
  expect(await engine.available(thisHost())).toMatchObject({ can: false });
  const frames = (await lastValueFrom(engine.run(modules, thisHost(), new AbortController().signal).pipe(toArray()))).flat();
  expect(problems(frames)).toMatchObject([{ code: 'ENGINE_RECORDING_UNREADABLE' }]);
});

test('says before that a file is no recording', async () => {
  writeFileSync(join(folder, 'good'), recorded());
  writeFileSync(join(folder, 'bad'), 'x\n');
  expect(await replayEngine({ file: join(folder, 'good'), speed: 'max' }).available(thisHost())).toMatchObject({ can: true });
  expect(await replayEngine({ file: join(folder, 'bad'), speed: 'max' }).available(thisHost())).toMatchObject({ can: false });
});

test('from standard input, and a silent one does not hold up the end', async () => {
  const stdin = new PassThrough();
  const stop = new AbortController();
  stdin.write(recorded(begin('a')));
  const frames: Frame[] = [];
  await new Promise<void>((resolve, reject) =>
    replayEngine({ file: '-', speed: 'max', stdin })
      .run(modules, thisHost(), stop.signal)
      .subscribe({
        next(some) {
          frames.push(...some);
          stop.abort();
        },
        error: reject,
        complete: resolve,
      }),
  );
  expect(frames).toEqual([begin('a'), { kind: 'end', run: 'a', atUs: 1_000_000 }]);
});

test('in real time it takes as long as it took', async () => {
  const at = (ms: number): Frame => lines('a', 'x\n', 1_000_000 + ms * 1000);
  const start = performance.now();
  const frames = await replay(recorded(begin('a'), at(100), at(250), { ...end('a'), atUs: 1_300_000 }), { speed: 'real' });
  expect(frames).toHaveLength(4);
  expect(performance.now() - start).toBeGreaterThanOrEqual(299);
});
