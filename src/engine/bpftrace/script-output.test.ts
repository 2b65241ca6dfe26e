import { expect, test } from 'vitest';
import { ScriptOutput } from './script-output.ts';

const json = (...lines: object[]) => Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('pieces of a line become one line, whatever comes between them', () => {
  const output = new ScriptOutput(['n:77', 'm:77']);
  const first = output.push(
    json(
      { type: 'attached_probes', data: { probes: 2 } },
      { type: 'printf', data: 'TIME  ' },
      { type: 'value', data: ['m:77', 5_000_000, 3] },
    ),
  );
  expect([text(first.lines), first.marks]).toEqual(['', [{ tag: 'm:77', clockUs: 5000, number: 3 }]]);
  expect(
    text(output.push(json({ type: 'printf', data: '12 ' }, { type: 'join', data: 'ls -l' }, { type: 'time', data: '10:00 ' })).lines),
  ).toBe('TIME  12 ls -l\n');
  expect(text(output.end())).toBe('10:00 \n');
  expect(text(output.end())).toBe('');
});

test('nothing that a script prints as text is a marker, and a tuple of another number is a line', () => {
  const output = new ScriptOutput(['n:77', 'm:77']);
  const { lines, marks } = output.push(
    json({ type: 'printf', data: '{"type": "value", "data": ["m:77", 1, 2]}\n' }, { type: 'value', data: ['m:78', 1, 2] }),
  );
  expect(text(lines)).toBe('{"type": "value", "data": ["m:77", 1, 2]}\n(m:78, 1, 2)\n');
  expect(marks).toEqual([]);
});

test('maps and histograms as lines', () => {
  const { lines } = new ScriptOutput(['m:1']).push(
    json(
      { type: 'map', data: { '@n': 3, '@by': { cat: 1, 'a,b': 2 } } },
      { type: 'stats', data: { '@s': { k: { count: 1, average: 2, total: 3 } } } },
      {
        type: 'hist',
        data: {
          '@h': [
            { max: -1, count: 9 },
            { min: 4, max: 7, count: 1 },
          ],
        },
      },
      { type: 'hist', data: { '@u': { sda: [{ min: 1024, max: 2047, count: 5 }] } } },
    ),
  );
  expect(text(lines).split('\n')).toEqual([
    '@n: 3',
    '@by[cat]: 1',
    '@by[a,b]: 2',
    '@s[k]: count 1, average 2, total 3',
    '@h (..., 0) 9',
    '@h [4, 8) 1',
    '@u[sda] [1024, 2048) 5',
    '',
  ]);
});

test('losses are counted; what is no JSON and what never ends stay visible as lines', () => {
  const output = new ScriptOutput(['m:1']);
  expect(text(output.push(Buffer.concat([json({ type: 'lost_events', data: { events: 5 } }), Buffer.from('garbage\n')])).lines)).toBe(
    'garbage\n',
  );
  expect(output.lost).toBe(5);
  expect(text(output.push(json({ type: 'printf', data: 'x'.repeat(70_000) })).lines)).toBe(`\x18${'x'.repeat(200)}\n`);
});

test("bytes that are no UTF-8 come back as bytes, through bpftrace's own escape of them", () => {
  const { lines } = new ScriptOutput(['m:1']).push(Buffer.from('{"type": "printf", "data": "a\\uffffffff\\u00e9\\n"}\n'));
  expect(Buffer.from(lines)).toEqual(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0x0a]));
});
