import { expect, test } from 'vitest';
import type { AlertRule } from '../rules/rule.ts';
import { alertId, closingId, notificationId, recordId } from './ids.ts';
import { alertLabels, fingerprint } from './labels.ts';

const identity = { host: 'h', boot: 'b', run: 'r', module: 'm', lane: 0, seq: 1 };

/** Receivers drop doubles by these: a change of any is a break that a restart, a replay and a fleet would see. */
test('golden ids', () => {
  expect(fingerprint({ alertname: 'A', daddr: '10.0.3.21', dport: '443' })).toBe('f2b5d7571607fb2a');
  expect(alertId('fedcba9876543210', 1_795_410_193_698_123, 'firing', 0)).toBe('f5d7cec01e8caa7d9e00f97a3e3f06af');
  expect(alertId('fedcba9876543210', 1_795_410_193_698_123, 'resolved', 0)).toBe('1a08a7762f10acf38ccac9fd460f72c0');
  expect(recordId('R', identity)).toBe('d723aa923ff0618bcddea293d3413910');
  expect(closingId('R', '["10.0.3.21",443]', 1_795_410_193_698_123)).toBe('47b45505c7ceb18d115db4a7823b7f2d');
  expect(notificationId('oncall', ['b', 'a'])).toBe('f2f1f61d95ff76dc92655a64375d073c');
});

test('each part of an identity counts', () => {
  const ids = [
    recordId('R', identity),
    recordId('S', identity),
    ...Object.entries({ host: 'i', boot: 'c', run: 's', module: 'n', lane: 1, seq: 2 }).map(([name, value]) =>
      recordId('R', { ...identity, [name]: value }),
    ),
    closingId('R', 'k', 1),
    closingId('R', 'k', 2),
    closingId('R', 'l', 1),
    alertId('f', 1, 'firing', 0),
    alertId('f', 1, 'firing', 1),
    alertId('f', 1, 'resolved', 0),
    alertId('f', 2, 'firing', 0),
    alertId('g', 1, 'firing', 0),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
});

test('a message of several items has one id whatever their order, and another for another sink', () => {
  expect(notificationId('s', ['a', 'b', 'c'])).toBe(notificationId('s', ['c', 'a', 'b']));
  expect(notificationId('s', ['a'])).not.toBe(notificationId('t', ['a']));
  expect(notificationId('s', ['a', 'b'])).not.toBe(notificationId('s', ['a,b']));
});

test('labels are alertname, key fields and the rule’s labels; their order does not matter; names with bytes that are no UTF-8 stay apart', () => {
  const rule = { name: 'A', labels: { team: 'net' } } as unknown as AlertRule;
  const labels = alertLabels(rule, { text: '["x"]', labels: { comm: 'x' } });
  expect(labels).toEqual({ alertname: 'A', comm: 'x', team: 'net' });
  expect(fingerprint(Object.fromEntries(Object.entries(labels).reverse()))).toBe(fingerprint(labels));
  expect(fingerprint({ comm: '\udcff' })).not.toBe(fingerprint({ comm: '\udcfe' }));
  expect(fingerprint({ a: 'b', c: 'd' })).not.toBe(fingerprint({ a: 'b,c:d' }));
});
