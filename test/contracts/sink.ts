import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Item } from '../../src/alerts/item.ts';
import type { Notification, SendResult, Sink } from '../../src/delivery/sink.ts';
import { needs, type Need } from '../needs.ts';
import { oneOfEach, sampleAlert, sampleRecord } from './items.ts';

/** A real peer of a sink, started for one test. */
export interface Peer {
  /** A new sink of the kind under test that talks to this peer. */
  open(): Sink;
  stop(): Promise<void>;
}

/** A peer that takes what it is sent. */
export interface Receiver extends Peer {
  /**
   * What the receiver can drop doubles by, for each message it has got, in the order of arrival (an item's id; for mail
   * the Message-ID). Waits until there are at least `count`; how many one notification makes is `messages`.
   */
  identities(count: number): Promise<readonly string[]>;
  /** How many messages a notification of so many items makes: items for each, 1 for a digest. */
  messages(items: number): number;
}

export interface SinkContract {
  readonly type: string;
  readonly needs?: readonly Need[];
  readonly maxItems: number;
  readonly working: () => Promise<Receiver>;
  /** Nobody there, or the disk is full: every item is to be answered `retry`. Left out where there is no such thing. */
  readonly unreachable?: () => Promise<Peer>;
  /** Takes the connection and never answers; `reached` tells that it was called. Left out where a sink waits for no answer. */
  readonly silent?: () => Promise<Peer & { reached(): Promise<void> }>;
}

/** As delivery makes it (semantics 28). */
export const notificationOf = (sink: string, items: readonly Item[]): Notification => ({
  id: createHash('sha256')
    .update(JSON.stringify([sink, items.map((item) => item.id).sort()]))
    .digest('hex')
    .slice(0, 32),
  sink,
  items,
});

const never = () => new AbortController().signal;
const outcomes = (results: readonly SendResult[]) => results.map((result) => result.outcome);

/** Runs the suite that every sink must pass, against a real peer. Call it at the top level of a test file. */
export function sinkContract(contract: SinkContract): void {
  const wanted = contract.needs ?? [];
  const batch = (prefix: string) => notificationOf('under-test', oneOfEach(prefix).slice(0, contract.maxItems));

  describe(`sink contract: ${contract.type}`, () => {
    test('answers sent once for each item, of every kind and whatever its text', async (context) => {
      needs(context, ...wanted);
      await withPeer(await contract.working(), async (sink, receiver) => {
        const notification = batch('each');
        const results = await sink.send(notification, never());
        expect(results.map((result) => (result.outcome === 'sent' ? 'sent' : result.problem))).toEqual(
          notification.items.map(() => 'sent'),
        );
        const count = receiver.messages(notification.items.length);
        expect(await receiver.identities(count)).toHaveLength(count);
      });
    });

    test('keeps the order of notifications', async (context) => {
      needs(context, ...wanted);
      await withPeer(await contract.working(), async (sink, receiver) => {
        const seen: string[] = [];
        for (const number of [1, 2, 3]) {
          expect(outcomes(await sink.send(notificationOf('under-test', [sampleRecord(`order-${number}`)]), never()))).toEqual(['sent']);
          const all = await receiver.identities(number);
          expect(all.slice(0, number - 1)).toEqual(seen);
          seen.push(all[number - 1] ?? '');
        }
        expect(new Set(seen).size).toBe(3);
      });
    });

    test('sends the same notification again under the same identity', async (context) => {
      needs(context, ...wanted);
      await withPeer(await contract.working(), async (sink, receiver) => {
        const notification = batch('again');
        const count = receiver.messages(notification.items.length);
        await sink.send(notification, never());
        const first = (await receiver.identities(count)).slice(0, count);
        await sink.send(notification, never());
        // A receiver may have dropped the double by itself (an idempotent producer): then there is nothing more to compare.
        const all = await receiver.identities(count);
        expect(new Set(all)).toEqual(new Set(first));
        expect(new Set(first).size).toBe(count);
      });
    });

    test('another sink of the same settings gives the same identity, as after a restart', async (context) => {
      needs(context, ...wanted);
      const receiver = await contract.working();
      try {
        const notification = notificationOf('under-test', [sampleAlert('restart')]);
        for (const number of [1, 2]) {
          const sink = receiver.open();
          expect(outcomes(await sink.send(notification, never()))).toEqual(['sent']);
          await receiver.identities(number);
          await sink.close();
        }
        expect(new Set(await receiver.identities(2)).size).toBe(1);
      } finally {
        await receiver.stop();
      }
    });

    test('ends, opened or not, used or not, and twice', async (context) => {
      needs(context, ...wanted);
      const receiver = await contract.working();
      try {
        const unused = receiver.open();
        await unused.close();
        const used = receiver.open();
        await used.send(batch('close'), never());
        await used.close();
        await used.close();
      } finally {
        await receiver.stop();
      }
    });

    test('never throws when the signal was aborted before, and answers each item', async (context) => {
      needs(context, ...wanted);
      await withPeer(await contract.working(), async (sink) => {
        const notification = batch('aborted');
        const results = await sink.send(notification, AbortSignal.abort());
        expect(results).toHaveLength(notification.items.length);
        expect(outcomes(results)).not.toContain('reject');
      });
    });

    const { unreachable, silent } = contract;
    if (unreachable !== undefined)
      test('answers retry with a problem for each item when the receiver cannot be reached', async (context) => {
        needs(context, ...wanted);
        await withPeer(await unreachable(), async (sink) => {
          const notification = batch('unreachable');
          const results = await sink.send(notification, AbortSignal.timeout(20_000));
          expect(outcomes(results)).toEqual(notification.items.map(() => 'retry'));
          for (const result of results) if (result.outcome !== 'sent') expect(result.problem.message).not.toBe('');
        });
      });

    if (silent !== undefined)
      test('gives up at once when aborted while the receiver keeps silent', async (context) => {
        needs(context, ...wanted);
        await withPeer(await silent(), async (sink, peer) => {
          const notification = batch('silent');
          const controller = new AbortController();
          const answers = sink.send(notification, controller.signal);
          await peer.reached();
          controller.abort();
          expect(outcomes(await answers)).toEqual(notification.items.map(() => 'retry'));
        });
      });
  });
}

async function withPeer<P extends Peer>(peer: P, use: (sink: Sink, peer: P) => Promise<void>): Promise<void> {
  const sink = peer.open();
  try {
    await use(sink, peer);
  } finally {
    await sink.close();
    await peer.stop();
  }
}
