import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TapRecord } from '../decode/batch.ts';
import type { Condition, Key } from '../stream/output.ts';
import { Lifecycle, type LifecycleSettings, type Transition } from './lifecycle.ts';

const s = 1_000_000;
const settings: LifecycleSettings = { forUs: 0, keepUs: 300 * s, repeatUs: 4 * 3600 * s, maxAlerts: 1000 };
const none = () => ({ unmatched: 0, unchanged: 0, suppressed: 0, lost: 0 });
const keyOf = (name: string): Key => ({ text: JSON.stringify([name]), labels: { name } });
const record = (timeUs: number, host = 'h'): TapRecord => ({
  goal: 'g',
  host,
  boot: 'b',
  run: 'r',
  module: 'm',
  lane: 0,
  seq: timeUs,
  engine: 'replay',
  fidelity: 'event',
  timeUs,
  timeErrorUs: 0,
  n: 1,
  fields: {},
});
const condition = (seconds: number, holds: boolean, name = 'a'): Condition => {
  const timeUs = seconds * s;
  return { key: keyOf(name), holds, timeUs, count: holds ? 1 : 0, records: holds ? [record(timeUs)] : [], counted: holds ? 1 : 0 };
};
const short = (told: readonly Transition[]) =>
  told.map(({ state, timeUs, episode }) => `${state}${episode.repeat || ''} ${episode.key.text} ${timeUs / s}`);

/** Feeds a script: [seconds, true | false] is a condition of key a, [seconds] is time, 'stand' and 'back' end a pair. */
const play = (lifecycle: Lifecycle, ...steps: (readonly [number, boolean | 'stand' | 'time', string?])[]) =>
  steps.flatMap(([at, what, name]) =>
    short(typeof what === 'boolean' ? lifecycle.condition(condition(at, what, name)) : lifecycle.time(at * s, what === 'stand')),
  );

test('for 0 fires at once; keep_firing_for after the condition ended it is resolved', () => {
  const lifecycle = new Lifecycle(settings, none);
  expect(play(lifecycle, [10, true], [20, false], [319, 'time'])).toEqual(['firing ["a"] 10']);
  expect(play(lifecycle, [400, 'time'])).toEqual(['resolved ["a"] 320']);
});

test('a condition that returns within keep_firing_for goes on firing, and begins keep_firing_for anew when it ends', () => {
  const lifecycle = new Lifecycle(settings, none);
  expect(play(lifecycle, [0, true], [60, false], [300, true], [360, false], [361, 'time'], [659, 'time'])).toEqual(['firing ["a"] 0']);
  expect(play(lifecycle, [660, 'time'])).toEqual(['resolved ["a"] 660']);
});

test('for: pending fires when the condition held that long, by the deadline and not by the frame that brought it', () => {
  const lifecycle = new Lifecycle({ ...settings, forUs: 60 * s }, none);
  expect(play(lifecycle, [0, true], [59, 'time'])).toEqual([]);
  expect(play(lifecycle, [75, 'time'])).toEqual(['firing ["a"] 60']);
});

test('for: a condition that ended, even at the last moment, fires nothing', () => {
  const lifecycle = new Lifecycle({ ...settings, forUs: 60 * s }, none);
  expect(play(lifecycle, [0, true], [60, false], [1000, 'time'], [1100, true], [1159, 'time'])).toEqual([]);
});

test('keep_firing_for 0 resolves with the condition', () => {
  const lifecycle = new Lifecycle({ ...settings, keepUs: 0 }, none);
  expect(play(lifecycle, [0, true], [60, false])).toEqual(['firing ["a"] 0', 'resolved ["a"] 60']);
});

test('a firing alert repeats every repeat_interval of stream time, once after a jump, and not when it is over', () => {
  const lifecycle = new Lifecycle(settings, none);
  const hour = 3600;
  expect(play(lifecycle, [0, true], [4 * hour - 1, 'time'])).toEqual(['firing ["a"] 0']);
  expect(play(lifecycle, [4 * hour, 'time'], [17 * hour, 'time'])).toEqual([`firing1 ["a"] ${4 * hour}`, `firing4 ["a"] ${16 * hour}`]);
  expect(play(lifecycle, [20 * hour - 300, false], [20 * hour, 'time'], [30 * hour, 'time'])).toEqual([`resolved4 ["a"] ${20 * hour}`]);
});

test('a jump of time tells no repeat at or after the end', () => {
  const lifecycle = new Lifecycle({ ...settings, keepUs: 6 * 3600 * s }, none);
  expect(play(lifecycle, [0, true], [2 * 3600, false], [20 * 3600, 'time'])).toEqual([
    'firing ["a"] 0',
    `firing1 ["a"] ${4 * 3600}`,
    `resolved1 ["a"] ${8 * 3600}`,
  ]);
});

