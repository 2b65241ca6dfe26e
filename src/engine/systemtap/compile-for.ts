import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { generateModule } from '../../generate/generate.ts';
import type { Goal } from '../../goals/goal.ts';
import { error, type Problem } from '../../problem/problem.ts';
import type { Rule } from '../../rules/rule.ts';
import type { EngineHost } from '../engine.ts';
import { gatherFacts, kernelRelease } from '../machine/facts.ts';
import { findProgram, systemPlaces, type Places } from '../machine/places.ts';
import { loaderId, systemtapFacts } from './available.ts';
import { checkModule } from './check.ts';
import { compile, compiledModules, type Target } from './compile.ts';
import { factsFor, modulePlaces } from './index.ts';
import { CompileQueue } from './queue.ts';

export interface CompileForOptions {
  /** Goals with their parameters, and the rules whose conditions go into the probe; no rules: it prints every record. */
  readonly goals: readonly { readonly goal: Goal; readonly rules: readonly Rule[] }[];
  readonly host: EngineHost;
  readonly ends: AbortSignal;
  /** Compiler runs at the same time. */
  readonly width: number;
  readonly onProgress: (problem: Problem) => void;
  /** `uname -r` of the kernel to compile for; the running one unless given. */
  readonly kernel?: string;
  /** Where the modules go; the cache that a run looks into unless given. */
  readonly output?: string;
  readonly places?: Places;
}

export interface CompiledFor {
  readonly kernel: string;
  readonly folder: string;
  /** `kept`: it was compiled before. */
  readonly modules: readonly { readonly goal: string; readonly file: string; readonly kept: boolean }[];
  /** What could not be compiled, and why: ENGINE_UNAVAILABLE, ENGINE_COMPILE_FAILED, and those of generateModule. */
  readonly problems: readonly Problem[];
}

/** Compiles the modules of goals for a kernel, each once, into a folder that hosts with only staprun can load from. */
export async function compileFor(options: CompileForOptions): Promise<CompiledFor> {
  const { host, places = systemPlaces() } = options;
  const kernel = options.kernel ?? kernelRelease(host);
  const folder = options.output ?? modulePlaces().cacheDir;
  const nothing = (problem: Problem): CompiledFor => ({ kernel, folder, modules: [], problems: [problem] });
  const cannot = whyNoCompile(places, kernel);
  const loader = loaderId(places);
  if (cannot !== undefined || loader === undefined)
    return nothing(error('ENGINE_UNAVAILABLE', `Nothing can be compiled here: ${cannot}.`, { hint: 'tapline doctor' }));
  const where = { kernel, cacheDir: folder, modulesDirs: [] };
  const { version } = await systemtapFacts(host, gatherFacts(host, places), where);
  const target: Target = { ...where, loader, stap: version ?? 'none' };
  const queue = new CompileQueue(options.width);
  const each = await Promise.all(
    options.goals.map(async ({ goal, rules }) => {
      const made = generateModule({ goal, rules, engine: 'systemtap', facts: factsFor(kernel, target.stap), pushdown: true });
      if (!made.ok) return made;
      const kept = compiledModules(made.value, target).find((file) => checkModule(file, made.value, target) === undefined);
      if (kept !== undefined) return { ok: true, value: { goal: goal.id, file: kept, kept: true } } as const;
      const file = await compile(made.value, target, { host, queue, ends: options.ends, onProgress: options.onProgress });
      return file.ok ? ({ ok: true, value: { goal: goal.id, file: file.value, kept: false } } as const) : file;
    }),
  );
  return {
    kernel,
    folder,
    modules: each.flatMap((result) => (result.ok ? [result.value] : [])),
    problems: each.flatMap((result) => (result.ok ? [] : result.problems)),
  };
}

/** What is missing here to compile for that kernel, which need not be the running one. staprun is asked for because modules have to fit it. */
function whyNoCompile(places: Places, kernel: string): string | undefined {
  const missing = ['stap', 'staprun', 'gcc', 'make'].filter((name) => findProgram(places, name) === undefined);
  if (missing.length > 0) return `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not installed`;
  return existsSync(join(places.root, 'lib/modules', kernel, 'build/Makefile'))
    ? undefined
    : `the headers of kernel ${kernel} are not installed (no /lib/modules/${kernel}/build)`;
}
