// Kinds of retransmission beside the kernel's own counters, for each way to lose segments (test/lab/losses.mjs).
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { atOnce } from './at-once.mjs';
import { beside, losses, sendThrough, wrongBeside } from './lab/losses.mjs';
import { addresses, makeNetLab } from './netns.mjs';
import { modulesOf, watchModules } from './watching.mjs';

export const lossChecks = [
  [
    'kinds of retransmission are the ones that the kernel counts, whatever is lost (semantics 24)',
    async () => {
      const watched = watchModules(modulesOf('tcp.retransmit'));
      try {
        await watched.until('ready', () => watched.ready.length === 1);
        const wrong = [];
        // Each has a network of its own, and mostly waits.
        await atOnce(3, losses, async (loss) => {
          const lab = makeNetLab();
          try {
            const { grew } = await sendThrough(lab, loss, addresses);
            await delay(2500);
            const numbers = beside(watched.of('tcp.retransmit').filter(lab.own), grew);
            console.log(`        ${loss.name}: ${JSON.stringify(numbers)} (ours, the kernel's)`);
            const missing = loss.kinds.filter((kind) => numbers[kind][0] === 0);
            if (wrongBeside(numbers).length > 0 || missing.length > 0) wrong.push([loss.name, wrongBeside(numbers), missing]);
          } finally {
            lab.close();
          }
        });
        assert.deepEqual(wrong, []);
      } finally {
        await watched.end();
      }
    },
  ],
];
