import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { expect } from 'vitest';
import { provoke } from '../../src/cli/provoke.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { byConnection, listenTo, procfsModule, synTimeouts, type Told } from './procfs.ts';

const modules = [procfsModule('tcp.retransmit'), procfsModule('tcp.rto_change')];

/** Watches with each engine at once while SYNs to a full listener are sent again seven times (11 s; older kernels five times). */
export async function watchSyns(engines: readonly Engine[]): Promise<{ readonly told: readonly Told[]; readonly port: number }> {
  const told = engines.map((engine) => listenTo(engine, modules));
  await Promise.all(told.map((each) => each.ready));
  const stop = new AbortController();
  const { port, done } = await provoke({ signal: stop.signal, seconds: 25 });
  const longest = Math.max(...synTimeouts(seen()));
  await Promise.all(
    told.map((each) =>
      each.first(({ goal, fields }) => goal === 'tcp.rto_change' && fields['dport'] === port && fields['rto_ms'] === longest),
    ),
  );
  stop.abort();
  await done;
  await Promise.all(told.map((each) => each.end()));
  return { told, port };
}

/** How many of them are waited for: up to 4 s of timeout, so 7 with four linear ones and 3 without. */
const seen = () => synTimeouts(12).filter((ms) => ms <= 4000).length;

/** Every one of the connections that nobody answered, and each with its timeouts, at most one wrong. */
export function expectSynsTold(told: Told, port: number): void {
  const expected = synTimeouts(seen());
  const connections = byConnection(told.records, 'tcp.retransmit', port);
  // The one whose last record ended the watch is sure to have all; of the others the last may come in the same poll or not at all.
  expect(connections).toHaveLength(6);
  const complete = connections.filter((records) => records.reduce((n, record) => n + record.n, 0) >= expected.length);
  expect(complete.length).toBeGreaterThan(0);
  for (const records of complete) {
    expect(records.reduce((n, record) => n + record.n, 0)).toBe(expected.length);
    const right = records.filter(({ fields }, i) => fields['rto_ms'] === expected[i]);
    expect(right.length).toBeGreaterThanOrEqual(expected.length - 1);
  }
  // What Node calls its processes differs by version.
  const comm = execFileSync(process.execPath, ['--print', 'require("node:fs").readFileSync("/proc/self/comm", "utf8").trim()'], {
    encoding: 'utf8',
    env: {},
  }).trim();
  const netns = Number(/\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0]);
  for (const { fields, timeUs, sinceUs } of connections.flat()) {
    expect(fields).toMatchObject({
      netns,
      saddr: '127.0.0.1',
      daddr: '127.0.0.1',
      state: 'SYN_SENT',
      kind: 'SYN',
      err: null,
    });
    expect(sinceUs).toBeLessThan(timeUs);
  }
  // The owner may be unknown for a while (searching for owners is bounded), but it is never another, and becomes known.
  const owners = connections.map((records) => new Set(records.map(({ fields }) => fields['pid']).filter((pid) => pid !== null)));
  expect(owners.map((each) => each.size)).toEqual(connections.map(() => 1));
  expect(new Set(owners.flatMap((each) => [...each])).size).toBe(1);
  for (const { fields } of connections.flat()) expect(fields['comm']).toBe(fields['pid'] === null ? null : comm);
}

/** Each change once, with what it was before. */
export function expectChangesTold(told: Told, port: number): void {
  const steps = [...new Set(synTimeouts(seen()))];
  const complete = byConnection(told.records, 'tcp.rto_change', port).filter(
    (records) => records.at(-1)?.fields['rto_ms'] === steps.at(-1),
  );
  expect(complete.length).toBeGreaterThan(0);
  for (const records of complete)
    expect(records.map(({ fields, n }) => [fields['rto_was_ms'], fields['rto_ms'], n])).toEqual(
      steps.map((ms, i) => [steps[i - 1] ?? null, ms, 1]),
    );
}

/** A beat a second, a goodbye that names the last number, numbers without holes, an end without a problem. */
export function expectWholeRun(told: Told): void {
  for (const { goal } of modules) {
    const records = told.records.filter((record) => record.goal === goal.id);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1));
    const beats = told.beats.filter((beat) => beat.goal === goal.id);
    expect(beats.at(-1)).toMatchObject({ type: 'e', emitted: [[0, records.length]] });
  }
  expect(told.frames.filter((frame) => frame.kind === 'run')).toHaveLength(2);
  expect(told.frames.slice(-2)).toMatchObject([{ kind: 'end' }, { kind: 'end' }]);
  expect(told.frames.filter((frame) => frame.kind === 'end' && frame.problem)).toEqual([]);
}
