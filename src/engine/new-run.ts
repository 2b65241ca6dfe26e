import { randomBytes } from 'node:crypto';
import type { Module } from '../generate/module.ts';
import type { EngineHost } from './engine.ts';
import type { Run } from './frame.ts';
import { readOrNothing } from './kernel-facts.ts';

/** New at each boot (random(4)); "unknown" where /proc does not say. */
export const bootId = (proc: string): string => readOrNothing(`${proc}/sys/kernel/random/boot_id`)?.trim() ?? 'unknown';

/** A life of a module that begins now, with what its engine says about its lines. */
export const newRun = (module: Module, host: EngineHost, lines: Pick<Run, 'engine' | 'fidelity' | 'dialect' | 'clock'>): Run => ({
  id: randomBytes(8).toString('hex'),
  host: host.hostname,
  boot: bootId(host.proc),
  goal: module.goal.id,
  ...(module.goal.asked && { with: module.goal.asked.text }),
  module: module.id,
  ...lines,
});
