import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleRecord } from '../../test/contracts/items.ts';
import { error } from '../problem/problem.ts';
import { MemoryQueue } from './queue.ts';
import { reject, retry, sent, type SendResult } from './sink.ts';

const problem = error('DELIVERY_SINK_FAULT', 'for a test');
const answers: Record<string, SendResult> = { s: sent(), r: retry(problem), x: reject(problem) };
const items = (...ids: string[]) => ids.map((id) => sampleRecord(id));
const ids = (of: readonly { id: string }[] | undefined) => of?.map((item) => item.id) ?? [];

test('a retry brings the very same notification, whatever came behind it', () => {
  const queue = new MemoryQueue('s', 10);
  queue.append(items('a', 'b'));
  const head = queue.head(5);
  expect(ids(head?.items)).toEqual(['a', 'b']);
  queue.append(items('c'));
  queue.settle([retry(problem), retry(problem)]);
  expect(queue.head(5)).toBe(head);
  queue.settle([sent(), sent()]);
  expect(ids(queue.head(5)?.items)).toEqual(['c']);
});

test('what an answer leaves over is a notification of its own', () => {
  const queue = new MemoryQueue('s', 10);
  queue.append(items('a', 'b', 'c'));
  const before = queue.head(3);
  const settled = queue.settle([sent(), retry(problem), reject(problem)]);
  expect([ids(settled.sent), ids(settled.rejected.map((letter) => letter.item))]).toEqual([['a'], ['c']]);
  const after = queue.head(3);
  expect(ids(after?.items)).toEqual(['b']);
  expect(after?.id).not.toBe(before?.id);
  expect(ids(queue.deadLetters().map((letter) => letter.item))).toEqual(['c']);
});

test('drops the oldest behind the head when full, never out of the head', () => {
  const queue = new MemoryQueue('s', 2);
  queue.append(items('a', 'b'));
  queue.head(1);
  expect(ids(queue.append(items('c')))).toEqual([]);
  expect(ids(queue.append(items('d', 'e')))).toEqual(['b', 'c']);
  expect(ids(queue.waiting())).toEqual(['a', 'd', 'e']);
});

test('a digest is one notification, alone, however small the batches are', () => {
  const queue = new MemoryQueue('s', 10);
  const heldBack = { digestOf: 3, windowFromUs: 1, windowToUs: 2 };
  queue.append(items('x'));
  queue.append(items('a', 'b', 'c'), { heldBack });
  queue.append(items('y'));
  expect(ids(queue.head(2)?.items)).toEqual(['x']);
  queue.settle([sent()]);
  expect(queue.head(2)).toMatchObject({ heldBack });
  expect(ids(queue.head(2)?.items)).toEqual(['a', 'b', 'c']);
  queue.giveUp(problem);
  expect(ids(queue.head(2)?.items)).toEqual(['y']);
});

test('a digest larger than the queue is not dropped for its size', () => {
  const queue = new MemoryQueue('s', 2);
  queue.append(items('x'));
  expect(ids(queue.append(items('a', 'b', 'c'), {}))).toEqual(['x']);
  expect(ids(queue.head(1)?.items)).toEqual(['a', 'b', 'c']);
});

/** What the queue must do, as plainly as it can be said: a list, of which the first `cut` items are the head. */
test('does what a plain list does', () => {
  const command = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 0, max: 5 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('head' as const), max: fc.integer({ min: 1, max: 4 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        answers: fc.array(fc.constantFrom('s', 'r', 'x'), { minLength: 4, maxLength: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('giveUp' as const) }) },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), fc.integer({ min: 1, max: 8 }), (commands, bound) => {
      const queue = new MemoryQueue('s', bound);
      let list: string[] = [];
      let cut = 0;
      let number = 0;
      for (const command of commands) {
        if (command.do === 'append') {
          const added = Array.from({ length: command.count }, () => String(number++));
          const dropped = ids(queue.append(items(...added)));
          list.push(...added);
          const excess = Math.max(0, list.length - cut - bound);
          expect(dropped).toEqual(list.splice(cut, excess));
        } else if (command.do === 'head') {
          if (cut === 0) cut = Math.min(command.max, list.length);
          expect(ids(queue.head(command.max)?.items)).toEqual(list.slice(0, cut));
        } else if (command.do === 'settle') {
          const given = command.answers.slice(0, cut);
          const settled = queue.settle(given.map((letter) => answers[letter] ?? sent()));
          const where = (letter: string) => list.slice(0, cut).filter((_, at) => given[at] === letter);
          expect(ids(settled.sent)).toEqual(where('s'));
          expect(ids(settled.rejected.map((letter) => letter.item))).toEqual(where('x'));
          const left = where('r');
          list = [...left, ...list.slice(cut)];
          cut = left.length;
        } else {
          expect(ids(queue.giveUp(problem).map((letter) => letter.item))).toEqual(list.splice(0, cut));
          cut = 0;
        }
        expect(queue.size).toBe(list.length);
        expect(ids(queue.waiting())).toEqual(list);
      }
    }),
    { numRuns: 300 },
  );
});
