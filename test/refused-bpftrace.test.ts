import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { FailedProbes } from '../src/cli/failed-probes.ts';
import { Decoder } from '../src/decode/decoder.ts';
import type { Signal } from '../src/decode/signal.ts';
import { makeBpftraceEngine } from '../src/engine/bpftrace/index.ts';
import type { Frame } from '../src/engine/frame.ts';
import type { Module } from '../src/generate/module.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { bpftraces } from './lab/bpftrace.ts';
import { bpftraceModule, goalOf, ruleWhere } from './lab/goals.ts';
import { startTapline } from './lab/tapline.ts';
import { needs } from './needs.ts';

const good = ['process.exec', 'process.exit', 'file.delete'];
const bad = 'tcp.reset';

describe.each(bpftraces)('$name', ({ needs: wants, host }) => {
  test('one probe that the kernel lacks: it alone fails, the others run', { timeout: 90_000 }, async (context) => {
    needs(context, 'root', ...wants);
    const modules = await Promise.all([...good, bad].map((id) => bpftraceModule(goalOf(id), [], true, host)));
    const broken = modules.map((module): Module =>
      module.goal.id === bad
        ? { ...module, source: module.source.replace('tracepoint:tcp:tcp_receive_reset', 'tracepoint:tcp:no_such_event') }
        : module,
    );
    expect(broken.at(-1)?.source).toContain('no_such_event');
    const failedProbes = new FailedProbes([...good, bad].map((id) => ruleWhere(id)));
    const decoder = new Decoder({
      goal: (id) => modules.find(({ goal }) => goal.id === id)?.goal,
      ledger: new Ledger(),
      onProblem: () => undefined,
    });
    const signals: Signal[] = [];
    const failed: string[] = [];
    const gaveUp: string[] = [];
    const stop = new AbortController();
    const isReady = (id: string) => signals.some((signal) => signal.kind === 'ready' && signal.run.goal === id);
    const look = () => {
      const seen = signals.some((signal) => signal.kind === 'batch' && signal.batch.goal.id === 'process.exec');
      if (good.every(isReady) && seen && gaveUp.length > 0) stop.abort();
    };
    const singly = { leaving: () => new AbortController().signal, gaveUp: (module: Module) => void gaveUp.push(module.goal.id) };
    const engine = makeBpftraceEngine({ restarts: { firstMs: 10, maxMs: 20, healthyMs: 60_000, attempts: 2 } });
    // Of a grandchild: Tapline's own children are not watched.
    const provoking = setInterval(() => execFileSync('sh', ['-c', '/bin/true; :']), 500);
    const timer = setTimeout(() => stop.abort(), 60_000);
    await new Promise<void>((resolve) =>
      engine.run(broken, host, stop.signal, singly).subscribe({
        next(frames: readonly Frame[]) {
          for (const signal of decoder.push(frames)) {
            signals.push(signal);
            failed.push(...failedProbes.of(signal).map(({ message }) => message));
          }
          look();
        },
        complete: resolve,
      }),
    );
    clearTimeout(timer);
    clearInterval(provoking);
    expect(good.filter(isReady)).toEqual(good);
    expect(gaveUp).toEqual([bad]);
    expect(failed).toEqual([expect.stringContaining('The kernel lacks the tracepoint tcp:no_such_event')]);
  });
});

describe('a kernel that lacks the tracepoint of one goal', () => {
  const withoutOom = [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
    'mount -t tmpfs none /sys/kernel/tracing/events/oom && exec "$@"',
    'sh',
  ];
  const rules = `
groups:
  - name: mine
    rules:
      - forward: victims
        goal: memory.oom
      - forward: execs
        goal: process.exec
`;
  const inactive = /rules\.yaml:5:18: warning RUN_RULE_INACTIVE: victims is not watched/;

  test('run says which rule is not watched, and the other one is', { timeout: 60_000 }, async (context) => {
    needs(context, 'root', 'bpftrace', 'tracefs');
    const tapline = await startTapline({ rules, args: ['--engine', 'bpftrace'], prefix: withoutOom });
    context.onTestFinished(async () => void (await tapline.stop()));
    await tapline.said('Ready');
    expect(tapline.stderr()).toContain('memory.oom needs the tracepoint oom:mark_victim');
    expect(tapline.stderr()).toMatch(inactive);
    expect(tapline.stderr()).toMatch(/^Watching +process\.exec$/m);
  });

  test('with --strict it ends with 69', { timeout: 60_000 }, async (context) => {
    needs(context, 'root', 'bpftrace', 'tracefs');
    const tapline = await startTapline({ rules, args: ['--engine', 'bpftrace', '--strict'], prefix: withoutOom });
    context.onTestFinished(async () => void (await tapline.stop()));
    await expect(tapline.said('Ready')).rejects.toThrow('It ended with 69');
    expect(tapline.stderr()).toMatch(inactive);
  });
});
