import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DefaultReporter, type TestModule } from 'vitest/node';

const root = join(import.meta.dirname, '..');
/** Files of which no test may be skipped on any machine. */
const mustRun = new Set(
  readFileSync(join(root, 'test/must-run.txt'), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#')),
);
/** What .ci/run installed: a skip that names one of these is a failure. */
const installed = new Set((process.env['TAPLINE_INSTALLED'] ?? '').split(/\s+/).filter((word) => word !== ''));

/** Vitest's own report, then each skip with its reason, then `N passed, N failed, N skipped` alone on the last line. */
export default class TaplineReporter extends DefaultReporter {
  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: Parameters<DefaultReporter['onTestRunEnd']>[1],
    reason: Parameters<DefaultReporter['onTestRunEnd']>[2],
  ): void {
    super.onTestRunEnd(modules, errors, reason);
    let passed = 0;
    let failed = errors.length;
    const skips: string[] = [];
    const refused: string[] = [];
    const seen = new Set<string>();
    const { testNamePattern } = this.ctx.config;
    for (const module of modules) {
      const file = relative(root, module.moduleId);
      seen.add(file);
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed += 1;
        else if (result.state === 'failed') failed += 1;
        else if (testNamePattern?.test(test.fullName.replaceAll(' > ', ' ')) !== false) {
          // (What `-t` leaves out was not asked for.)
          const why = (result.state === 'skipped' ? result.note : undefined) ?? 'no reason given';
          const need = /^needs (\w+):/.exec(why)?.[1];
          const line = `${file} > ${test.fullName}: ${why}`;
          if (mustRun.has(file) || (need !== undefined && installed.has(need)) || need === undefined) refused.push(line);
          else skips.push(line);
        }
      }
    }
    const whole = process.argv.every((word) => !/\.test\.ts$|^src|^test\//.test(word));
    if (whole) for (const file of mustRun) if (!seen.has(file)) refused.push(`${file}: test/must-run.txt names it, but it did not run`);
    const out = (line: string) => process.stdout.write(`${line}\n`);
    if (skips.length > 0) out(`\nSkipped (${skips.length}):\n${skips.map((line) => `  ${line}`).join('\n')}`);
    if (refused.length > 0) {
      out(`\nSkipped, but must run here (${refused.length}, counted as failed):\n${refused.map((line) => `  ${line}`).join('\n')}`);
      process.exitCode = 1;
    }
    if (passed === 0) process.exitCode = 1;
    out(`\n${passed} passed, ${failed + refused.length} failed, ${skips.length} skipped`);
  }
}
