import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { onStopSignals } from './signals.ts';

function listening() {
  const source = new EventEmitter();
  const did: string[] = [];
  let nowUs = 1_000_000;
  onStopSignals(source, { nowUs: () => nowUs }, { stop: (signal) => did.push(`stop ${signal}`), abandon: () => did.push('abandon') });
  return { did, at: (us: number, signal: string) => ((nowUs = 1_000_000 + us), source.emit(signal, signal)) };
}

test('the second SIGINT that npm sends a millisecond later is the same Ctrl-C', () => {
  const { did, at } = listening();
  at(0, 'SIGINT');
  at(1_000, 'SIGINT');
  at(499_999, 'SIGTERM');
  expect(did).toEqual(['stop SIGINT']);
});

test('a later signal ends at once', () => {
  const { did, at } = listening();
  at(0, 'SIGTERM');
  at(500_000, 'SIGINT');
  expect(did).toEqual(['stop SIGTERM', 'abandon']);
});
