import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { loadConfig, type SinkType } from '../config/load.ts';
import { parseSource } from '../config/source.ts';
import { fail, ok, type Problem, type Result } from '../problem/problem.ts';
import { loadRules, rulesIn } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import { loadGoals, type Catalogue } from './catalogue.ts';
import { resolveRules } from './resolve.ts';
import { resolveScripts } from './resolve-script.ts';
import type { Who } from './script-file.ts';

/** All that a person wrote, read and checked. */
export interface Project {
  readonly config: Config;
  readonly catalogue: Catalogue;
  /** Rules that are switched on. */
  readonly rules: readonly Rule[];
  /** Rules that are switched off, and as right as the others. */
  readonly off: readonly Rule[];
}

export interface ProjectSources {
  readonly configFile: string;
  readonly goalsFolder: string;
  readonly sinkTypes: readonly SinkType[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of the files that the configuration names. */
  readonly ruleFiles?: readonly string[];
  /** Who runs Tapline: whose scripts may be run. */
  readonly who: Who;
}

/**
 * What can be asked: the goals, and those that are scripts of the configured rule files. A configuration that is wrong, or not there,
 * takes only its own away; what is wrong with scripts is told.
 */
export function loadCatalogue(sources: ProjectSources): Result<Catalogue> {
  const goals = loadGoals(sources.goalsFolder);
  if (!goals.ok) return goals;
  const config = loadConfig(sources.configFile, { sinkTypes: sources.sinkTypes, env: sources.env });
  const raw = loadRules(sources.ruleFiles ?? config.forRules?.ruleFiles ?? []);
  const scripts = resolveScripts(raw.scripts, goals.value, { library: join(sources.goalsFolder, 'lib'), who: sources.who });
  return ok(scripts.catalogue, [...goals.problems, ...scripts.problems]);
}

/** Everything that would be wrong with a file of rules if it stood beside the configuration's other files with these bytes. Pure but for reading those. */
export function checkRuleFile(file: string, bytes: Uint8Array, catalogue: Catalogue, config: Config): readonly Problem[] {
  const read = parseSource(file, bytes);
  if (!read.ok) return read.problems;
  const own = rulesIn(read.value);
  const others = loadRules(config.ruleFiles.filter((each) => each !== file));
  const forRules = { ruleFiles: config.ruleFiles, sinks: [...config.sinks.keys()], to: config.to };
  const resolved = resolveRules([...others.rules, ...own.rules], catalogue, forRules);
  return [...read.problems, ...own.problems, ...resolved.problems].filter(({ place }) => place === undefined || place.file === file);
}

/** Reads configuration, goals and rules; tells every mistake of all of them. No effects, no network. */
export function loadProject(sources: ProjectSources): Result<Project> {
  const goals = loadGoals(sources.goalsFolder);
  const config = loadConfig(sources.configFile, { sinkTypes: sources.sinkTypes, env: sources.env });
  const problems: Problem[] = [...goals.problems, ...config.problems];
  const files = sources.ruleFiles ?? config.forRules?.ruleFiles ?? [];
  const raw = loadRules(files);
  problems.push(...raw.problems);
  if (!goals.ok) return fail(...problems);
  const scripts = resolveScripts(raw.scripts, goals.value, { library: join(sources.goalsFolder, 'lib'), who: sources.who });
  // Rules are looked at even where the configuration is wrong.
  const {
    rules,
    off,
    problems: found,
  } = resolveRules(
    raw.rules.filter(({ body }) => !scripts.wrong.has(body.goal ?? '')),
    scripts.catalogue,
    config.forRules,
  );
  problems.push(...scripts.problems, ...found);
  if (!config.ok || problems.some((problem) => problem.severity === 'error')) return fail(...problems);
  return ok({ config: config.value, catalogue: scripts.catalogue, rules, off }, problems);
}
