import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { bootId } from '../engine/new-run.ts';
import type { Project } from '../goals/project.ts';
import type { PipelineOptions } from '../pipeline.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import type { CliContext } from './context.ts';
import { openSinks } from './sinks-open.ts';

/** Keys of each operator with state, at most; more are evicted, counted and told. */
export const maxKeys = 100_000;

/** What every run of a project's pipeline has, live or replayed. The secret is new at each start: state is not kept over one yet. */
export const pipelineBase = (context: CliContext, { config, rules, catalogue }: Project, ledger: Ledger) =>
  ({
    rules,
    goals: catalogue,
    sinks: openSinks(context, config),
    taplineTo: config.taplineTo,
    ledger,
    host: hostname(),
    boot: bootId('/proc'),
    secret: [randomInt(2 ** 32), randomInt(2 ** 32)],
    maxKeys,
  }) satisfies Partial<PipelineOptions>;
