import type { Place } from '../problem/problem.ts';

/** What can answer a goal. The order is no preference: choosing is per goal (engine/choose.ts). */
export const engineNames = ['systemtap', 'bpftrace', 'procfs', 'replay'] as const;
export type EngineName = (typeof engineNames)[number];

/** tapline.yaml, read and checked: secrets put in, durations in milliseconds, paths absolute. */
export interface Config {
  readonly file: string;
  readonly engine: EngineName | 'auto';
  /** Rule files, absolute, in order; globs are expanded and `*.test.yaml` left out. */
  readonly ruleFiles: readonly string[];
  readonly sinks: ReadonlyMap<string, SinkConfig>;
  /** Where a rule without `to` goes. */
  readonly to: readonly string[];
  /** Where tapline.* goes when no rule takes it. */
  readonly taplineTo: readonly string[];
  /** How often procfs polls, milliseconds. */
  readonly pollMs: number;
}

export interface SinkConfig {
  readonly name: string;
  readonly type: string;
  /** As the sink's schema has it, defaults filled in, ${VAR} and *_file resolved. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly place: Place;
}
