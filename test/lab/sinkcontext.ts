import { PassThrough } from 'node:stream';
import type { SinkContext } from '../../src/delivery/sink.ts';
import { spawnInGroup } from '../../src/engine/child.ts';

/** 2026-11-23 05:03:20 UTC. */
export const testNowUs = 1_795_410_200_000_000;

/** What a sink sees of the world in tests: nothing of this machine but loopback and the file system. */
export const sinkContext = (more: Partial<SinkContext> = {}): SinkContext => ({
  name: 'under-test',
  hostname: 'api-7',
  clock: { nowUs: () => testNowUs },
  spawn: spawnInGroup,
  stdout: new PassThrough(),
  env: {},
  ...more,
});
