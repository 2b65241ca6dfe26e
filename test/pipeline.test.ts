import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { from } from 'rxjs';
import { expect, test } from 'vitest';
import type { Item } from '../src/alerts/item.ts';
import { sent, type Sink } from '../src/delivery/sink.ts';
import type { Frame } from '../src/engine/frame.ts';
import { parseFrame } from '../src/engine/recording.ts';
import { loadGoals } from '../src/goals/catalogue.ts';
import { runPipeline } from '../src/pipeline.ts';
import { error, type Problem } from '../src/problem/problem.ts';
import type { Rule } from '../src/rules/rule.ts';
import { Ledger } from '../src/telemetry/ledger.ts';

const folder = join(import.meta.dirname, '../scripts-stp');
const loaded = loadGoals(folder);
const goals = loaded.ok ? loaded.value : new Map<never, never>();
const recorded = readFileSync(join(folder, 'tcp.retransmit/example.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .flatMap((line) => parseFrame(line) ?? []);

const forward = (name: string, goal: string, more: object = {}): Rule => ({
  kind: 'forward',
  name,
  group: 'test',
  goal,
  by: goals.get(goal)?.key ?? [],
  labels: {},
  to: ['out'],
  place: { file: 'test.yaml', line: 1, column: 1 },
  ...more,
});

/** Runs frames through the whole pipeline; answers what reached the sink, the ledger and the notices. */
async function through(frames: readonly Frame[], rules: readonly Rule[]) {
  const items: Item[] = [];
  const problems: Problem[] = [];
  const ledger = new Ledger();
  const sink: Sink = {
    send: async (notification) => (items.push(...notification.items), notification.items.map(() => sent())),
    close: async () => undefined,
  };
  const unsent = await runPipeline({
    frames: from(frames.map((frame) => [frame])),
    rules,
    goals,
    sinks: [{ name: 'out', sink, definition: { grouping: 'each', maxItems: 100 } }],
    taplineTo: ['out'],
    ledger,
    host: 'h',
    boot: 'b',
    secret: [1, 2],
    maxKeys: 1000,
    notice: (problem) => problems.push(problem),
  }).ended;
  expect(unsent).toEqual([]);
  expect(ledger.imbalances()).toEqual([]);
  return { items, ledger, problems };
}

/** The frames with some of their record lines left out. */
const without = (frames: readonly Frame[], leaveOut: (nth: number) => boolean): { frames: Frame[]; left: number } => {
  let nth = 0;
  let left = 0;
  const kept = frames.map((frame): Frame => {
    if (frame.kind !== 'lines') return frame;
    const lines = Buffer.from(frame.lines).toString('latin1').split('\n').slice(0, -1);
    const some = lines.filter((line) => {
      if (!/\["r:/.test(line)) return true;
      const out = leaveOut(nth++);
      if (out) left += 1;
      return !out;
    });
    return { ...frame, lines: Buffer.from(some.map((line) => `${line}\n`).join(''), 'latin1') };
  });
  return { frames: kept, left };
};

test('every recorded retransmission leaves as one item, and a second time with the same ids', async () => {
  const rules = [forward('all', 'tcp.retransmit')];
  const first = await through(recorded, rules);
  const second = await through(recorded, rules);
  const [run] = first.ledger.runs.values();
  expect(first.items.length).toBeGreaterThan(5);
  expect(first.items).toHaveLength(run?.decoded ?? -1);
  expect(second.items).toEqual(first.items);
});

test('lines that the probe numbered and that never came are told as tapline.lost, with no rule written, and the same on replay', async () => {
  const { frames, left } = without(recorded, (nth) => nth === 1 || nth === 2);
  expect(left).toBe(2);
  const rules = [forward('all', 'tcp.retransmit')];
  const { items, ledger } = await through(frames, rules);
  const lost = items.filter((item) => item.goal === 'tapline.lost');
  expect(lost.reduce((sum, item) => sum + (item.body.kind === 'lost' ? (item.body.count ?? 0) : 0), 0)).toBe(2);
  expect([...ledger.runs.values()][0]).toMatchObject({ lost: 2 });
  expect((await through(frames, rules)).items).toEqual(items);
});

test('what dedupe held back can be asked for as tapline.suppressed', async () => {
  const { items, ledger } = await through(recorded, [
    forward('all', 'tcp.retransmit', { dedupeMs: 60_000 }),
    forward('held', 'tapline.suppressed'),
  ]);
  const told = items.filter((item) => item.goal === 'tapline.suppressed');
  const counts = told.map((item) => (item.body.kind === 'record' ? Number(item.body.record.fields['count']) : 0));
  expect(counts.length).toBeGreaterThan(0);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ledger.rule('all').deduped);
});

test('a run that failed is told as tapline.degraded', async () => {
  const failed = recorded.map((frame): Frame =>
    frame.kind === 'end' ? { ...frame, problem: error('ENGINE_FAILED', 'It fell over.') } : frame,
  );
  const { items } = await through(failed, [forward('all', 'tcp.retransmit')]);
  const degraded = items.find((item) => item.goal === 'tapline.degraded');
  expect(degraded?.body).toMatchObject({ record: { fields: { of: 'tcp.retransmit', state: 'failed', why: 'It fell over.' } } });
});
