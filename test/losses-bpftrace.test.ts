import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TapRecord } from '../src/decode/batch.ts';
import { bpftraceEngine } from '../src/engine/bpftrace/index.ts';
import { bpftraceModule, goalOf } from './lab/goals.ts';
import { addresses, makeNetLab, type NetLab } from './lab/netns.ts';
import { watch, type Watching } from './lab/watching.ts';
import { lacking, needs } from './needs.ts';

type Grew = (name: string) => number;
interface Loss {
  readonly name: string;
  readonly kinds: readonly string[];
}
const losses = (await (import(join(import.meta.dirname, 'lab/losses.mjs')) as Promise<unknown>)) as {
  losses: readonly Loss[];
  sendThrough: (net: NetLab, loss: Loss, on: typeof addresses) => Promise<{ grew: Grew }>;
  beside: (records: readonly TapRecord[], grew: Grew) => Readonly<Record<string, readonly [number, number]>>;
  wrongBeside: (numbers: object) => readonly unknown[];
};
const wants = ['root', 'bpftrace', 'netns', 'nstat', 'nft', 'ss'] as const;

describe.concurrent('kinds of retransmission are the ones that the kernel counts (semantics 24)', () => {
  let watching: Watching | undefined;
  beforeAll(async () => {
    if (lacking(...wants) === undefined) watching = await watch(bpftraceEngine, [await bpftraceModule(goalOf('tcp.retransmit'))]);
  });
  afterAll(() => watching?.stop());

  test.for(losses.losses)('lost: $name', { timeout: 90_000 }, async (loss, context) => {
    needs(context, ...wants);
    const net = makeNetLab();
    try {
      const { grew } = await losses.sendThrough(net, loss, addresses);
      const own = () => watching?.records.filter((record) => net.own(record)) ?? [];
      const numbers = () => losses.beside(own(), grew);
      // What was printed before is read within two beats.
      const beats = () => watching?.signals.filter(({ kind }) => kind === 'time').length ?? 0;
      for (const from = beats(); beats() < from + 2;) await delay(100);
      expect(losses.wrongBeside(numbers()), JSON.stringify(numbers())).toEqual([]);
      expect(numbers()['all']?.[0]).toBeGreaterThan(0);
      for (const kind of loss.kinds) expect(numbers()[kind]?.[0], `${kind} of ${JSON.stringify(numbers())}`).toBeGreaterThan(0);
    } finally {
      net.close();
    }
  });
});
