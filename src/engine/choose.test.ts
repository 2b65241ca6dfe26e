import { expect, test } from 'vitest';
import type { EngineName } from '../config/config.ts';
import type { Goal } from '../goals/goal.ts';
import { chooseEngine } from './choose.ts';
import type { Availability } from './engine.ts';

const answer = { fidelity: 'event', unknown: [], push: [] } as const;
const goal = (...engines: EngineName[]): Goal => ({
  id: 'tcp.retransmit',
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  fields: [],
  key: [],
  engines: Object.fromEntries(engines.map((name) => [name, answer])),
});
const all = goal('systemtap', 'bpftrace', 'procfs');
const can = (...working: EngineName[]) =>
  new Map<EngineName, Availability>(
    (['systemtap', 'bpftrace', 'procfs'] as const).map((name) => [
      name,
      working.includes(name) ? { can: true, summary: '', findings: [] } : { can: false, why: `no ${name} here.`, findings: [] },
    ]),
  );

test('auto: a compiled systemtap module goes first', () =>
  expect(chooseEngine(all, 'auto', can('systemtap', 'bpftrace', 'procfs'), { compiled: true }).engine).toBe('systemtap'));

test('auto: bpftrace rather than waiting for a compiler', () =>
  expect(chooseEngine(all, 'auto', can('systemtap', 'bpftrace', 'procfs')).engine).toBe('bpftrace'));

test('auto: of a goal that its engine samples it does not say that it sees every event', () => {
  const { engines } = goal('bpftrace');
  const sampled = { ...all, engines: { bpftrace: { ...engines.bpftrace, fidelity: 'sampled', unknown: [], push: [] } } } as const;
  expect(chooseEngine(sampled, 'auto', can('bpftrace')).why).toBe('looks many times a second');
  expect(chooseEngine(all, 'auto', can('bpftrace')).why).toBe('sees every event');
});

test('auto: procfs at once, until systemtap is compiled', () => {
  expect(chooseEngine(all, 'auto', can('systemtap', 'procfs'))).toMatchObject({ engine: 'procfs', next: 'systemtap' });
  expect(chooseEngine(all, 'auto', can('systemtap', 'procfs'), { failed: new Set(['systemtap'] as const) }).next).toBeUndefined();
});

test('nothing takes over from an engine that is named, or from one that sees every event', () => {
  expect(chooseEngine(all, 'procfs', can('systemtap', 'procfs')).next).toBeUndefined();
  expect(chooseEngine(all, 'auto', can('systemtap', 'bpftrace', 'procfs')).next).toBeUndefined();
});

test('auto: procfs says why not the next best', () =>
  expect(chooseEngine(all, 'auto', can('procfs'))).toEqual({
    engine: 'procfs',
    why: 'polls, because bpftrace: no bpftrace here',
  }));

test('auto: waits for systemtap where nothing else answers', () =>
  expect(chooseEngine(goal('systemtap', 'bpftrace'), 'auto', can('systemtap', 'procfs'))).toMatchObject({ engine: 'systemtap' }));

test('an engine that has failed is not chosen again', () =>
  expect(chooseEngine(all, 'auto', can('bpftrace', 'procfs'), { failed: new Set(['bpftrace'] as const) }).engine).toBe('procfs'));

test('a named engine is taken or nothing', () => {
  expect(chooseEngine(all, 'systemtap', can('systemtap', 'bpftrace')).engine).toBe('systemtap');
  expect(chooseEngine(all, 'systemtap', can('bpftrace', 'procfs'))).toEqual({ why: 'systemtap: no systemtap here' });
  expect(chooseEngine(goal('bpftrace'), 'procfs', can('procfs'))).toEqual({ why: 'procfs has no answer to tcp.retransmit' });
});

test('where nothing works it says why not the best', () => expect(chooseEngine(all, 'auto', can()).why).toBe('bpftrace: no bpftrace here'));
