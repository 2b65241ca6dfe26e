import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { merge, Observable, of } from 'rxjs';
import type { HostFacts, Module } from '../../generate/module.ts';
import { valuesOf } from '../../goals/parameters.ts';
import { error } from '../../problem/problem.ts';
import { unavailable, type Availability, type Engine, type EngineHost, type Singly } from '../engine.ts';
import { gatherFacts } from '../machine/facts.ts';
import { asRoot, limits, stops } from '../machine/finding.ts';
import { packagingHere } from '../machine/judge.ts';
import { systemPlaces } from '../machine/places.ts';
import { newRun } from '../new-run.ts';
import type { Frame } from '../frame.ts';
import { afterEnd, noRestarts, restartLimits, type RestartLimits } from '../restart.ts';
import { parseRetransSegs } from './counter.ts';
import { words, type SourceChoice } from './open.ts';
import type { ReaderKind } from './reader.ts';
import { readerOf } from './readers/index.ts';
import { pollOnce, polledLines, type Ends } from './run.ts';
import { runSs } from './sources.ts';

/** How often and how it looks. Goals with a parameter `interval` look once an interval instead. */
export interface PollOptions {
  readonly pollMs: number;
  readonly source: SourceChoice;
}

export interface ProcfsOptions extends Partial<PollOptions> {
  readonly restarts?: RestartLimits;
}

const defaults: PollOptions = { pollMs: 200, source: 'auto' };

/**
 * The engine that needs no privilege: looks at what /proc and ss show of this network namespace and of all processes. Modules
 * that are answered by the same reader and look equally often share its looks.
 */
export function procfsEngine(options: ProcfsOptions = {}): Engine {
  const poll = { ...defaults, ...options };
  return {
    name: 'procfs',
    available: (host) => available(host, poll),
    facts: (host) => facts(host),
    run: (modules, host, stop, singly) => {
      const known = modules.filter(({ goal }) => readerOf(goal) !== undefined);
      const lost = modules.filter((module) => !known.includes(module)).map((module) => noReader(module, host));
      const restarts = options.restarts ?? restartLimits;
      return merge(
        ...lost.map((frames) => of(frames)),
        ...shared(known, poll).map((group) => runGroup(group, host, poll.source, stop, singly, restarts)),
      );
    },
  };
}

const runGroup = (
  group: Group,
  host: EngineHost,
  source: SourceChoice,
  stop: AbortSignal,
  singly: Singly | undefined,
  restarts: RestartLimits,
): Observable<readonly Frame[]> =>
  new Observable((subscriber) => {
    const gone = new AbortController();
    const ends: Ends = { stop, gone: gone.signal, ...(singly && { leaving: (module: Module) => singly.leaving(module) }) };
    const forward = async () => {
      for await (const frames of lives(group, host, source, ends, restarts)) {
        if (gone.signal.aborted) return;
        subscriber.next(frames);
      }
      // Other readers may go on while this one is over.
      const failed = stop.aborted ? [] : group.modules.filter((module) => ends.leaving?.(module).aborted !== true);
      for (const module of failed) singly?.gaveUp(module);
      subscriber.complete();
    };
    forward().catch((cause: unknown) => subscriber.error(cause));
    return () => gone.abort();
  });

/** Modules that share one reader's looks. */
interface Group {
  readonly kind: ReaderKind;
  readonly everyMs: number;
  readonly modules: Module[];
}

function shared(modules: readonly Module[], { pollMs }: PollOptions): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const module of modules) {
    const kind = readerOf(module.goal);
    if (kind === undefined) continue;
    const everyMs = Number(valuesOf(module.goal).get('interval') ?? pollMs);
    const name = `${kind.name} ${everyMs}`;
    const group = groups.get(name) ?? { kind, everyMs, modules: [] };
    group.modules.push(module);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function noReader(module: Module, host: EngineHost): readonly Frame[] {
  const run = newRun(module, host, polledLines);
  const problem = error(
    'ENGINE_PROCFS_NO_READER',
    `procfs has no reader "${module.goal.engines.procfs?.reader ?? ''}" for ${module.goal.id}.`,
  );
  const atUs = host.clock.nowUs();
  return [
    { kind: 'run', run, atUs },
    { kind: 'end', run: run.id, problem, atUs },
  ];
}

/** One life after another until it is asked to end, or has failed too often in a row. */
async function* lives(
  { kind, everyMs, modules }: Group,
  host: EngineHost,
  source: SourceChoice,
  ends: Ends,
  limits: RestartLimits,
): AsyncGenerator<readonly Frame[], void> {
  for (let state = noRestarts; ;) {
    const left = modules.filter((module) => ends.leaving?.(module).aborted !== true);
    if (left.length === 0) return;
    const life = yield* pollOnce(kind, left, host, { everyMs, source }, ends);
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
