import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oneOfEach, sampleAlert, sampleRecord } from '../../../test/contracts/items.ts';
import { parse5424 } from '../../../test/lab/syslog.ts';
import { printable } from '../../problem/printable.ts';
import { parseSyslogAddress } from './address.ts';
import { localText } from './local.ts';
import { rfc5424, type SyslogIdentity } from './rfc5424.ts';

const identity: SyslogIdentity = {
  facility: 'daemon',
  appName: 'tapline',
  enterprise: 32473,
  hostname: 'collector',
  procid: '42',
  maxSize: 8192,
};
const text = (...parameters: Parameters<typeof rfc5424>) => rfc5424(...parameters).bytes.toString('utf8');

test('an alert, to the letter', () => {
  expect(text(sampleAlert('a1'), identity, 7)).toBe(
    '<28>1 2026-11-23T05:03:13.698123Z api-7 tapline 42 RetransmitTimeoutGrew ' +
      '[tapline@32473 id="a1" kind="alert" rule="RetransmitTimeoutGrew" goal="tcp.rto_change" key="[\\"10.0.3.21\\",443\\]" ' +
      'state="firing" fingerprint="fedcba9876543210" startsAt="2026-11-23T05:03:13.698123Z" repeat="0" count="3" total="7" ' +
      'engine="bpftrace" fidelity="event" n="1" saddr="10.0.3.7" sport="51844" daddr="10.0.3.21" dport="443" comm="postgres" pid="2114" rto_was_ms="1728" rto_ms="3456"]' +
      '[meta sequenceId="7"][timeQuality tzKnown="1"] firing: 10.0.3.7:51844 -> 10.0.3.21:443 RTO 1728 -> 3456 ms',
  );
});

test('text beyond ASCII is UTF-8 behind a BOM, ASCII stands alone (RFC 5424 6.4)', () => {
  expect(text({ ...sampleAlert('a'), summary: '\ud55c\uad6d' }, identity, 1)).toContain(' \ufefffiring: \ud55c\uad6d');
  expect(text(sampleAlert('a'), identity, 1)).not.toContain('\ufeff');
});

const anyText = fc.string({
  unit: fc.constantFrom(
    '"',
    '\\',
    ']',
    '[',
    '=',
    ' ',
    '\n',
    '\r',
    '\0',
    '\x1b',
    '\u202e',
    '\udcff',
    '\ud55c',
    '\ud83d\ude00',
    'a',
    '<',
    '>',
  ),
});

test('whatever is in a value, a name or the text: the grammar holds and every value comes back', () => {
  fc.assert(
    fc.property(anyText, anyText, anyText, (value, name, summary) => {
      const item = sampleRecord('p', { comm: value, path: value });
      const message = text({ ...item, summary, rule: name, body: { ...item.body, rule: name } }, { ...identity, maxSize: 65_000 }, 1);
      const parsed = parse5424(message);
      expect(parsed?.data['tapline@32473']?.['comm']).toBe(printable(value));
      expect(parsed?.data['tapline@32473']?.['rule']).toBe(printable(name));
      expect(parsed?.text.replace(/^\ufeff/, '')).toBe(printable(summary));
      expect(message).not.toMatch(/[\u0000-\u001f]/);
    }),
  );
});

test('a message never exceeds the size: text goes first, then fields, the id never, and what was cut is told', () => {
  fc.assert(
    fc.property(fc.integer({ min: 480, max: 4000 }), fc.nat(6000), fc.nat(6000), (maxSize, pathLength, summaryLength) => {
      const item = { ...sampleRecord('size', { path: '\ud55c'.repeat(pathLength) }), summary: '\ud55c'.repeat(summaryLength) };
      const { bytes, cut } = rfc5424(item, { ...identity, maxSize }, 2_147_483_647);
      expect(bytes.length).toBeLessThanOrEqual(maxSize);
      const parsed = parse5424(bytes.toString('utf8'));
      expect(parsed?.data['tapline@32473']?.['id']).toBe('size');
      expect(parsed?.data['tapline@32473']?.['truncated']).toBe(cut === 0 ? undefined : String(cut));
      if (summaryLength * 3 > maxSize) expect(parsed?.text).toMatch(/\[cut\]$/);
      expect(bytes.toString('utf8')).not.toContain('\ufffd');
    }),
  );
});

test('header fields keep to their length and characters', () => {
  const record = sampleRecord('h');
  const item = { ...record, goal: 'a goal of mine \ud55c'.repeat(9) };
  const [, , host, app, procid, msgid] = text(item, { ...identity, appName: '', procid: 'x'.repeat(200) }, 1).split(' ');
  expect([host, app, procid?.length]).toEqual(['api-7', '-', 128]);
  expect(msgid).toMatch(/^[!-~]{1,32}$/);
});

test('on the local socket rule, goal and id stand behind the text, in one line', () => {
  for (const item of oneOfEach('local')) {
    const { text: line } = localText(item, 400);
    expect(line).not.toMatch(/[\u0000-\u001f]/);
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(400);
    expect(line.endsWith(` [rule=${item.rule} goal=${item.goal} id=${item.id}]`)).toBe(true);
  }
});

test.for([
  ['tcp://loghost:1514', { kind: 'tcp', host: 'loghost', port: 1514 }],
  ['udp://[2001:db8::1]', { kind: 'udp', host: '2001:db8::1', port: 514 }],
  ['tls://log.example.org', { kind: 'tls', host: 'log.example.org', port: 6514 }],
  ['unix:/dev/log', { kind: 'unix', path: '/dev/log' }],
  ['unix:///dev/log', { kind: 'unix', path: '/dev/log' }],
  ['loghost:514', undefined],
  ['tcp://', undefined],
  ['tcp://loghost:514/path', undefined],
  ['tcp://user@loghost:514', undefined],
  ['tcp://loghost:0', undefined],
  ['tcp://loghost:99999', undefined],
  ['unix:relative', undefined],
  [`unix:/${'x'.repeat(107)}`, undefined],
] as const)('address %s', ([address, expected]) => expect(parseSyslogAddress(address)).toEqual(expected));
