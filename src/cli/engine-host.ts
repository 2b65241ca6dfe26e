import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { spawnInGroup } from '../engine/child.ts';
import type { EngineHost } from '../engine/engine.ts';
import { wallClock } from '../telemetry/clock.ts';

/** This machine, for engines. */
export const engineHost = (): EngineHost => ({
  spawn: spawnInGroup,
  clock: wallClock,
  proc: '/proc',
  sys: '/sys',
  hostname: hostname(),
  uid: process.geteuid?.() ?? 0,
});

/** New at each boot (random(4)); "unknown" where /proc does not say. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
