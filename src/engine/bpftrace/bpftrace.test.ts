import { EventEmitter } from 'node:events';
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PassThrough } from 'node:stream';
import type { ChildProcess } from 'node:child_process';
import { lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import type { Goal } from '../../goals/goal.ts';
import type { Module } from '../../generate/module.ts';
import type { EngineHost } from '../engine.ts';
import { available } from './available.ts';
import { memberOffset } from './btf.ts';
import { spawnInGroup } from '../child.ts';
import { commandText } from '../machine/finding.ts';
import { wallClock } from '../../telemetry/clock.ts';
import { generatedPrograms } from './generated-program.ts';
import { makeBpftraceEngine } from './index.ts';
import { FirstWords, isQuote, lastWords, understand } from './messages.ts';
import { LineSplitter } from './split.ts';

const goalOf = (id: string): Goal => ({
  id,
  title: '',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  fields: [],
  key: [],
  engines: {},
});
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

/** A program that prints and ends at once. */
const program = (out: string, said: string, code: number): ChildProcess => {
  const child = Object.assign(new EventEmitter(), { pid: undefined, stdout: new PassThrough(), stderr: new PassThrough() });
  child.stdout.end(out);
  child.stderr.end(said);
  child.stdout.on('end', () => setImmediate(() => child.emit('exit', code, null)));
  return child as unknown as ChildProcess;
};
const host = (answers: (args: readonly string[]) => ChildProcess, more: Partial<EngineHost> = {}): EngineHost => {
  const sys = mkdtempSync(join(tmpdir(), 'tapline-sys-'));
  mkdirSync(join(sys, 'kernel/btf'), { recursive: true });
  mkdirSync(join(sys, 'kernel/tracing/events/tcp'), { recursive: true });
  mkdirSync(join(sys, 'kernel/security'), { recursive: true });
  writeFileSync(join(sys, 'kernel/btf/vmlinux'), '');
  return { spawn: (_, args) => answers(args), clock: { nowUs: () => 0 }, proc: sys, sys, hostname: 'h', uid: 0, ...more };
};
const works = (args: readonly string[]) => (args[0] === '--version' ? program('bpftrace v0.17.0\n', '', 0) : program('', '', 0));

/** A machine with nothing of its own under its root. */
const debian = (() => {
  const root = mkdtempSync(join(tmpdir(), 'tapline-root-'));
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/os-release'), 'ID=debian\n');
  return { root, path: [] };
})();

test('available: a machine that has all', async () => {
  expect(await available(host(works), debian)).toMatchObject({ can: true, summary: '0.17.0 as root' });
});

test('available: says what is missing, and the command', async () => {
  const why = async (it: EngineHost) => {
    const answer = await available(it, debian);
    return answer.can ? answer : [answer.why, ...(answer.findings[0]?.fix ?? []).map((fix) => commandText(fix, it.uid))];
  };
  expect(await why(host(() => program('', 'not found', 127)))).toEqual(['bpftrace is not installed', 'apt-get install --yes bpftrace']);
  expect(await why(host(() => program('bpftrace v0.9.4\n', '', 0)))).toEqual(['bpftrace 0.9.4 is too old: 0.16 or later is needed']);
  expect(await why(host(works, { uid: 1000 }))).toEqual(['bpftrace runs as root only', 'sudo npm start']);
  const bare = mkdtempSync(join(tmpdir(), 'tapline-sys-'));
  expect(await why(host(works, { sys: bare }))).toEqual([expect.stringContaining('CONFIG_DEBUG_INFO_BTF')]);
  mkdirSync(join(bare, 'kernel/btf'), { recursive: true });
  writeFileSync(join(bare, 'kernel/btf/vmlinux'), '');
  expect(await why(host(works, { sys: bare }))).toEqual([expect.stringContaining('CONFIG_TRACING')]);
  mkdirSync(join(bare, 'kernel/tracing'));
  expect(await why(host(works, { sys: bare }))).toEqual([
    expect.stringContaining('tracefs'),
    'mount -t tracefs tracefs /sys/kernel/tracing',
  ]);
  mkdirSync(join(bare, 'kernel/security'));
  writeFileSync(join(bare, 'kernel/security/lockdown'), 'none integrity [confidentiality]\n');
  expect(await why(host(works, { sys: bare }))).toEqual([expect.stringContaining('locked down')]);
  expect(await why(host((args) => (args[0] === '--version' ? works(args) : program('', 'ERROR: the kernel says no\n', 1))))).toEqual([
    'bpftrace 0.17.0 cannot load a probe: ERROR: the kernel says no',
  ]);
});

test('available: old kernels count maps as locked memory; capabilities may be missing; the configuration may say no', async () => {
  const proc = mkdtempSync(join(tmpdir(), 'tapline-proc-'));
  mkdirSync(join(proc, 'self'));
  mkdirSync(join(proc, 'sys/kernel'), { recursive: true });
  const stopped = async (release: string, capabilities: string) => {
    writeFileSync(join(proc, 'sys/kernel/osrelease'), `${release}\n`);
    writeFileSync(join(proc, 'self/status'), `CapEff:\t${capabilities}\n`);
    return (await available(host(works, { proc }), debian)).findings.filter(({ level }) => level === 'stops').map(({ id }) => id);
  };
  writeFileSync(
    join(proc, 'self/limits'),
    'Limit  Soft  Hard  Units\nMax locked memory         65536                65536                bytes\n',
  );
  expect(await stopped('5.4.0-42-generic', '000001ffffffffff')).toEqual([]);
  expect(await stopped('5.4.0-42-generic', '000001fffeffffff')).toEqual(['memlock']);
  expect(await stopped('5.15.0-42-generic', '000001fffeffffff')).toEqual([]);
  expect(await stopped('5.15.0-42-generic', '00000000a80425fb')).toEqual(['no-capability']);
  expect(await stopped('5.15.0-42-generic', '000000c0a80425fb')).toEqual([]);
  writeFileSync(join(proc, 'config.gz'), gzipSync('CONFIG_BPF_SYSCALL=y\n# CONFIG_BPF_EVENTS is not set\nCONFIG_FTRACE_SYSCALLS=y\n'));
  expect(await stopped('5.15.0-42-generic', '000001ffffffffff')).toEqual(['kernel-config']);
});

test('stderr: noise is nothing, known words have a meaning, unknown ones are passed on', () => {
  expect(understand("ERROR: Unknown error -1: couldn't set RLIMIT_MEMLOCK for bpftrace.")).toBeUndefined();
  expect(understand('      ~~~~~~')).toBeUndefined();
  expect(understand('ERROR: Error loading program: tracepoint:tcp:tcp_retransmit_skb (try -v)')).toMatchObject({ code: 'ENGINE_FAILED' });
  expect(understand('ERROR: tracepoint not found: tcp:nothing')).toMatchObject({ code: 'ENGINE_TRACEPOINT_MISSING' });
  expect(understand('stdin:1:1-23: ERROR: No matches for tracepoint tcp:nothing.')).toMatchObject({
    code: 'ENGINE_TRACEPOINT_MISSING',
    message: 'The kernel lacks the tracepoint tcp:nothing.',
  });
  expect(understand("stdin:1:39-51: ERROR: it does not contain a field named 'x'")).toMatchObject({
    code: 'ENGINE_FAILED',
    message: "bpftrace does not accept the probe: it does not contain a field named 'x'.",
  });
  expect(understand('ERROR: bpftrace currently only supports running as the root user.')).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  expect(understand('something new')).toMatchObject({ code: 'ENGINE_SAID', cause: 'something new' });
  expect(lastWords(["couldn't set RLIMIT_MEMLOCK", 'a', 'b'])).toBe('a / b');
});

test('stderr: the piece of a program behind a mistake is no message, what follows is', () => {
  const mistake = 'stdin:1:1-29: ERROR: tracepoint not found: tcp:nothing';
  expect(isQuote('tracepoint:tcp:nothing { printf("ERROR: \\n"); }', mistake)).toBe(true);
  expect(isQuote('ERROR: Error loading program: x', mistake)).toBe(false);
  expect(isQuote('stdin:2:1-5: ERROR: another', mistake)).toBe(false);
  expect(isQuote('something new', 'something before')).toBe(false);
});

test('a program that is asked to end before its probes are attached has not failed', async () => {
  const stop = new AbortController();
  const slow = host(works, { clock: wallClock, spawn: () => spawnInGroup('sleep', ['1000'], {}) });
  const engine = makeBpftraceEngine();
  const frames = lastValueFrom(engine.run([module], slow, stop.signal).pipe(toArray()));
  setTimeout(() => stop.abort(), 100);
  expect((await frames).flat().flatMap((frame) => (frame.kind === 'end' ? [frame.problem] : []))).toEqual([undefined]);
});

test('lines go to the module whose they are; what says nothing goes to all', () => {
  const splitter = new LineSplitter([goalOf('tcp.rto'), goalOf('tcp.rto_change')]);
  const own = '{"type": "value", "data": ["r:tcp.rto",0,1,"[\\"r:tcp.rto_change"]}\n';
  const other = '{"type": "map", "data": {"@tcp_rto_change_seq": {"0": 1}}}\n';
  const nobody = '{"type": "lost_events", "data": {"events": 3}}\n';
  expect(splitter.split(Buffer.from(own + other + '\n' + nobody)).map(text)).toEqual([own + nobody, other + nobody]);
});

const module: Module = { id: 'abc', name: 'tapline_x_abc', goal: goalOf('x'), engine: 'bpftrace', source: '', rules: [], pushdown: [] };
const lives = async (it: EngineHost, readyWithinMs?: number) => {
  const restarts = { firstMs: 1, maxMs: 2, healthyMs: 60_000, attempts: 3 };
  const engine = makeBpftraceEngine({ restarts, ...(readyWithinMs !== undefined && { readyWithinMs }) });
  return (await lastValueFrom(engine.run([module], it, new AbortController().signal).pipe(toArray()))).flat();
};

test('a program that ends at once: each life is a run that says why, and after a few it is left alone', async () => {
  const frames = await lives(host(() => program('', 'ERROR: no\n', 1)));
  expect(new Set(frames.flatMap((frame) => (frame.kind === 'run' ? [frame.run.id] : []))).size).toBe(3);
  expect(frames.flatMap((frame) => (frame.kind === 'end' ? [frame.problem?.code] : []))).toEqual([
    'ENGINE_FAILED',
    'ENGINE_FAILED',
    'ENGINE_FAILED',
  ]);
  const notices = frames.flatMap((frame) => (frame.kind === 'notice' ? [frame.problem.code] : []));
  expect(notices.filter((code) => code === 'ENGINE_RESTARTED' || code === 'ENGINE_GAVE_UP')).toEqual([
    'ENGINE_RESTARTED',
    'ENGINE_RESTARTED',
    'ENGINE_GAVE_UP',
  ]);
});

test('a program that runs but never answers a marker is ended', async () => {
  const silent = host(works, { clock: wallClock, spawn: () => spawnInGroup('sleep', ['1000'], {}) });
  const frames = await lives(silent, 50);
  expect(frames.flatMap((frame) => (frame.kind === 'end' ? [frame.problem?.code] : []))).toContain('ENGINE_NOT_READY');
});

test('modules that watch wake-ups have a process of their own, so that what they miss is not told of others', () => {
  const of = (id: string, probe: string) => ({ ...module, goal: goalOf(id), source: `tracepoint:${probe} { @x = 1; }` });
  const [a, b, c] = [of('a', 'tcp:tcp_probe'), of('b', 'sched:sched_wakeup'), of('c', 'oom:mark_victim')];
  const ids = (...modules: Module[]) => generatedPrograms(modules).map((each) => each.modules.map(({ goal }) => goal.id));
  expect(ids(a, b, c)).toEqual([['a', 'c'], ['b']]);
  expect(ids(b)).toEqual([['b']]);
});

test('many probes are shared by two processes, which attach them and let them go side by side', () => {
  const of = (id: string, probes: number) => ({ ...module, goal: goalOf(id), source: 'tracepoint:a:b { }\n'.repeat(probes) });
  const ids = (...modules: Module[]) => generatedPrograms(modules).map((each) => each.modules.map(({ goal }) => goal.id));
  expect(ids(of('a', 8), of('b', 7), of('c', 5))).toEqual([['a', 'b', 'c']]);
  expect(ids(of('a', 8), of('b', 7), of('c', 6))).toEqual([['a'], ['b', 'c']]);
});

test('no BTF, no offset', () => expect(memberOffset(Buffer.from('nothing at all, but long enough'), 'sk_buff', 'cb')).toBeUndefined());

test('what bpftrace 0.27 says on stdout before its first line of JSON is heard, not read; later lines are left as they are', () => {
  const heard: string[] = [];
  const words = new FirstWords((line) => heard.push(line));
  const without = (lines: string) => text(words.without(Buffer.from(lines)));
  expect(without('stdin:54-58: WARNING: While loops are deprecated\n\nwhile ($i < 3) {\n')).toBe('');
  expect(without('~~~~\n{"type": "attached_probes"}\nbroken\n')).toBe('{"type": "attached_probes"}\nbroken\n');
  expect(without('WARNING: a line of a record\n')).toBe('WARNING: a line of a record\n');
  expect(heard).toEqual(['stdin:54-58: WARNING: While loops are deprecated']);
  expect(heard.map(understand)).toEqual([undefined]);
});
