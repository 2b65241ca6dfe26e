import { kill } from 'node:process';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Subject } from 'rxjs';
import { afterEach, expect, test, vi } from 'vitest';
import type { TapRecord } from '../src/decode/batch.ts';
import { Decoder } from '../src/decode/decoder.ts';
import { recordAt } from '../src/decode/record.ts';
import type { Signal } from '../src/decode/signal.ts';
import { spawnInGroup } from '../src/engine/child.ts';
import { makeBpftraceEngine } from '../src/engine/bpftrace/index.ts';
import type { Engine } from '../src/engine/engine.ts';
import { planWatch } from '../src/engine/watch.ts';
import { watch } from '../src/engine/watching.ts';
import type { Problem } from '../src/problem/problem.ts';
import { Ledger } from '../src/telemetry/ledger.ts';
import { compiledForAnybody, procfsAsNobody } from './lab/elsewhere.ts';
import { goalOf, ruleWhere } from './lab/goals.ts';
import { addresses, makeNetLab } from './lab/netns.ts';
import { realHost } from './lab/watching.ts';
import { needs } from './needs.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The real procfs engine, in the namespace and without privilege; of one goal, so that leaving is stopping. */
const procfsIn = (folder: string, namespace: string): Engine => ({
  ...procfsAsNobody(folder, namespace),
  available: async () => ({ can: true, summary: '', findings: [] }),
  facts: async () => ({ hz: 100, kernel: '', tracepoints: new Map(), engineVersion: '' }),
  run: (modules, host, stop, singly) => {
    const [module] = modules;
    const leaving = module && singly ? [singly.leaving(module)] : [];
    return procfsAsNobody(folder, namespace).run(modules, host, AbortSignal.any([stop, ...leaving]));
  },
});

test(
  'bpftrace is killed until it gives up, procfs takes over, bpftrace comes back: nothing twice, no hole that is not told',
  { timeout: 180_000 },
  async (context) => {
    needs(context, 'root', 'bpftrace', 'netns', 'nstat');
    const net = makeNetLab();
    closing.push(() => net.close());
    const folder = compiledForAnybody();
    closing.push(() => rmSync(folder, { recursive: true }));

    const started: number[] = [];
    const host = {
      ...realHost,
      spawn: ((command, args, options) => {
        const child = spawnInGroup(command, args, options);
        if (args.includes('-B') && child.pid !== undefined) started.push(child.pid);
        return child;
      }) satisfies typeof spawnInGroup,
    };
    const goal = goalOf('tcp.retransmit');
    const bpftrace = makeBpftraceEngine({ restarts: { firstMs: 100, maxMs: 100, healthyMs: 600_000, attempts: 2 } });
    const options = {
      rules: [ruleWhere(goal.id)],
      goals: new Map([[goal.id, goal]]),
      wanted: 'auto' as const,
      engines: [bpftrace, procfsIn(folder, net.a)],
      host,
      pushdown: true,
    };
    const ledger = new Ledger();
    const records: TapRecord[] = [];
    const signals: Signal[] = [];
    const problems: Problem[] = [];
    const decoder = new Decoder({ goal: (id) => options.goals.get(id), ledger, onProblem: (problem) => problems.push(problem) });
    const ready = new Subject<string>();
    const stop = new AbortController();
    const plan = await planWatch(options);
    const ended = new Promise<void>((resolve) => {
      watch(plan, options, stop.signal, { ready, retry: { firstMs: 6000, maxMs: 6000 } }).subscribe({
        next(frames) {
          for (const signal of decoder.push(frames)) {
            signals.push(signal);
            if (signal.kind === 'ready') ready.next(signal.run.id);
            if (signal.kind === 'batch') for (let row = 0; row < signal.batch.length; row++) records.push(recordAt(signal.batch, row));
          }
        },
        complete: resolve,
      });
    });
    closing.push(() => (stop.abort(), ended));
    const engines = () => signals.flatMap((signal) => (signal.kind === 'ready' ? [signal.run.engine] : []));
    const isReady = (...names: string[]) => vi.waitFor(() => expect(engines()).toEqual(names), { timeout: 40_000, interval: 50 });

    await isReady('bpftrace');
    kill(started.at(-1) ?? 0, 'SIGKILL');
    await isReady('bpftrace', 'bpftrace');
    kill(started.at(-1) ?? 0, 'SIGKILL');
    await isReady('bpftrace', 'bpftrace', 'procfs');

    // From here on everything is told: by procfs, by its count of what it missed, or by bpftrace.
    const before = net.nstat();
    const client = await net.peer(net.a);
    net.cut();
    const connecting = new AbortController();
    const traffic = (async () => {
      for (let port = 6000; !connecting.signal.aborted && port < 6400; port++) {
        await client.connect(addresses.b.v4, port, false);
        await delay(50);
      }
    })();
    await isReady('bpftrace', 'bpftrace', 'procfs', 'bpftrace');
    await delay(3000);
    connecting.abort();
    await traffic;
    await client.close();
    const after = net.nstat();
    await delay(2500);
    stop.abort();
    await ended;

    const inside = records.filter((record) => net.own(record));
    const of = (engine: string) => inside.filter((record) => record.engine === engine);
    const [, , procfs] = [...ledger.runs.values()];
    const polled = of('procfs').reduce((sum, { n }) => sum + n, 0);
    const seen = of('bpftrace').reduce((sum, { fields }) => sum + (fields['err'] === 0 ? Number(fields['segs']) : 0), 0);
    const rise = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
    const resent = rise('TcpRetransSegs') - rise('TcpExtTCPRetransFail');
    const facts = JSON.stringify({ resent, polled, missed: procfs?.missed, seen, ledger: [...ledger.runs.values()] });
    expect(polled, facts).toBeGreaterThan(10);
    expect(seen, facts).toBeGreaterThan(10);
    const told = polled + (procfs?.missed ?? 0) + seen;
    // The clocks of the two agree to a millisecond or two (ADR 8).
    expect(Math.abs(told - resent), `nothing twice, and no hole: ${facts}`).toBeLessThanOrEqual(2);
    expect(ledger.imbalances()).toEqual([]);
    const unwatched = signals.filter((signal) => signal.kind === 'lost' && signal.reason === 'unwatched');
    expect(unwatched.length, 'one for the restart, one for the way to procfs, none for the way back').toBe(2);
    expect(problems.map(({ code }) => code).filter((code) => code !== 'ENGINE_LINE_BROKEN')).toEqual([
      'ENGINE_RESTARTED',
      'ENGINE_GAVE_UP',
      'ENGINE_REPLACED',
      'ENGINE_TOOK_OVER',
    ]);
  },
);
