import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleAlert, sampleRecord } from '../../test/contracts/items.ts';
import { Digest } from './digest.ts';

const settings = { groupWaitMs: 10_000, digestMs: 300_000 };
const ids = (items: readonly { id: string }[] | undefined) => items?.map((item) => item.id);

test('the first notification leaves after group_wait, the next not before digest is over', () => {
  const digest = new Digest(settings, 100);
  expect(digest.dueMs).toBeUndefined();
  digest.add([sampleAlert('a')], 1000);
  digest.add([sampleAlert('b')], 9000);
  expect(digest.dueMs).toBe(11_000);
  expect(digest.take(11_000)).toMatchObject({ heldBack: { digestOf: 2, windowFromUs: 1_000_000, windowToUs: 11_000_000 } });
  digest.add([sampleAlert('a-over', 'resolved')], 12_000);
  expect(digest.dueMs).toBe(311_000);
  expect(digest.take(311_000)).toEqual({ items: [expect.objectContaining({ id: 'a-over' })] });
  digest.add([sampleAlert('late')], 605_000);
  expect(digest.dueMs).toBe(615_000);
  digest.take(615_000);
  digest.add([sampleAlert('much-later')], 1_000_000);
  expect(digest.dueMs).toBe(1_010_000);
});

test('a digest of one is a normal notification', () => {
  const digest = new Digest(settings, 100);
  digest.add([sampleAlert('one')], 0);
  expect(digest.take(10_000)).not.toHaveProperty('heldBack');
  expect(digest.take(10_000)).toBeUndefined();
});

test('records make room before alerts do, the oldest first', () => {
  const digest = new Digest(settings, 3);
  expect(ids(digest.add([sampleRecord('r1'), sampleAlert('a1'), sampleRecord('r2'), sampleAlert('a2')], 0))).toEqual(['r1']);
  expect(ids(digest.add([sampleAlert('a3'), sampleAlert('a4')], 1))).toEqual(['r2', 'a1']);
  expect(ids(digest.take(10_000)?.items)).toEqual(['a2', 'a3', 'a4']);
});

test('each item leaves in exactly one notification, in the order of arrival, or was dropped', () => {
  const step = fc.oneof(
    fc.array(fc.boolean(), { maxLength: 6 }).map((alerts) => ({ add: alerts })),
    fc.constant('take' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const digest = new Digest(settings, 8);
      const added: string[] = [];
      const gone: string[] = [];
      let now = 0;
      const take = () => {
        const taken = ids(digest.take(now)?.items) ?? [];
        expect(taken).toEqual([...taken].sort());
        gone.push(...taken);
      };
      for (const one of steps) {
        now += 1000;
        if (one === 'take') take();
        else {
          const items = one.add.map((alert, at) => (alert ? sampleAlert : sampleRecord)(`${String(now).padStart(6, '0')}.${at}`));
          added.push(...items.map((item) => item.id));
          gone.push(...(ids(digest.add(items, now)) ?? []));
          expect(digest.size).toBeLessThanOrEqual(8);
        }
      }
      take();
      expect(gone.sort()).toEqual(added.sort());
    }),
  );
});
