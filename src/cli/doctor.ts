import { release } from 'node:os';
import { readFileSync } from 'node:fs';
import { chooseEngine } from '../engine/choose.ts';
import type { Availability, Engine } from '../engine/engine.ts';
import { liveEngines } from '../engine/index.ts';
import type { Goal } from '../goals/goal.ts';
import { isOwnGoal } from '../stream/reentry.ts';
import { columns, plural } from './columns.ts';
import { exit, type CliContext } from './context.ts';
import { engineHost } from './engine-host.ts';
import { openProject } from './project.ts';
import { examples, type Verb } from './verb.ts';
import { version } from '../telemetry/version.ts';

interface Checked {
  readonly engine: Engine;
  readonly availability: Availability;
}

/** `tapline doctor`: what each engine can do here, tried for real; why not, and the command that mends it. Changes nothing. */
export const doctorVerb: Verb = {
  register(program, context, finish) {
    program
      .command('doctor')
      .description('Per engine: works or cannot, why, and what to install. Tries for real, changes nothing.')
      .option('-c, --config <file>', 'configuration file')
      .option('--json', 'one JSON object')
      .addHelpText('after', examples('tapline doctor', 'sudo tapline doctor', 'tapline doctor --json | jq .engines'))
      .action(async (options: { config?: string; json?: boolean }) => {
        const opened = openProject(context, { ...(options.config !== undefined && { config: options.config }) });
        if (!opened.ok) return finish(exit.config);
        const { catalogue, config, rules } = opened.project;
        const host = engineHost();
        const checked: Checked[] = await Promise.all(
          liveEngines(config.pollMs).map(async (engine) => ({ engine, availability: await engine.available(host) })),
        );
        const can = new Map(checked.map(({ engine, availability }) => [engine.name, availability] as const));
        const goals = [...catalogue.values()].filter((goal) => !isOwnGoal(goal.id));
        const chosen = goals.map((goal) => ({ goal, choice: chooseEngine(goal, config.engine, can) }));
        if (options.json === true)
          context.stdout.write(
            `${JSON.stringify(
              {
                version,
                kernel: release(),
                user: host.uid,
                engines: Object.fromEntries(checked.map(({ engine, availability }) => [engine.name, availability])),
                goals: Object.fromEntries(chosen.map(({ goal, choice }) => [goal.id, choice.engine ?? null])),
              },
              null,
              2,
            )}\n`,
          );
        else context.stdout.write(doctorPage(context, checked, chosen, new Set(rules.map((rule) => rule.goal)), host.uid));
        finish(chosen.some(({ choice }) => choice.engine !== undefined) ? exit.fine : exit.unavailable);
      });
  },
};

function doctorPage(
  context: CliContext,
  checked: readonly Checked[],
  chosen: readonly { readonly goal: Goal; readonly choice: ReturnType<typeof chooseEngine> }[],
  watched: ReadonlySet<string>,
  uid: number,
): string {
  const user = `user ${context.env['USER'] ?? uid}${uid === 0 ? '' : ' (no root)'}`;
  const lines = [`${distribution()}, kernel ${release()}, ${user}, tapline ${version}, node ${process.versions.node}`, '', 'Engines'];
  const rows = columns(
    checked.map(({ engine, availability }) =>
      availability.can
        ? [engine.name, availability.limits.length > 0 ? 'works, limited' : 'works', availability.summary]
        : [engine.name, 'cannot', availability.why],
    ),
    '  ',
  );
  checked.forEach(({ availability }, at) => {
    lines.push(rows[at] ?? '');
    if (availability.can) lines.push(...availability.limits.map((limit) => `      - ${limit}`));
    else lines.push(...availability.fix.map((fix, step) => `      ${availability.fix.length > 1 ? `${step + 1}. ` : ''}${fix}`));
  });
  lines.push('', 'Goals');
  lines.push(
    ...columns(
      chosen.map(({ goal, choice }) => [goal.id, choice.engine ?? 'cannot', choice.why, watched.has(goal.id) ? 'a rule watches it' : '']),
      '  ',
    ),
  );
  const blind = chosen.filter(({ choice }) => choice.engine === undefined).length;
  const broken = checked.filter(({ availability }) => !availability.can).length;
  lines.push(
    '',
    blind === 0
      ? `All ${plural(chosen.length, 'goal')} can be watched here. ${plural(broken, 'engine')} cannot run; nothing stops you.  Next: tapline run`
      : `${chosen.length - blind} of ${plural(chosen.length, 'goal')} can be watched here; ${blind} cannot.`,
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** PRETTY_NAME of os-release(5). */
function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}
