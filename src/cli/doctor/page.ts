import { release } from 'node:os';
import { commandText, type Finding } from '../../engine/machine/finding.ts';
import { isOwnGoal } from '../../stream/reentry.ts';
import { columns, plural, wrap } from '../columns.ts';
import { version } from '../../telemetry/version.ts';
import type { Examination, Examined } from './examine.ts';

const width = 118;

/** The examination as a person reads it: a verdict in a fixed column, the reason beside it, whole commands below. */
export function doctorPage(examination: Examination, watched: ReadonlySet<string>): string {
  const { facts, engines, goals } = examination;
  const { uid, name } = facts.user;
  const lines = [
    `${facts.distribution.name}, kernel ${facts.kernel || release()}, user ${name}${uid === 0 ? '' : ' (no root)'}, tapline ${version}, node ${process.versions.node}`,
    ...machineLines(examination),
    '',
    'Engines',
    ...engines.flatMap((each) => engineLines(each, uid)),
    '',
    'Goals',
    ...columns(
      [
        ['', ...engines.map(({ engine }) => engine.name), 'taken'],
        ...goals.map(({ goal, verdicts, choice }) => [
          `${goal.id}${watched.has(goal.id) ? ' *' : ''}`,
          ...verdicts.map(({ verdict }) => verdict),
          choice.engine === undefined ? 'none' : `${choice.engine}, ${choice.why}`,
        ]),
      ],
      '  ',
    ),
    ...(goals.some(({ goal }) => watched.has(goal.id)) ? ['  * a rule watches it'] : []),
    '  what limits a goal, or why an engine cannot tell it: tapline goals GOAL',
    ...goalReasons(examination),
    '',
    'Scripts of your own (SystemTap)',
    ...scriptLines(examination),
    '',
    ...wrap(closing(examination), width),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function machineLines({ facts }: Examination): string[] {
  const said = [
    ...(facts.container === undefined ? [] : [`in a container (${facts.container})`]),
    ...(facts.secureBoot === undefined ? [] : [`Secure Boot ${facts.secureBoot ? 'on' : 'off'}`]),
    ...(facts.lockdown === undefined ? [] : [`lockdown ${facts.lockdown}`]),
    ...(facts.signedOnly ? ['signed modules only'] : []),
    ...(facts.distribution.family === undefined ? ['a distribution that Tapline has no package names for'] : []),
  ];
  return said.length === 0 ? [] : [said.join(', ')];
}

function engineLines({ engine, availability, tried }: Examined, uid: number): string[] {
  const { findings } = availability;
  const verdict = !availability.can ? 'cannot' : findings.length > 0 ? 'works, limited' : 'works';
  const head = `  ${engine.name.padEnd(11)}${verdict.padEnd(16)}`;
  const stopping = findings.filter(({ level }) => level === 'stops');
  const first = availability.can
    ? `${availability.summary}${tried === undefined ? '' : `; ${tried}`}`
    : stopping.length > 1
      ? `${plural(stopping.length, 'thing')} stand in the way`
      : availability.why;
  const body = wrap(first, width, ' '.repeat(head.length));
  const rest = stopping.length === 1 ? findings.filter((finding) => finding !== stopping[0]) : findings;
  return [
    head + (body[0] ?? '').trimStart(),
    ...body.slice(1),
    ...(stopping.length === 1 ? mendLines(stopping[0], uid, '      ') : []),
    ...rest.flatMap((finding) => findingLines(finding, stopping.length > 1 ? stopping.indexOf(finding) + 1 : 0, uid)),
  ];
}

/** `number` 0: a limit, with a dash. */
function findingLines(finding: Finding, number: number, uid: number): string[] {
  const mark = number > 0 ? `${number}. ` : '- ';
  const [head = '', ...more] = wrap(finding.what, width, ' '.repeat(6 + mark.length));
  return [`      ${mark}${head.trimStart()}`, ...more, ...mendLines(finding, uid, ' '.repeat(6 + mark.length))];
}

function mendLines(finding: Finding | undefined, uid: number, indent: string): string[] {
  if (finding === undefined) return [];
  return [
    ...finding.fix.map((fix) => `${indent}$ ${commandText(fix, uid)}`),
    ...(finding.advice === undefined ? [] : wrap(finding.advice, width, indent)),
  ];
}

/** Reasons that are the goal's own, not its engine's. */
function goalReasons({ goals, engines }: Examination): string[] {
  const broken = new Set(engines.filter(({ availability }) => !availability.can).map(({ engine }) => engine.name));
  const rows = goals.flatMap(({ goal, verdicts }) =>
    verdicts
      .filter(({ engine, verdict, why, byDesign }) => verdict === 'cannot' && why !== undefined && !broken.has(engine) && byDesign !== true)
      .map(({ engine, why = '' }) => `${goal.id} by ${engine}: ${why}`),
  );
  return rows.length === 0 ? [] : ['', ...rows.flatMap((row) => wrap(row, width, '  '))];
}

function scriptLines({ facts, engines, ownScripts }: Examination): string[] {
  const systemtap = engines.find(({ engine }) => engine.name === 'systemtap');
  if (facts.modules === 'not built') return ['  cannot: this kernel loads no modules'];
  const lines = [
    systemtap === undefined || systemtap.availability.can
      ? '  tracepoints, system calls, timers: work'
      : '  tracepoints, system calls, timers: cannot, until SystemTap works (above)',
  ];
  if (ownScripts === undefined)
    return [
      ...lines,
      `  kernel.function(...): debug information is ${facts.debuginfo === undefined ? 'fetched by debuginfod' : `in ${facts.debuginfo}`}`,
    ];
  return [...lines, ...findingLines(ownScripts, 0, facts.user.uid).map((line) => line.slice(4))];
}

/** The last line says what to do next. */
function closing({ goals, engines, facts }: Examination): string {
  const real = goals.filter(({ goal }) => !isOwnGoal(goal.id));
  const blind = real.filter(({ choice }) => choice.engine === undefined);
  const broken = engines.filter(({ availability }) => !availability.can);
  const mendable = broken.filter(({ availability }) =>
    availability.findings.some(({ fix }) => fix.some(({ byHand }) => byHand === undefined)),
  );
  const mend = mendable.length === 0 ? '' : `  To mend ${mendable.map(({ engine }) => engine.name).join(', ')}: tapline doctor --fix`;
  if (blind.length > 0)
    return `${real.length - blind.length} of ${plural(real.length, 'goal')} can be watched here; ${blind.length} cannot.${mend}`;
  const rest = broken.length === 0 ? '' : ` ${broken.map(({ engine }) => engine.name).join(' and ')} cannot run; nothing stops you.`;
  return `All ${plural(real.length, 'goal')} can be watched here${facts.user.uid === 0 ? '' : ' as this user'}.${rest}  Next: tapline run${mend}`;
}