test('while no engine is ready time stands still: nothing resolves, and on return keep_firing_for begins anew', () => {
  const lifecycle = new Lifecycle(settings, none);
  expect(play(lifecycle, [0, true], [60, false], [100, 'stand'], [5000, 'stand'])).toEqual(['firing ["a"] 0']);
  expect(play(lifecycle, [10_000, 'time'], [10_299, 'time'])).toEqual([]);
  expect(play(lifecycle, [10_300, 'time'])).toEqual(['resolved ["a"] 10300']);
});

test('time that stood still does not count for `for` nor for repeats', () => {
  const pending = new Lifecycle({ ...settings, forUs: 60 * s }, none);
  expect(play(pending, [0, true], [20, 'time'], [25, 'stand'], [1000, 'time'], [1039, 'time'])).toEqual([]);
  expect(play(pending, [1100, 'time'])).toEqual(['firing ["a"] 1040']);
  const firing = new Lifecycle(settings, none);
  expect(play(firing, [0, true], [100, 'time'], [100, 'stand'], [50_000, 'time'], [64_299, 'time'])).toEqual(['firing ["a"] 0']);
  expect(play(firing, [64_300, 'time'])).toEqual(['firing1 ["a"] 64300']);
});

test('a record that comes while time stands still may fire, its absence resolves nothing', () => {
  const lifecycle = new Lifecycle({ ...settings, keepUs: 0 }, none);
  expect(play(lifecycle, [0, 'stand'], [1, true], [61, false])).toEqual(['firing ["a"] 1']);
  expect(play(lifecycle, [70, 'time'])).toEqual(['resolved ["a"] 70']);
});

test('at most max_alerts live; the rest is one alert that says so, and its place becomes free again', () => {
  const lifecycle = new Lifecycle({ ...settings, maxAlerts: 2 }, none);
  const told = ['a', 'b', 'c', 'd', 'c'].flatMap((name, at) => lifecycle.condition(condition(at, true, name)));
  expect(short(told)).toEqual(['firing ["a"] 0', 'firing ["b"] 1', 'firing [] 2']);
  expect(told[2]?.episode).toMatchObject({ overflow: true, total: 1 });
  play(lifecycle, [5, false, 'a']);
  const over = lifecycle.time(400 * s, false);
  expect(short(over)).toEqual(['resolved [] 304', 'resolved ["a"] 305']);
  expect(over[0]?.episode).toMatchObject({ total: 3 });
  expect(play(lifecycle, [401, true, 'c'])).toEqual(['firing ["c"] 401']);
});

test('an episode carries how many records, the last five, when and where', () => {
  const lifecycle = new Lifecycle({ ...settings, forUs: 60 * s }, none);
  for (let at = 0; at < 7; at++)
    lifecycle.condition({ ...condition(at, true), records: [record(at * s, `host-${at % 3}`)], count: at + 1 });
  const episode = lifecycle.time(60 * s, false)[0]?.episode;
  expect(episode).toMatchObject({ total: 7, count: 7, firstUs: 0, lastUs: 6 * s, hosts: ['host-0', 'host-1', 'host-2'] });
  expect(episode?.records.map((one) => one.timeUs / s)).toEqual([2, 3, 4, 5, 6]);
});

const stepOf = fc.record({
  skip: fc.integer({ min: 0, max: 7 }),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  what: fc.constantFrom<boolean | 'time' | 'stand'>(true, true, false, false, 'time', 'time', 'stand'),
});
const settingsOf = fc.record({
  forUs: fc.integer({ min: 0, max: 10 }).map((n) => n * s),
  keepUs: fc.integer({ min: 0, max: 10 }).map((n) => n * s),
  repeatUs: fc.integer({ min: 5, max: 20 }).map((n) => n * s),
  maxAlerts: fc.integer({ min: 1, max: 4 }),
});
const feed = (lifecycle: Lifecycle, at: number, { name, what }: { name: string; what: boolean | 'time' | 'stand' }) =>
  typeof what === 'boolean' ? lifecycle.condition(condition(at, what, name)) : lifecycle.time(at * s, what === 'stand');

