import { error } from '../problem/problem.ts';
import { printable } from '../problem/printable.ts';
import { nearest } from '../problem/suggest.ts';
import { engineNames } from '../config/config.ts';
import type { Field, Goal } from '../goals/goal.ts';
import { bounds, durationText, type Parameter } from '../goals/parameters.ts';
import { loadCatalogue } from '../goals/project.ts';
import { searchGoals } from '../goals/search.ts';
import { columns, wrap } from './columns.ts';
import { exit } from './context.ts';
import { projectSources, tellProblems } from './project.ts';
import { examples, type Verb } from './verb.ts';

/** `tapline goals`: what can be asked; words search, an id shows one goal, id.field one field. */
export const goalsVerb: Verb = {
  register(program, context, finish) {
    program
      .command('goals')
      .description('What can be asked: list the goals, search them by the words of a symptom, or show one.')
      .argument('[words...]', 'words of a symptom, or the id of a goal')
      .option('-c, --config <file>', 'configuration file, whose rule files may have scripts of their own')
      .option('--json', 'one JSON object a goal')
      .addHelpText('after', examples('tapline goals', 'tapline goals "which process opens this file"', 'tapline goals tcp.retransmit'))
      .action((words: string[], options: { config?: string; json?: boolean }) => {
        const loaded = loadCatalogue(projectSources(context, options));
        tellProblems(context, loaded.problems);
        if (!loaded.ok) return finish(exit.config);
        const goals = [...loaded.value.values()];
        const asked = words.join(' ').trim();
        const print = (lines: readonly string[]) => context.stdout.write(lines.map((line) => `${line}\n`).join(''));
        const one = loaded.value.get(asked);
        const found = asked === '' ? goals : one !== undefined ? [one] : searchGoals(goals, asked);
        if (options.json === true) {
          print(found.map((goal) => JSON.stringify({ ...goal, folder: undefined, script: goal.script?.file })));
          return finish(found.length > 0 ? exit.fine : exit.failed);
        }
        if (one !== undefined) print(goalPage(one));
        else if (found.length > 0) print(goalList(found));
        else {
          const near = nearest(asked, [...loaded.value.keys()]);
          tellProblems(context, [
            error('GOAL_UNKNOWN', `No goal fits "${printable(asked)}"${near === undefined ? '' : `; did you mean ${near}?`}`, {
              hint: 'tapline goals lists all.',
            }),
          ]);
          return finish(exit.failed);
        }
        finish(exit.fine);
      });
  },
};

const goalList = (goals: readonly Goal[]): string[] => [
  ...columns(goals.map((goal) => [goal.id, goal.title, engineNames.filter((name) => goal.engines[name]).join(', ') || "Tapline's own"])),
  '',
  `More: tapline goals ${goals[0]?.id ?? 'GOAL'}`,
];

function goalPage(goal: Goal): string[] {
  const engines = engineNames.flatMap((name) => {
    const engine = goal.engines[name];
    const cannot = goal.cannot[name];
    if (cannot !== undefined) return [[name, 'cannot', cannot]];
    if (engine === undefined) return [];
    const unknown = engine.unknown.length > 0 ? ` Never known: ${engine.unknown.join(', ')}.` : '';
    return [[name, engine.fidelity === 'event' ? 'every event' : 'sampled', `${engine.limits ?? ''}${unknown}`.trim()]];
  });
  return [
    `${goal.id}: ${goal.title}`,
    '',
    ...wrap(goal.description, 100),
    '',
    'Fields',
    ...columns([['host', 'text', '', 'The host that the record is from.'], ...goal.fields.map(fieldRow)], '  '),
    '',
    ...(goal.parameters.length > 0 ? ['Parameters (with:)', ...columns(goal.parameters.map(parameterRow), '  '), ''] : []),
    'Key by default',
    `  ${goal.key.join(', ')}`,
    '',
    'Engines',
    ...(engines.length > 0 ? columns(engines, '  ') : ["  none: Tapline's own"]),
    '',
    'Cost',
    ...wrap(goal.cost, 100, '  '),
    '',
    'A rule on it',
    '  - alert: MyAlert',
    `    goal: ${goal.id}`,
    `    by: [${goal.key.filter((name) => name !== 'host' && name !== 'netns').join(', ')}]`,
  ];
}

const fieldRow = (field: Field): string[] => [
  field.name,
  `${field.type}${field.optional ? ', may be unknown' : ''}`,
  field.unit ?? '',
  `${field.description}${field.values ? ` One of ${field.values.join(', ')}.` : ''}`,
];

const parameterRow = (parameter: Parameter): string[] => [
  parameter.name,
  `default ${parameter.type === 'duration' ? durationText(Number(parameter.default)) : parameter.default}`,
  `${parameter.description} ${bounds(parameter)}`,
];
