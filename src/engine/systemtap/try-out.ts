import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { gently } from '../child.ts';
import type { EngineHost, TriedOut } from '../engine.ts';
import { stops } from '../machine/finding.ts';
import { output } from '../machine/output.ts';
import { compileCause } from './messages.ts';

/** A module without tracepoints compiles in seconds: the look at all of the kernel's tracepoint headers is not needed for it. */
const script = 'probe oneshot { println("tapline") }\n';
const compileLimitMs = 90_000;
const loadLimitMs = 15_000;

/** Compiles a module that only says hello, loads it, and sees it gone again. */
export async function tryOut(host: EngineHost, kernel: string): Promise<TriedOut> {
  const folder = mkdtempSync(join(tmpdir(), 'tapline-doctor-'));
  const name = `tapline_doctor_${pid}`;
  try {
    writeFileSync(join(folder, 'hello.stp'), script);
    const began = performance.now();
    const compiled = await output(host, 'stap', ['-p4', '-r', kernel, '-m', name, 'hello.stp'], { limitMs: compileLimitMs, cwd: folder });
    if (compiled.late)
      return { tried: `a trivial module was not compiled within ${compileLimitMs / 1000} s; the machine may be slow`, findings: [] };
    if (compiled.code !== 0)
      return {
        tried: 'a trivial module could not be compiled',
        findings: [stops('compile-failed', `SystemTap cannot compile a trivial module: ${compileCause(compiled.said)}`)],
      };
    const seconds = Math.max(1, Math.round((performance.now() - began) / 1000));
    // Ended gently: a staprun that is killed leaves its module behind.
    const loaded = await output(host, 'staprun', [join(folder, `${name}.ko`)], { limitMs: loadLimitMs, ends: gently });
    if (loaded.text.trim() === 'tapline')
      return {
        tried: `a trivial module was compiled (${seconds} s), loaded and taken out again; the goals' own modules were not: the first for a kernel takes minutes`,
        findings: [],
      };
    const cause = loaded.said.join(' / ').slice(0, 300) || 'it printed nothing';
    return {
      tried: `a trivial module was compiled (${seconds} s), but could not be loaded`,
      findings: [stops('load-failed', `SystemTap compiles, but its module cannot be loaded: ${cause}`)],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