test('whatever happens: never two firings of one alert without a resolve between, no resolve without a firing', () => {
  fc.assert(
    fc.property(settingsOf, fc.array(stepOf, { maxLength: 80 }), (chosen, steps) => {
      const lifecycle = new Lifecycle(chosen, none);
      const firing = new Map<string, number>();
      let at = 0;
      for (const step of steps) {
        at += step.skip;
        for (const { state, episode } of feed(lifecycle, at, step)) {
          const name = `${episode.key.text}${episode.overflow}`;
          const repeat = firing.get(name);
          if (state === 'resolved') expect(repeat).toBeDefined();
          else if (episode.repeat === 0) expect(repeat).toBeUndefined();
          else expect(episode.repeat).toBeGreaterThan(repeat ?? Infinity);
          if (state === 'resolved') firing.delete(name);
          else firing.set(name, episode.repeat);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('stored and restored at any point it tells the same; restoring tells nothing', () => {
  fc.assert(
    fc.property(settingsOf, fc.array(stepOf, { maxLength: 60 }), fc.nat(60), (chosen, steps, cut) => {
      const whole = new Lifecycle(chosen, none);
      let parts = new Lifecycle(chosen, none);
      let at = 0;
      for (const [number, step] of steps.entries()) {
        at += step.skip;
        if (number === cut) {
          const stored = JSON.stringify(parts.snapshot());
          parts = new Lifecycle(chosen, none);
          parts.restore(JSON.parse(stored) as ReturnType<Lifecycle['snapshot']>);
          expect(JSON.stringify(parts.snapshot())).toBe(stored);
        }
        expect(feed(parts, at, step)).toEqual(feed(whole, at, step));
      }
    }),
    { numRuns: 300 },
  );
});

/** Prometheus' life cycle, evaluated naively at every second: conditions of that second first, then the clock. */
test('agrees with evaluation at every second', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 0, max: 8 }),
      fc.array(fc.constantFrom<boolean | undefined>(true, false, undefined), { maxLength: 60 }),
      (forSeconds, keepSeconds, script) => {
        const lifecycle = new Lifecycle({ forUs: forSeconds * s, keepUs: keepSeconds * s, repeatUs: 1e12, maxAlerts: 9 }, none);
        const told: string[] = [];
        const expected: string[] = [];
        let holds = false;
        let sinceS = 0;
        let phase: 'inactive' | 'pending' | 'firing' = 'inactive';
        const evaluate = (at: number) => {
          if (phase === 'inactive' && holds) phase = 'pending';
          if (phase === 'pending' && !holds) phase = 'inactive';
          if (phase === 'pending' && at - sinceS >= forSeconds) expected.push(`firing ["a"] ${((phase = 'firing'), at)}`);
          if (phase === 'firing' && !holds && at - sinceS >= keepSeconds) expected.push(`resolved ["a"] ${((phase = 'inactive'), at)}`);
        };
        for (const [at, turn] of [...script, ...Array<undefined>(20)].entries()) {
          if (turn !== undefined) {
            if (turn !== holds) sinceS = at;
            holds = turn;
            told.push(...short(lifecycle.condition(condition(at, turn))));
          }
          evaluate(at);
          if (at % 3 === 0 || turn !== undefined) told.push(...short(lifecycle.time(at * s, false)));
        }
        told.push(...short(lifecycle.time(1000 * s, false)));
        for (let at = script.length + 20; at <= 100; at++) evaluate(at);
        expect(told).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
});

test('what was not counted is told since the alert was pending, also over a restart that begins counting anew', () => {
  let counts = { unmatched: 100, unchanged: 0, suppressed: 10, lost: 1 };
  const before = new Lifecycle(settings, () => counts);
  const began = before.condition(condition(0, true))[0]?.episode.began;
  expect(began).toEqual(counts);
  counts = { unmatched: 107, unchanged: 0, suppressed: 10, lost: 4 };
  const snapshot = before.snapshot();
  expect(snapshot.episodes[0]?.began).toEqual({ unmatched: 7, unchanged: 0, suppressed: 0, lost: 3 });
  counts = { unmatched: 2, unchanged: 0, suppressed: 0, lost: 0 };
  const after = new Lifecycle(settings, () => counts);
  after.restore(snapshot);
  counts = { unmatched: 3, unchanged: 0, suppressed: 0, lost: 0 };
  expect(after.snapshot().episodes[0]?.began).toEqual({ unmatched: 8, unchanged: 0, suppressed: 0, lost: 3 });
});

test('the heap of deadlines stays small however often alerts come and go', () => {
  const lifecycle = new Lifecycle({ ...settings, forUs: 3600 * s }, none);
  for (let at = 0; at < 20_000; at++) lifecycle.condition(condition(at / 1000, at % 2 === 0));
  expect(lifecycle.snapshot().episodes).toHaveLength(0);
  expect(lifecycle.pendingDeadlines).toBeLessThan(200);
});
