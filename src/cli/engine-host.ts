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
