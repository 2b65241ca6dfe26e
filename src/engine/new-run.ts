import { randomBytes } from 'node:crypto';
import type { EngineName } from '../config/config.ts';
import type { Module } from '../generate/module.ts';
import type { EngineHost } from './engine.ts';
import type { Run } from './frame.ts';
import { readOrNothing } from './kernel-facts.ts';

/** New at each boot (random(4)); "unknown" where /proc does not say. */
export const bootId = (proc: string): string => readOrNothing(`${proc}/sys/kernel/random/boot_id`)?.trim() ?? 'unknown';

/** What an engine says about the lines of a run. */
export interface Lines extends Pick<Run, 'dialect' | 'clock'> {
  readonly engine: EngineName;
}

/** A life of a module that begins now. Whether it samples is the goal's to say, for each engine. */
export const newRun = (module: Module, host: EngineHost, lines: Lines): Run => ({
  id: randomBytes(8).toString('hex'),
  host: host.hostname,
  boot: bootId(host.proc),
  goal: module.goal.id,
  ...(module.goal.asked && { with: module.goal.asked.text }),
  module: module.id,
  fidelity: module.goal.engines[lines.engine]?.fidelity ?? 'event',
  ...lines,
});
