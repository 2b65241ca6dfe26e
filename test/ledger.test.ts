import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Decoder } from '../src/decode/decoder.ts';
import type { Frame } from '../src/engine/frame.ts';
import type { Signal } from '../src/decode/signal.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { alert, at, forward, goal, pipeOf, run } from './stream-rows.ts';

/** The lines of a run of ten seconds: a record each 50 ms, a heartbeat each second. */
function linesOf(records: number): string[] {
  const lines = [`["m",${at(0)},1]`];
  for (let i = 1; i <= records; i++) {
    lines.push(`["r",0,${i},${at(i / 20)},null,1,["10.0.0.${i % 7}",${i % 3},${200 * (i % 5)},"UP","c",${i % 2 === 0}]]`);
    if (i % 20 === 0) lines.push(`["b",${at(i / 20)},{"emitted":[[0,${i}]]}]`);
  }
  return lines;
}

const bye = (records: number) => `["e",${at(records / 20 + 5)},{"emitted":[[0,${records}]]}]`;
const begin: Frame[] = [
  { kind: 'run', run: run(), atUs: at(0) },
  { kind: 'marker', run: 'a', number: 1, beforeUs: at(0), afterUs: at(0), atUs: at(0) },
];
const frame = (lines: readonly string[]): Frame => ({
  kind: 'lines',
  run: 'a',
  lines: Buffer.from(lines.map((line) => line + '\n').join('')),
  atUs: at(60),
});

function through(frames: readonly Frame[]) {
  const ledger = new Ledger();
  const decoder = new Decoder({ goal: (id) => (id === goal.id ? goal : undefined), ledger });
  const rules = [
    forward({ name: 'all' }),
    forward({ name: 'changed', changed: new Map([['rto_ms', 300]]) }),
    forward({ name: 'deduped', dedupeMs: 500 }),
    alert({ name: 'alert', dedupeMs: 100, threshold: { count: 3, withinMs: 1000 } }),
  ];
  const pipes = rules.map((rule) => pipeOf(rule, { self: (batch, row) => batch.seq[row] === 5 }, ledger));
  const signals: Signal[] = [];
  for (const each of frames) {
    for (const signal of decoder.push([each])) {
      signals.push(signal);
      for (const pipe of pipes) pipe.push(signal);
    }
    expect(ledger.imbalances()).toEqual([]);
  }
  return { ledger, rules, account: ledger.run('a', goal.id, 'bpftrace'), signals };
}

test('all three sums close at any time, and lines deleted, garbled or cut are exactly what is told', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 40, max: 200 }),
      fc.uniqueArray(fc.nat(199), { maxLength: 20 }),
      fc.uniqueArray(fc.nat(199), { maxLength: 20 }),
      fc.integer({ min: 1, max: 40 }),
      (records, gone, garbled, chunk) => {
        const deleted = new Set(gone.filter((i) => i < records));
        const broken = new Set(garbled.filter((i) => i < records && !deleted.has(i)));
        const lines = linesOf(records).flatMap((line) => {
          const seq = line.startsWith('["r"') ? Number(line.split(',')[2]) - 1 : -1;
          return deleted.has(seq) ? [] : broken.has(seq) ? [line.slice(0, 20).replace('[', '{')] : [line];
        });
        const frames: Frame[] = [...begin];
        for (let i = 0; i < lines.length; i += chunk) frames.push(frame(lines.slice(i, i + chunk)));
        frames.push(frame([bye(records)]), { kind: 'end', run: 'a', atUs: at(61) });
        const { ledger, rules, account } = through(frames);
        const decoded = records - deleted.size - broken.size;
        expect(account).toMatchObject({ emitted: records, decoded, broken: broken.size, lost: deleted.size, inPipe: 0 });
        for (const rule of rules) expect(ledger.rule(rule.name).records).toBe(decoded);
        expect(ledger.rule('all').passed + ledger.rule('all').self).toBe(decoded);
      },
    ),
    { numRuns: 60 },
  );
});

test('a pipe cut in the middle of a line: what the heartbeat named and never came is lost, the rest was never emitted', () => {
  const lines = linesOf(100);
  const cut = lines.slice(0, 50);
  const { account, signals } = through([...begin, frame(cut), { kind: 'end', run: 'a', atUs: at(61) }]);
  const came = cut.filter((line) => line.startsWith('["r"')).length;
  expect(account).toMatchObject({ emitted: came, decoded: came, broken: 0, lost: 0, inPipe: 0 });
  expect(signals.at(-1)).toMatchObject({ kind: 'gone' });
  const holes = [...cut.slice(0, 10), ...cut.slice(20)];
  expect(through([...begin, frame(holes), { kind: 'end', run: 'a', atUs: at(61) }]).account).toMatchObject({
    emitted: came,
    decoded: came - 10,
    lost: 10,
    inPipe: 0,
  });
});
