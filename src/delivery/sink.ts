import type { Static, TSchema } from 'typebox';
import type { Item } from '../alerts/item.ts';
import type { Spawn } from '../engine/child.ts';
import type { Problem } from '../problem/problem.ts';
import type { Clock } from '../telemetry/clock.ts';

/** A sink's answer for one item. It never loops, sleeps, collects or counts: delivery does. */
export type SendResult =
  | {
      readonly outcome: 'sent';
      /** What the receiver said, e.g. "250 2.0.0 Ok: queued as 4F2A1". */ readonly receipt?: string;
      /** Sent, but a person should know this (some recipients refused). */ readonly warning?: Problem;
    }
  | { readonly outcome: 'retry' | 'reject'; readonly problem: Problem };

export const sent = (receipt?: string): SendResult => (receipt === undefined ? { outcome: 'sent' } : { outcome: 'sent', receipt });
export const retry = (problem: Problem): SendResult => ({ outcome: 'retry', problem });
export const reject = (problem: Problem): SendResult => ({ outcome: 'reject', problem });

/**
 * Items that go to one sink in one message or batch. Its boundaries are fixed when it is made: a retry brings the very
 * same items in the same order under the same id (an idempotent Kafka producer loses data otherwise).
 */
export interface Notification {
  /** hash(sink, sorted item ids): the same after a restart, a replay or on another machine. */
  readonly id: string;
  readonly sink: string;
  readonly items: readonly Item[];
  /** Delivery's own account at the time it was made, for mails: what this sink was not sent. */
  readonly heldBack?: { readonly digestOf: number; readonly windowFromUs: number; readonly windowToUs: number };
}

export interface Sink {
  /** One answer for each item, in order. Never throws for what a receiver or the network does. */
  send(notification: Notification, signal: AbortSignal): Promise<readonly SendResult[]>;
  close(): Promise<void>;
}

/** What a sink may use of the world. */
export interface SinkContext {
  readonly name: string;
  readonly hostname: string;
  readonly clock: Clock;
  readonly spawn: Spawn;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface SinkDefinition<S extends TSchema = TSchema> {
  readonly type: string;
  readonly summary: string;
  /** Keys of the sink in tapline.yaml, without `type`. Every key has a description. A key that ends in _file names a file with a secret. */
  readonly schema: S;
  /** `each`: every item at once, in batches of at most maxItems. `digest`: alerts are collected (group_wait, digest); such sinks' schemas have `group_wait` and `digest`. */
  readonly grouping: 'each' | 'digest';
  readonly maxItems: number;
  /** Pure: what the schema cannot say (addresses, URLs). Paths are keys below the sink. No network. */
  check?(config: Static<S>): readonly { readonly path: readonly (string | number)[]; readonly problem: Omit<Problem, 'place'> }[];
  /** Opens lazily: connecting happens in `send`. */
  open(config: Static<S>, context: SinkContext): Sink;
}

/** Ties the type of `config` to the schema that validates it. */
export const defineSink = <S extends TSchema>(definition: SinkDefinition<S>): SinkDefinition<S> => definition;
