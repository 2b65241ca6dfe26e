import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { commandText, type Fix } from '../../engine/machine/finding.ts';
import type { CliContext } from '../context.ts';
import type { Examination } from './examine.ts';

export interface FixPlan {
  /** To be run here, in order, none twice. */
  readonly run: readonly Fix[];
  /** What only a person can decide when to do. */
  readonly left: readonly Fix[];
}

/** What mends the engines that cannot run: their findings' commands, each once. Pure. */
export function fixPlan({ engines }: Pick<Examination, 'engines'>): FixPlan {
  const all = new Map<string, Fix>();
  for (const { availability } of engines)
    if (!availability.can)
      for (const { level, fix } of availability.findings)
        if (level === 'stops') for (const each of fix) all.set(each.argv.join('\0'), each);
  // Running Tapline itself as root is no mending: it is how the next run is started.
  const isRun = ({ argv }: Fix) => argv[0] === 'npm';
  const fixes = [...all.values()];
  return {
    run: fixes.filter((fix) => fix.byHand === undefined && !isRun(fix)),
    left: fixes.filter((fix) => fix.byHand !== undefined || isRun(fix)),
  };
}

/** Shows the plan, asks once (unless `yes`), runs each command without a shell and shows it first. Answers whether all went well. */
export async function runFixes(context: CliContext, plan: FixPlan, uid: number, yes: boolean): Promise<boolean> {
  const say = (text: string) => context.stderr.write(`${text}\n`);
  if (plan.run.length === 0) {
    say(plan.left.length === 0 ? 'There is nothing that a command could mend.' : 'There is nothing that can be done for you here.');
    for (const fix of plan.left) say(leftLine(fix, uid));
    return plan.left.length === 0;
  }
  const sudo = plan.run.some(({ root }) => root) && uid !== 0;
  say(plan.run.length === 1 ? 'This command would be run:' : 'These commands would be run, in this order:');
  for (const fix of plan.run) say(`  $ ${commandText(fix, uid)}`);
  if (!yes && !(await agreed(context))) {
    say('Nothing was changed.');
    return false;
  }
  for (const fix of plan.run) {
    say(`$ ${commandText(fix, uid)}`);
    const [program = '', ...args] = fix.root && sudo ? ['sudo', ...fix.argv] : fix.argv;
    const failure = await runShown(program, args);
    if (failure !== undefined) {
      say(`It failed (${failure}); what comes after it was not run.`);
      return false;
    }
  }
  for (const fix of plan.left) say(leftLine(fix, uid));
  return true;
}

const leftLine = (fix: Fix, uid: number) => `Left to you: ${commandText(fix, uid)}${fix.byHand === undefined ? '' : ` (${fix.byHand})`}`;

/** Asks on the terminal; where there is none, nobody agreed. */
async function agreed(context: CliContext): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    context.stderr.write('Standard input is no terminal, so nobody can be asked; --yes runs them without asking.\n');
    return false;
  }
  const asking = createInterface({ input: process.stdin, output: context.stderr });
  try {
    return /^y(es)?$/i.test((await asking.question('Run them? [y/N] ')).trim());
  } catch {
    // The terminal went away, or Ctrl-D.
    return false;
  } finally {
    asking.close();
  }
}

/** Its output goes to the user's own stderr; undefined where it ended well. Package managers must not ask questions of their own. */
const runShown = (program: string, args: readonly string[]) =>
  new Promise<string | undefined>((resolve) => {
    const child = spawn(program, [...args], { stdio: ['inherit', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    child.once('error', (cause) => resolve(cause.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `exit status ${code ?? signal ?? 'unknown'}`));
  });
