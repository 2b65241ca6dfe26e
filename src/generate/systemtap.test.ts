import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Field, Goal } from '../goals/goal.ts';
import type { Atom, AtomValue, Filter } from './dialect.ts';
import { systemtapDialect } from './systemtap.ts';

const field = (name: string, type: Field['type'], optional = false): Field => ({ name, type, optional, description: name });
const atom = (type: Field['type'], op: Atom['op'], value: AtomValue): Atom => ({ field: field('it', type), op, value });
const facts = { hz: 0, kernel: '7.2.0', tracepoints: new Map<string, ReadonlySet<string>>(), engineVersion: '5.6' };
const source = (filter: Filter) => systemtapDialect.filter(filter, facts);
const of = (it: Atom): Filter => ({ op: 'atom', atom: it });

test('each kind of test is written over the variables that the templates set', () => {
  const bytes = Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  expect(source(of(atom('int', '>=', { type: 'int', value: -5 })))).toBe('it >= -5');
  expect(source(of(atom('enum', '!=', { type: 'enum', value: 'TLP', index: 3 })))).toBe('it != 3');
  expect(source(of(atom('bool', '==', { type: 'bool', value: true })))).toBe('it == 1');
  expect(source(of(atom('text', '==', { type: 'text', value: 'nginx' })))).toBe('it == "nginx"');
  expect(source(of(atom('address', '==', { type: 'address', bytes, text: 'fe80::1' })))).toBe(
    '(it_hi == 0xfe80000000000000 && it_lo == 0x0000000000000001)',
  );
  expect(source(of(atom('address', '!=', { type: 'address', bytes, text: 'fe80::1' })))).toBe(
    '(it_hi != 0xfe80000000000000 || it_lo != 0x0000000000000001)',
  );
});

test('and, or, and the empty ones', () => {
  const one = of(atom('int', '<', { type: 'int', value: 1 }));
  expect(source({ op: 'and', of: [one, { op: 'or', of: [one, { op: 'true' }] }] })).toBe('(it < 1 && (it < 1 || 1))');
  expect([source({ op: 'true' }), source({ op: 'false' }), source({ op: 'and', of: [] }), source({ op: 'or', of: [] })]).toEqual([
    '1',
    '0',
    '1',
    '0',
  ]);
});

test('only what can be tested exactly, and text that cannot end a string literal', () => {
  const can = (type: Field['type'], op: Atom['op'], value: AtomValue) => systemtapDialect.can(atom(type, op, value));
  expect(can('int', '<', { type: 'int', value: 7 })).toBe(true);
  expect(can('int', '<', { type: 'int', value: 2 ** 60 })).toBe(false);
  expect(can('text', '==', { type: 'text', value: 'kworker/0:1' })).toBe(true);
  for (const value of ['a"b', 'a\\b', 'a%b', '{{record}}', 'a\nb', 'é']) expect(can('text', '==', { type: 'text', value })).toBe(false);
  expect(can('text', '<', { type: 'text', value: 'a' })).toBe(false);
  expect(can('address', '<', { type: 'address', bytes: new Uint8Array(16), text: '::' })).toBe(false);
  expect(can('enum', '==', { type: 'int', value: 1 })).toBe(false);
});

test('a record prints all columns in the order of the manifest', () => {
  const goal: Goal = {
    id: 'a.b',
    title: '',
    description: '',
    symptoms: [],
    cost: '',
    cannot: {},
    parameters: [],
    key: [],
    engines: {},
    fields: [
      field('a', 'int'),
      field('b', 'address'),
      field('c', 'enum'),
      field('d', 'int', true),
      field('e', 'text'),
      field('f', 'text', true),
      field('g', 'bool'),
    ],
  };
  const facts = { hz: 0, kernel: '', tracepoints: new Map(), engineVersion: '' };
  expect(systemtapDialect.placeholders(goal, facts).required['record']?.split('\n  ')).toEqual([
    'printf("r\\t%d\\t%d", tl_next_seq(), tl_clock_us())',
    'printf("\\t%d\\t%016x%016x\\t%d", a, b_hi, b_lo, c)',
    'tl_put_number(d)',
    'tl_put_text(e)',
    'if (f_known) tl_put_text(f) else tl_put_unknown()',
    'printf("\\t%d", g)',
    'printf("\\n")',
  ]);
});

test('the tapset writes what the reader reads', () => {
  const tapset = readFileSync(join(import.meta.dirname, '../../scripts-stp/lib/record.stpm'), 'utf8');
  expect(tapset).toContain('printf("m\\t%d\\t%d\\n", tl_clock_us()');
  expect(tapset).toMatch(
    /"%s\\t%d\\t%d\\t%d\\t%d\\t%d\\t%d\\t%d\\n", @kind, tl_clock_us\(\), tl_last_seq\(\), tl_lost\(\), tl_skipped\(\), tl_errors\(\), tl_filtered\(\), tl_map_full\(\)/,
  );
});
