import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, expect, test } from 'vitest';
import { listenTo, procfsModule, thisHost } from '../../../test/lab/procfs.ts';
import { spawnInGroup, type Spawn } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { procfsEngine } from './index.ts';

const modules = [procfsModule('tcp.retransmit'), procfsModule('tcp.rto_change')];
const folder = mkdtempSync(join(tmpdir(), 'tapline-procfs-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A /proc of which a test can take things away. */
function someProc(name: string): EngineHost {
  const proc = join(folder, name);
  mkdirSync(join(proc, 'self/net'), { recursive: true });
  mkdirSync(join(proc, 'self/ns'), { recursive: true });
  mkdirSync(join(proc, 'sys/kernel/random'), { recursive: true });
  symlinkSync('/proc/self/ns/net', join(proc, 'self/ns/net'));
  cpSync('/proc/sys/kernel/random/boot_id', join(proc, 'sys/kernel/random/boot_id'));
  snmp(proc, 100);
  writeFileSync(join(proc, 'self/net/tcp'), 'header\n');
  return { ...thisHost(), proc };
}
const snmp = (proc: string, count: number) => writeFileSync(join(proc, 'self/net/snmp'), `Tcp: RetransSegs\nTcp: ${count}\n`);
const without: Spawn = (_, args, options) => spawnInGroup('/nonexistent/ss', args, options);
const restarts = { firstMs: 1, maxMs: 1, healthyMs: 60_000, attempts: 2 };
const codes = (told: ReturnType<typeof listenTo>) =>
  told.frames.flatMap((frame) => ('problem' in frame && frame.problem ? [`${frame.kind} ${frame.problem.code}`] : []));

test('without ss it says so once, and reads /proc', async () => {
  const host = { ...someProc('no-ss'), spawn: without };
  const told = listenTo(procfsEngine(), modules, host);
  await told.ready;
  await told.end();
  expect(codes(told)).toEqual(['notice ENGINE_PROCFS_WITHOUT_SS']);
  expect(await procfsEngine().available(host)).toMatchObject({ can: true, summary: 'by /proc/net/tcp' });
});

test('each run begins, is ready and ends, and what the counter says without a socket is missed', async () => {
  const host = someProc('missed');
  const told = listenTo(procfsEngine({ source: 'proc', pollMs: 20 }), modules, host);
  await told.ready;
  snmp(host.proc, 107);
  await told.end();
  expect(told.frames.map(({ kind }) => kind)).toEqual(['run', 'run', 'marker', 'lines', 'marker', 'lines', 'lines', 'lines', 'end', 'end']);
  expect(told.beats).toMatchObject([
    { goal: 'tcp.retransmit', type: 'e', emitted: [], missed: 7 },
    { goal: 'tcp.rto_change', type: 'e', emitted: [], missed: 7 },
  ]);
});

test('where nothing can be read it begins again, and gives up', async () => {
  const host = { ...someProc('nothing'), spawn: without };
  const told = listenTo(procfsEngine({ source: 'ss', restarts }), modules.slice(0, 1), host);
  await told.ended;
  expect(told.frames.map(({ kind }) => kind)).toEqual(['run', 'end', 'run', 'end']);
  expect(codes(told)).toEqual(['end ENGINE_PROCFS_UNREADABLE', 'end ENGINE_PROCFS_UNREADABLE']);
  rmSync(join(host.proc, 'self/net/snmp'));
  expect(await procfsEngine().available(host)).toMatchObject({ can: false });
});

test('one look that fails is told and made up for; three end the run', async () => {
  const host = someProc('fails');
  const told = listenTo(procfsEngine({ source: 'proc', pollMs: 20, restarts: { ...restarts, attempts: 1 } }), modules.slice(0, 1), host);
  await told.ready;
  rmSync(join(host.proc, 'self/net/snmp'));
  await told.ended;
  expect(codes(told)).toEqual(['notice ENGINE_PROCFS_LOOK_FAILED', 'notice ENGINE_PROCFS_LOOK_FAILED', 'end ENGINE_PROCFS_UNREADABLE']);
});

test('a goal that no reader knows ends at once, and says so', async () => {
  const told = listenTo(procfsEngine(), [procfsModule('syscall.open')], someProc('reader'));
  await told.ended;
  expect(codes(told)).toEqual(['end ENGINE_PROCFS_NO_READER']);
});

test('unsubscribing ends it', async () => {
  const frames = await lastValueFrom(
    procfsEngine({ source: 'proc' }).run(modules, someProc('unsubscribed'), new AbortController().signal).pipe(take(1), toArray()),
  );
  expect(frames).toHaveLength(1);
});
