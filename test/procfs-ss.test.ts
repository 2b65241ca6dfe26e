import { test } from 'vitest';
import { procfsEngine } from '../src/engine/procfs/index.ts';
import { expectChangesTold, expectSynsTold, expectWholeRun, watchSyns } from './lab/syn-told.ts';
import { needs } from './needs.ts';

test('by ss, without privilege, SYNs sent again are told with the timeout that expired', async (context) => {
  needs(context, 'ss');
  const {
    told: [told],
    port,
  } = await watchSyns([procfsEngine({ source: 'ss' })]);
  if (told === undefined) throw new Error('nothing was watched');
  expectSynsTold(told, port);
  expectChangesTold(told, port);
  expectWholeRun(told);
});
