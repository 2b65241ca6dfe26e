// All checks, one after the other: they share the kernel's modules. Prints a line for each and "N passed, N failed".
// /job/part: the half of them that runs here, where another VM has the other one: engine or goals.
import { existsSync, readFileSync } from 'node:fs';
import { only } from './cases.mjs';
import { commandLineChecks } from './commandline.mjs';
import { conformanceChecks } from './conformance.mjs';
import { ownScriptChecks } from './own-scripts.mjs';

const { kernelChecks } = only === '' ? await import('./life.mjs') : { kernelChecks: [] };
const { lossChecks } = only === '' ? await import('./losses.mjs') : { lossChecks: [] };
const { besideChecks } = only === '' ? await import('./beside.mjs') : { besideChecks: [] };
const { supervisionChecks } = only === '' ? await import('./supervision.mjs') : { supervisionChecks: [] };
const { takeOverChecks } = only === '' ? await import('./take-over.mjs') : { takeOverChecks: [] };
/** Found before the VM was there. */
const before = JSON.parse(readFileSync('/job/before.json', 'utf8')).map(({ name, ms, why }) => [
  `${name} (before the VM booted, ${ms} ms)`,
  () => {
    if (why !== '') throw new Error(why);
  },
]);
let passed = 0;
let failed = 0;
let skipped = 0;
const started = performance.now();
const named = new RegExp(existsSync('/job/checks') ? readFileSync('/job/checks', 'utf8').trim() : '');
/** About as long as each other. */
const parts = {
  engine: [...before, ...kernelChecks, ...besideChecks, ...supervisionChecks, ...takeOverChecks, ...ownScriptChecks],
  goals: [...(only === '' ? commandLineChecks : []), ...lossChecks, ...conformanceChecks],
};
const part = existsSync('/job/part') ? readFileSync('/job/part', 'utf8').trim() : undefined;
const all = part === undefined ? Object.values(parts).flat() : parts[part];
for (const [name, check] of all.filter(([name]) => named.test(name))) {
  const before = performance.now();
  try {
    const result = await check();
    if (result?.skipped !== undefined) {
      skipped++;
      console.log(`skipped ${name}: ${result.skipped}`);
      continue;
    }
    passed++;
    console.log(`ok      ${name} (${Math.round(performance.now() - before)} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${String(error?.stack ?? error).replace(/^/gm, '        ')}`);
  }
}
console.log(`in ${Math.round((performance.now() - started) / 1000)} s`);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
