// All checks, one after the other: they share the kernel's modules. Prints a line for each and "N passed, N failed".
import { kernelChecks } from './life.mjs';
import { commandLineChecks } from './commandline.mjs';

let passed = 0;
let failed = 0;
const started = performance.now();
for (const [name, check] of [...kernelChecks, ...commandLineChecks]) {
  const before = performance.now();
  try {
    await check();
    passed++;
    console.log(`ok      ${name} (${Math.round(performance.now() - before)} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${String(error?.stack ?? error).replace(/^/gm, '        ')}`);
  }
}
console.log(`in ${Math.round((performance.now() - started) / 1000)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
