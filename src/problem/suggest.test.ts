import { expect, test } from 'vitest';
import { nearest } from './suggest.ts';

const fields = ['host', 'netns', 'saddr', 'sport', 'daddr', 'dport', 'state', 'kind', 'rto_was_ms', 'rto_ms', 'backoff', 'pid', 'comm'];

test.each([
  ['rto', 'rto_ms'],
  ['dprt', 'dport'],
  ['dprot', 'dport'],
  ['Daddr', 'daddr'],
  ['backof', 'backoff'],
  ['sadr', 'saddr'],
  ['rto_msec', 'rto_ms'],
  ['was', 'rto_was_ms'],
  ['daddress', 'daddr'],
  ['stat', 'state'],
])('%s is meant for %s', (word, meant) => expect(nearest(word, fields)).toBe(meant));

test.each(['', 'x', 'temperature', 'interface', 'y'.repeat(10_000)])('nothing is near %s', (word) =>
  expect(nearest(word, fields)).toBeUndefined(),
);

test('what is nearer wins over what comes first', () => expect(nearest('forward', ['for', 'forwards', 'alert'])).toBe('forwards'));
