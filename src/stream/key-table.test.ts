import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batch, goal, row } from '../../test/stream-rows.ts';
import { recordAt } from '../decode/record.ts';
import { KeptRows } from './kept-rows.ts';
import { KeyReader } from './key.ts';
import { KeyTable } from './key-table.ts';

const commands = fc.array(
  fc.oneof(
    fc.record({ put: fc.integer({ min: 0, max: 40 }), due: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ takeUntil: fc.integer({ min: 0, max: 50 }) }),
  ),
  { maxLength: 200 },
);

test('finds what was added and gives it back in the order in which it is due, like a map would', () => {
  fc.assert(
    fc.property(commands, (all) => {
      const keys = new KeyReader(goal, ['dport', 'comm'], [1, 2]);
      const rows = batch(...Array.from({ length: 41 }, (_, i) => row(0, { dport: i % 7, comm: `c${i}` })));
      keys.bind(rows);
      const table = new KeyTable(keys, 1000, () => undefined);
      const model = new Map<string, number>();
      for (const each of all) {
        if ('put' in each) {
          keys.load(each.put);
          const name = JSON.stringify([each.put % 7, `c${each.put}`]);
          const entry = table.find();
          expect(entry >= 0).toBe(model.has(name));
          if (entry < 0) table.add(each.due);
          else table.setDue(entry, each.due);
          model.set(name, each.due);
        } else {
          const taken: [string, number][] = [];
          for (; table.nextDue() <= each.takeUntil; table.removeNext()) taken.push([table.key(table.nextEntry()).text, table.nextDue()]);
          const expected = [...model].filter(([, due]) => due <= each.takeUntil);
          expect(taken.map(([, due]) => due)).toEqual(expected.map(([, due]) => due).sort((a, b) => a - b));
          expect(new Map(taken)).toEqual(new Map(expected));
          for (const [name] of expected) model.delete(name);
        }
        expect(table.size).toBe(model.size);
      }
    }),
  );
});

test('a kept row is the record that recordAt copies out, also after a restore', () => {
  const rows = batch(
    row(1.5, { daddr: '2001:db8::1', comm: 'a\udc80"\n' }, 3),
    row(2, { daddr: undefined, rto_ms: undefined, state: undefined, comm: undefined, fresh: false }),
  );
  const kept = new KeptRows(goal);
  kept.bind(rows);
  for (const each of [0, 1]) {
    const slot = kept.take();
    kept.put(slot, rows, each);
    const record = recordAt(rows, each);
    expect(kept.record(slot)).toEqual(record);
    const other = new KeptRows(goal);
    const restored = other.take();
    other.restore(restored, record);
    expect(other.record(restored)).toEqual(record);
    kept.give(slot);
  }
  expect(kept.size).toBe(0);
});
