import type { Module } from '../../generate/module.ts';
import type { Problem } from '../../problem/problem.ts';
import type { EngineHost } from '../engine.ts';
import type { SourceChoice } from './open.ts';

/** A record before it is numbered: how many events it stands for, and the goal's columns in their order, null where unknown. */
export interface Row {
  readonly n: number;
  readonly columns: readonly (string | number | boolean | null)[];
}

export interface ReaderOptions {
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** How TCP sockets are looked at. */
  readonly source: SourceChoice;
}

/** What looks at /proc again and again for a set of modules. It has made its first look, which tells nothing: the baseline. */
export interface Reader {
  /**
   * Looks again; for each module, in their order, what happened since the last look. Rejects with an Error whose message is for
   * people; the next look then tells what this one could not. Never run twice at a time.
   */
  look(signal: AbortSignal): Promise<readonly (readonly Row[])[]>;
  /** Events that the kernel counted and that were not told, since the baseline (semantics 5). 0 where nothing counts them. */
  readonly missed: number;
  /**
   * The moment of the last look at which a counter of the kernel was read once more, and what had been missed by then: all that
   * happened before is told or in this number, so another engine can tell what comes after. Without it that is the look's beginning.
   */
  readonly complete?: { readonly atUs: number; readonly missed: number };
}

/** One way of answering goals from /proc, named by `engines.procfs.reader` in their manifests. */
export interface ReaderKind {
  readonly name: string;
  /** "the TCP sockets": completes "cannot read". */
  readonly looksAt: string;
  /** Whether it can fill this goal's columns. */
  knows(goal: Module['goal']): boolean;
  /** Makes the first look. Modules are those of this reader that look equally often. */
  open(
    modules: readonly Module[],
    host: EngineHost,
    options: ReaderOptions,
    signal: AbortSignal,
  ): Promise<{ readonly reader: Reader; readonly notice?: Problem } | { readonly problem: Problem }>;
}
