import type { Observable } from 'rxjs';
import type { Clock } from '../telemetry/clock.ts';
import type { EngineName } from '../config/config.ts';
import type { Goal } from '../goals/goal.ts';
import type { HostFacts, Module } from '../generate/module.ts';
import type { Spawn } from './child.ts';
import type { Finding } from './machine/finding.ts';
import type { Frame } from './frame.ts';

/** Whether an engine can run here and now, with this user; findings say what is missing, or what it cannot do here. */
export type Availability =
  | {
      readonly can: true;
      /** "0.17.0 as root" */ readonly summary: string;
      /** All of them limits. */ readonly findings: readonly Finding[];
    }
  | {
      readonly can: false;
      /** The first finding that stops it, in words. */ readonly why: string;
      /** In the order in which they have to be mended. */ readonly findings: readonly Finding[];
    };

export const unavailable = (findings: readonly Finding[]): Availability => ({
  can: false,
  why: findings.find(({ level }) => level === 'stops')?.what ?? 'it cannot run here',
  findings,
});

/** What was tried beyond `available`, in words, and what came of it. */
export interface TriedOut {
  readonly tried: string;
  readonly findings: readonly Finding[];
}

/** The world as an engine sees it, passed in so that tests and a privileged helper can stand in for it. */
export interface EngineHost {
  readonly spawn: Spawn;
  readonly clock: Clock;
  /** "/proc", "/sys": other roots in tests. */
  readonly proc: string;
  readonly sys: string;
  readonly hostname: string;
  /** Effective user id. */
  readonly uid: number;
}

/** What an engine and whoever runs a set of modules say to each other about single ones (semantics 21). */
export interface Singly {
  /** Asks one module to say goodbye while the others go on. Heeded by engines that others take over from (procfs). */
  leaving(module: Module): AbortSignal;
  /** One module has failed for good while others go on. Completion says the same of all that are left. */
  gaveUp(module: Module): void;
}

export interface Engine {
  readonly name: EngineName;
  /** Tries for real, briefly, and changes nothing. */
  available(host: EngineHost): Promise<Availability>;
  /** Engines that can try further than `available` does: may take a minute and a half, leaves nothing behind. Asked by the doctor only. */
  tryOut?(host: EngineHost): Promise<TriedOut>;
  /** Facts that templates need; asked only where `available` said yes. */
  facts(host: EngineHost, goals: readonly Goal[]): Promise<HostFacts>;
  /** Engines that compile: whether all these modules are compiled for this host already, so that a run starts at once. */
  compiled?(modules: readonly Module[], host: EngineHost): Promise<boolean>;
  /**
   * Runs a set of modules. Hot children start on subscription. Aborting `stop` ends gracefully: probes are asked to say
   * goodbye, what they printed is drained, then the Observable completes. Unsubscribing ends at once (INT, INT, TERM, KILL).
   * Never errors: a run that failed ends with an `end` frame that says why, and is restarted with back-off.
   */
  run(modules: readonly Module[], host: EngineHost, stop: AbortSignal, singly?: Singly): Observable<readonly Frame[]>;
}
