// Opens a path that does not exist, again and again, as its own process: node flood.mjs PATH COUNT [PAUSE-EACH PAUSE-MS].
// Told on stdout at the end: how many it was.
import { openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const [path, count, each = '0', pauseMs = '0'] = process.argv.slice(2);
for (let i = 1; i <= Number(count); i++) {
  try {
    openSync(path);
  } catch {
    // It does not exist: the probe sees ENOENT.
  }
  if (Number(each) > 0 && i % Number(each) === 0) await delay(Number(pauseMs));
}
process.stdout.write(count);
