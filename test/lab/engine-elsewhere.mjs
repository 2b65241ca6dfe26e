// Runs the procfs engine as whoever it was started as, frames on stdout as in a recording, until stdin ends.
import { hostname } from 'node:os';
import { spawnInGroup } from './src/engine/child.js';
import { procfsEngine } from './src/engine/procfs/index.js';
import { frameLine } from './src/engine/recording.js';
import { wallClock } from './src/telemetry/clock.js';

if (process.getuid() === 0) throw new Error('this was to run without privilege');
const { modules, options } = JSON.parse(process.argv[2]);
const host = { spawn: spawnInGroup, clock: wallClock, proc: '/proc', sys: '/sys', hostname: hostname(), uid: process.getuid() };
const stop = new AbortController();
process.stdin.on('end', () => stop.abort()).resume();
procfsEngine(options)
  .run(modules, host, stop.signal)
  .subscribe({ next: (frames) => process.stdout.write(frames.map(frameLine).join('')), complete: () => process.stdout.end() });
