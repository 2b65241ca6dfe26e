import { resolve } from 'node:path';
import { loadProject } from '../goals/project.ts';
import { problemsJson } from '../problem/render.ts';
import { plural } from './columns.ts';
import { exit, shownPath } from './context.ts';
import { openProject, projectSources } from './project.ts';
import { examples, type Verb } from './verb.ts';

/** `tapline validate`: reads everything, starts nothing, needs no privilege and no network. */
export const validateVerb: Verb = {
  register(program, context, finish) {
    program
      .command('validate')
      .description('Check the configuration and the rules; tell every mistake with its place. Starts nothing.')
      .argument('[files...]', 'rule files to check instead of those that the configuration names')
      .option('-c, --config <file>', 'configuration file')
      .option('--format <format>', 'long (with the source line) or short (one line each, for editors)', 'long')
      .option('--json', 'one JSON object')
      .addHelpText('after', examples('tapline validate', 'tapline validate rules/mine.yaml', 'tapline validate --json | jq .diagnostics'))
      .action((files: string[], options: { config?: string; format: string; json?: boolean }) => {
        const ruleFiles = files.length > 0 ? files.map((file) => resolve(context.cwd, file)) : undefined;
        if (options.json === true) {
          const loaded = loadProject(projectSources(context, { ...options, ruleFiles }));
          context.stdout.write(`${JSON.stringify(problemsJson(loaded.problems, context.cwd), null, 2)}\n`);
          return finish(loaded.ok ? exit.fine : exit.config);
        }
        const opened = openProject(
          context,
          {
            ...(options.config !== undefined && { config: options.config }),
            ...(ruleFiles && { ruleFiles }),
            format: options.format === 'short' ? 'short' : 'long',
          },
          'Nothing was started.',
        );
        if (!opened.ok) return finish(exit.config);
        const { config, rules } = opened.project;
        context.stdout.write(
          `${shownPath(context, config.file)}: fine. ${plural(rules.length, 'rule')} in ${plural((ruleFiles ?? config.ruleFiles).length, 'file')}, ${plural(config.sinks.size, 'sink')}.\n`,
        );
        finish(exit.fine);
      });
  },
};
