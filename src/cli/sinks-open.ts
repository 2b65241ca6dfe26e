import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { parseDuration } from '../config/duration.ts';
import { digestDefaults, type OpenSink } from '../delivery/delivery.ts';
import { spawnInGroup } from '../engine/child.ts';
import { sinkDefinitions } from '../sinks/index.ts';
import { wallClock } from '../telemetry/clock.ts';
import type { CliContext } from './context.ts';

/** Opens the sinks of a configuration, or the ones that are named. Connecting happens when something is sent. */
export function openSinks(context: CliContext, config: Config, only?: readonly string[]): OpenSink[] {
  return [...config.sinks.values()].flatMap(({ name, type, options }) => {
    const definition = sinkDefinitions.find((each) => each.type === type);
    if (definition === undefined || (only && !only.includes(name))) return [];
    const sink = definition.open(options, {
      name,
      hostname: hostname(),
      clock: wallClock,
      spawn: spawnInGroup,
      stdout: context.stdout,
      env: context.env,
    });
    const ms = (key: string, otherwise: number) =>
      typeof options[key] === 'string' ? (parseDuration(options[key]) ?? otherwise) : otherwise;
    const digest = { groupWaitMs: ms('group_wait', digestDefaults.groupWaitMs), digestMs: ms('digest', digestDefaults.digestMs) };
    return [{ name, sink, definition, ...(definition.grouping === 'digest' && { digest }) }];
  });
}
