import { expect, test } from 'vitest';
import { severityOf } from './severity.ts';

const told: string[] = [];
const of = (label: string | undefined) => severityOf(label, (message, hint) => void told.push(`${message} ${hint}`));

test.each([
  ['critical', 'crit'],
  ['page', 'crit'],
  ['error', 'err'],
  ['warning', 'warning'],
  ['info', 'info'],
  ['Critical', 'crit'],
  ...['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'].map((name) => [name, name] as const),
] as const)('%s is %s', (label, severity) => {
  expect(of(label)).toBe(severity);
  expect(told).toEqual([]);
});

test('no label says nothing; one that means nothing is told', () => {
  expect(of(undefined)).toBeUndefined();
  expect(told).toEqual([]);
  for (const label of ['hgih', 'constructor', '', '__proto__']) expect(of(label)).toBeUndefined();
  expect(told).toHaveLength(4);
  expect(of('critcal')).toBeUndefined();
  expect(told.at(-1)).toMatch(/^"critcal" is no severity; did you mean "critical"\? One of critical, /);
});
