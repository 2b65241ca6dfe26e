import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Observable } from 'rxjs';
import type { HostFacts, Module } from '../../generate/module.ts';
import { error } from '../../problem/problem.ts';
import { unavailable, type Availability, type Engine, type EngineHost } from '../engine.ts';
import { gatherFacts } from '../machine/facts.ts';
import { asRoot, limits, stops } from '../machine/finding.ts';
import { packagingHere } from '../machine/judge.ts';
import { systemPlaces } from '../machine/places.ts';
import { newRun } from '../new-run.ts';
import type { Frame } from '../frame.ts';
import { afterEnd, noRestarts, restartLimits, type RestartLimits } from '../restart.ts';
import { parseRetransSegs } from './counter.ts';
import { words } from './open.ts';
import { rowMaker } from './rows.ts';
import { pollOnce, sampled, type Ends, type PollOptions } from './run.ts';
import { runSs } from './sources.ts';

export interface ProcfsOptions extends Partial<PollOptions> {
  readonly restarts?: RestartLimits;
}

const defaults: PollOptions = { pollMs: 200, source: 'auto' };

/**
 * The engine that needs no privilege: watches the retransmission counters and timeouts of all TCP sockets of its own network
 * namespace. One Engine runs a set of modules on one watch.
 */
export function procfsEngine(options: ProcfsOptions = {}): Engine {
  const poll = { ...defaults, ...options };
  return {
    name: 'procfs',
    available: (host) => available(host, poll),
    facts: (host) => facts(host),
    run: (modules, host, stop, singly) =>
      new Observable((subscriber) => {
        const gone = new AbortController();
        const ends: Ends = { stop, gone: gone.signal, ...(singly && { leaving: (module: Module) => singly.leaving(module) }) };
        const forward = async () => {
          for await (const frames of lives(modules, host, poll, ends, options.restarts ?? restartLimits)) {
            if (gone.signal.aborted) return;
            subscriber.next(frames);
          }
          subscriber.complete();
        };
        forward().catch((cause: unknown) => subscriber.error(cause));
        return () => gone.abort();
      }),
  };
}

/** One life after another until it is asked to end, or has failed too often in a row. */
async function* lives(
  modules: readonly Module[],
  host: EngineHost,
  poll: PollOptions,
  ends: Ends,
  limits: RestartLimits,
): AsyncGenerator<readonly Frame[], void> {
  const readable = modules.filter((module) => rowMaker(module.goal) !== undefined);
  for (const module of modules.filter((each) => !readable.includes(each))) {
    const run = newRun(module, host, sampled);
    const problem = error(
      'ENGINE_PROCFS_NO_READER',
      `procfs has no reader "${module.goal.engines.procfs?.reader ?? ''}" for ${module.goal.id}.`,
    );
    const atUs = host.clock.nowUs();
    yield [
      { kind: 'run', run, atUs },
      { kind: 'end', run: run.id, problem, atUs },
    ];
  }
  if (readable.length === 0) return;
  for (let state = noRestarts; ;) {
    const life = yield* pollOnce(
      readable.filter((module) => ends.leaving?.(module).aborted !== true),
      host,
      poll,
      ends,
    );
    if (life === undefined || ends.stop.aborted || ends.gone.aborted) return;
    const restart = afterEnd(state, life.readyMs, limits);
    if (!restart.again) return;
    state = restart.state;
    await delay(restart.delayMs, undefined, { signal: AbortSignal.any([ends.stop, ends.gone]) }).catch(() => undefined);
    if (ends.stop.aborted || ends.gone.aborted) return;
  }
}

async function available(host: EngineHost, { pollMs, source }: PollOptions): Promise<Availability> {
  try {
    if (parseRetransSegs(readFileSync(`${host.proc}/self/net/snmp`, 'latin1')) === undefined)
      return unavailable([stops('no-counters', `${host.proc}/self/net/snmp has no TCP counters`)]);
  } catch (cause) {
    return unavailable([stops('proc-not-mounted', words(cause), [asRoot('mount', '-t', 'proc', 'proc', '/proc')])]);
  }
  const ss = source === 'proc' ? undefined : await ssVersion(host);
  const findings = [
    limits('sampled', `sampled each ${pollMs} ms: sees timeouts that last, misses short ones (and says how many)`),
    limits('own-namespace', 'this network namespace only'),
  ];
  if (ss !== undefined) return { can: true, summary: `by ss (${ss})`, findings };
  const install = packagingHere(gatherFacts(host, systemPlaces())).program('ss');
  const without = limits('no-ss', 'timeouts in steps of 10 ms, and no fast retransmits, because ss is not there', install);
  return { can: true, summary: 'by /proc/net/tcp', findings: [...findings, without] };
}

async function facts(host: EngineHost): Promise<HostFacts> {
  const kernel = readFileSync(`${host.proc}/sys/kernel/osrelease`, 'latin1').trim();
  // Nothing of a procfs module depends on the kernel's HZ: times come in milliseconds (ss) or in USER_HZ (/proc).
  return { hz: 100, kernel, tracepoints: new Map(), engineVersion: (await ssVersion(host)) ?? 'none' };
}

/** "iproute2-6.1.0"; undefined where there is no ss. */
async function ssVersion(host: EngineHost): Promise<string | undefined> {
  try {
    const said = await runSs(host, ['-V'], AbortSignal.timeout(2000));
    return /iproute2-\S+/.exec(said)?.[0] ?? said.trim().slice(0, 40);
  } catch {
    return undefined;
  }
}
