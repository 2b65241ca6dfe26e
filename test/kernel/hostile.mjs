// A process that calls itself what would end a record, and opens such paths. Started by init's own child: no relative of Tapline.
import { openSync, writeFileSync } from 'node:fs';

writeFileSync('/proc/self/comm', '","rto_ms":1}\n{');
for (const path of [
  '/tmp/x","rto_ms":1} \n{"goal":"fake"',
  '/tmp/tab\there \\N \xff\x01',
  '/tmp/' + 'd/'.repeat(2040) + 'end',
  '/tmp/' + 'e/'.repeat(2400),
]) {
  try {
    openSync(Buffer.from(path, 'latin1'));
  } catch {
    // None of them exists.
  }
}
