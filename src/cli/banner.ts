import type { Config } from '../config/config.ts';
import type { Item } from '../alerts/item.ts';
import type { Run } from '../engine/frame.ts';
import type { Signal } from '../decode/signal.ts';
import { nameOfRun } from '../engine/post.ts';
import type { Plan } from '../engine/watch.ts';
import { askedName } from '../goals/parameters.ts';
import type { Rule } from '../rules/rule.ts';
import { clockSeconds, localZone } from '../sinks/times.ts';
import type { Clock } from '../telemetry/clock.ts';
import { plural } from './columns.ts';
import { shownPath, type CliContext } from './context.ts';
import { version } from '../telemetry/version.ts';

/** What an ordinary user may want to know: root would see every event. */
const sudo = (plan: Plan, engine: string | undefined): string => {
  const better = plan.can.get('bpftrace');
  return engine === 'procfs' && better?.can === false && /\broot\b/.test(better.why) ? ' (`sudo npm start` sees every event)' : '';
};

/** What `run` says about itself: on stderr, so that stdout is data; as JSON lines where asked. */
export class Banner {
  readonly #context: CliContext;
  readonly #json: boolean;
  readonly #clock: Clock;
  readonly #beganUs: number;
  readonly #waiting = new Set<string>();
  /** Goal -> who watches it. */
  readonly #engines = new Map<string, string>();
  #alertSeen = false;

  constructor(context: CliContext, json: boolean, clock: Clock) {
    this.#context = context;
    this.#json = json;
    this.#clock = clock;
    this.#beganUs = clock.nowUs();
  }

  say(...lines: readonly string[]): void {
    if (!this.#json) this.#context.stderr.write(lines.map((line) => `${line.trimEnd()}\n`).join(''));
  }

  fact(fact: object): void {
    if (this.#json) this.#context.stderr.write(`${JSON.stringify(fact)}\n`);
  }

  /** Which rules, which engine for which goal and why, and where it all goes. */
  opening(plan: Plan, rules: readonly Rule[], config: Config): void {
    const active = plan.watched.filter(({ choice }) => choice.engine !== undefined);
    for (const { goal } of active) this.#waiting.add(askedName(goal.id, goal.asked));
    const count = active.reduce((sum, { rules: on }) => sum + on.length, 0);
    this.say('', `Tapline ${version}   ${plural(count, 'rule')} of ${rules.length} can be watched here`);
    const byReason = new Map<string, string[]>();
    for (const { goal, choice } of active) {
      const reason = `engine ${choice.engine ?? ''}: ${choice.why}${sudo(plan, choice.engine)}`;
      byReason.set(reason, [...(byReason.get(reason) ?? []), askedName(goal.id, goal.asked)]);
    }
    for (const [reason, goals] of byReason) this.say(`Watching        ${goals.join(', ')}`, `                ${reason}`);
    for (const [name, own] of plan.modules) {
      const can = plan.can.get(name);
      if (name === 'procfs' && can?.can === true && own.length > 0)
        this.say(...can.findings.slice(0, 1).map(({ what }) => `                ${what}`));
    }
    this.say(
      ...[...config.sinks.values()].map(({ name, type, options }, at) => {
        const path = options['path'];
        return (
          `${at === 0 ? 'Sending to' : ''}`.padEnd(16) +
          `${name} (${type}${typeof path === 'string' ? ` ${shownPath(this.#context, path)}` : ''})`
        );
      }),
    );
    this.fact({
      kind: 'start',
      version,
      engines: Object.fromEntries(active.map(({ goal, choice }) => [askedName(goal.id, goal.asked), choice.engine])),
      sinks: [...config.sinks.keys()],
    });
  }

  /** Tells when the last goal has become ready. Answers true that once. */
  signal(signal: Signal): boolean {
    if (signal.kind === 'ready') this.#watchedBy(signal.run);
    if (signal.kind !== 'ready' || !this.#waiting.delete(nameOfRun(signal.run)) || this.#waiting.size > 0) return false;
    const seconds = (this.#clock.nowUs() - this.#beganUs) / 1e6;
    this.say(`Ready           since ${clockSeconds(this.#clock.nowUs(), localZone)}, in ${seconds.toFixed(1)} s. Ctrl-C ends it.`, '');
    this.fact({ kind: 'ready', seconds });
    return true;
  }

  /** A goal has changed hands; the words for a person are the engine's notice. */
  #watchedBy(run: Run): void {
    const { engine } = run;
    const goal = nameOfRun(run);
    const was = this.#engines.get(goal);
    this.#engines.set(goal, engine);
    if (was !== undefined && was !== engine) this.fact({ kind: 'engine', goal, engine, was });
  }

  /** After the first alert of a demonstration: what now. */
  firstAlert(items: readonly Item[]): void {
    if (this.#alertSeen || !items.some((item) => item.kind === 'alert')) return;
    this.#alertSeen = true;
    setTimeout(
      () =>
        this.say(
          '',
          'It works. Now:  get it by mail          docs/use/email.md',
          '                write a rule of yours   docs/use/first-rule.md   npx tapline goals "which process opens this file"',
          '                see what is possible    npx tapline doctor',
          '                stop                    Ctrl-C',
          '',
        ),
      300,
    ).unref();
  }
}
