import { expect, test } from 'vitest';
import { procfsEngine } from '../src/engine/procfs/index.ts';
import { thisHost } from './lab/procfs.ts';
import { expectChangesTold, expectSynsTold, expectWholeRun, watchSyns } from './lab/syn-told.ts';

test('says that it can, and what it cannot see', async () => {
  const availability = await procfsEngine().available(thisHost());
  expect(availability).toMatchObject({ can: true });
  expect(availability.findings.map(({ what }) => what).join(' ')).toContain('sampled each 200 ms');
});

test('without privilege and without ss, SYNs sent again are told with the timeout that expired', async () => {
  const { told, port } = await watchSyns([procfsEngine({ source: 'proc' }), procfsEngine()]);
  for (const each of told) {
    expectSynsTold(each, port);
    expectChangesTold(each, port);
    expectWholeRun(each);
  }
});
