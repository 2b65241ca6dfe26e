import { loadProject, type Project, type ProjectSources } from '../goals/project.ts';
import { renderProblems } from '../problem/render.ts';
import type { Problem } from '../problem/problem.ts';
import { sinkDefinitions } from '../sinks/index.ts';
import { findConfig, goalsFolder, wantsColour, whoRuns, type CliContext } from './context.ts';
import { plural } from './columns.ts';

export type Open = { readonly ok: true; readonly project: Project } | { readonly ok: false };

/** What a project is read from, here and with this user. */
export const projectSources = (
  context: CliContext,
  options: { readonly config?: string; readonly ruleFiles?: readonly string[] | undefined },
): ProjectSources => ({
  configFile: findConfig(context, options.config),
  goalsFolder,
  sinkTypes: sinkDefinitions,
  env: context.env,
  who: whoRuns(context),
  ...(options.ruleFiles && { ruleFiles: options.ruleFiles }),
});

/**
 * Reads configuration, goals and rules. Tells all problems on stderr; answers ok when only warnings, or nothing, stood in them.
 * `ruleFiles` stand in for the configuration's own.
 */
export function openProject(
  context: CliContext,
  options: { readonly config?: string; readonly ruleFiles?: readonly string[]; readonly format?: 'long' | 'short' },
  tail = 'Nothing was started.',
): Open {
  const loaded = loadProject(projectSources(context, options));
  if (loaded.problems.length > 0) {
    tellProblems(context, loaded.problems, options.format);
    if (!loaded.ok) context.stderr.write(`${counted(loaded.problems)}. ${tail}\n`);
  }
  return loaded.ok ? { ok: true, project: loaded.value } : { ok: false };
}

export function tellProblems(context: CliContext, problems: readonly Problem[], format: 'long' | 'short' = 'long'): void {
  context.stderr.write(renderProblems(problems, { cwd: context.cwd, colour: wantsColour(context, context.stderr), format }));
}

/** "1 error, 2 warnings" */
export function counted(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  return (
    [...(errors > 0 ? [plural(errors, 'error')] : []), ...(warnings > 0 ? [plural(warnings, 'warning')] : [])].join(', ') || 'no problem'
  );
}
