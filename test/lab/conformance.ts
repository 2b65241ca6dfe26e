// Provokes what a goal tells and compares the records with what the provoker itself knows. Node's own modules only: the VM runs this too.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export type EngineName = 'systemtap' | 'bpftrace' | 'procfs';
export const engineNames: readonly EngineName[] = ['systemtap', 'bpftrace', 'procfs'];

/** Field -> its value, or what must hold of it; undefined: it must be unknown. */
export type Matcher = Readonly<Record<string, unknown>>;

/** What a case may use to make its event. */
export interface Context {
  readonly engine: EngineName;
  /** Rejects when the case is over. */
  delay(ms: number): Promise<void>;
  /** Aborted when the case is over. */
  readonly signal: AbortSignal;
  /** A folder of its own, removed afterwards. */
  readonly scratch: string;
  /** Runs when the case is over, last one first. */
  cleanup(undo: () => unknown): void;
  /** Network namespaces of its own (test/lab/netns.ts), removed afterwards. */
  netLab(): unknown;
}

export interface Case {
  readonly goal: string;
  readonly title: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly where?: string;
  provoke(context: Context): Promise<{ readonly expect?: readonly Matcher[]; readonly absent?: readonly Matcher[] }>;
  /** Engines on which this very case cannot be seen, and why. */
  readonly skip?: Partial<Readonly<Record<EngineName, string>>>;
  /** Fields that the record may not know although the manifest states them, and why; by engine where they differ. */
  readonly mayBeUnknown?: Readonly<Record<string, string | Partial<Record<EngineName, string>>>>;
  /** How long its records may take after it was provoked. Default 20 s. */
  readonly withinMs?: number;
  /** Not beside other cases: it measures the whole machine, or burdens it. */
  readonly alone?: boolean;
}

/** A goal (src/goals/goal.ts) as far as this needs it. */
export interface GoalFacts {
  readonly id: string;
  readonly fields: readonly { readonly name: string }[];
  readonly engines: Partial<Record<EngineName, { readonly unknown: readonly string[]; readonly fidelity: string }>>;
  readonly cannot: Partial<Record<EngineName, string>>;
}

export interface Wanted {
  readonly goal: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly where?: string;
}

export interface SeenRecord {
  readonly goal: string;
  readonly fidelity: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const nameOf = ({ goal, title }: Case): string => `${goal}: ${title}`;

/** Whether, and if not why not, an engine is asked for a case. */
export function notAsked(item: Case, goal: GoalFacts | undefined, engine: EngineName): string | undefined {
  return goal?.engines[engine] === undefined ? (goal?.cannot[engine] ?? `no answer by ${engine}`) : item.skip?.[engine];
}

const variantOf = (item: Case) => JSON.stringify([item.with ?? {}, item.where ?? '']);

/** Cases that one run of an engine can serve: a goal once, with one set of parameters and one condition. Those that run alone come last. */
export function batchesOf(cases: readonly Case[]): (readonly Case[])[] {
  const batches: Case[][] = [];
  for (const item of [...cases].sort((a, b) => Number(a.alone ?? false) - Number(b.alone ?? false))) {
    const fits = (batch: readonly Case[]) => batch.every((other) => other.goal !== item.goal || variantOf(other) === variantOf(item));
    const batch = batches.find(fits);
    if (batch) batch.push(item);
    else batches.push([item]);
  }
  return batches;
}

export const wantedBy = (batch: readonly Case[]): Wanted[] => [
  ...new Map(
    batch.map(({ goal, with: parameters, where }) => [goal, { goal, ...(parameters && { with: parameters }), ...(where && { where }) }]),
  ).values(),
];

export interface Watch {
  readonly records: readonly SeenRecord[];
  readonly problems: readonly unknown[];
  /** "0.17.0 as root" */
  readonly summary: string;
  /** How many goals it watches, and how many heartbeats of any of them came so far. */
  readonly goals: number;
  readonly beats: number;
  until(holds: () => boolean, limitMs: number): Promise<boolean>;
  end(): Promise<void>;
}

export interface WatchOptions {
  /** The folder that has Tapline's dist/ and scripts-stp/. */
  readonly installed: string;
  readonly engine: EngineName;
  readonly wanted: readonly Wanted[];
  readonly env?: Readonly<Record<string, string>>;
  readonly readyWithinMs: number;
}

/**
 * Starts an engine in a process of its own (Tapline does not watch itself nor what it started, and the provokers are started
 * here) and resolves when all goals are ready. Rejects with everything that it said when one is not.
 */
export async function startWatch({ installed, engine, wanted, env, readyWithinMs }: WatchOptions): Promise<Watch> {
  const program = join(import.meta.dirname, 'conformance-engine.mjs');
  const child = spawn(process.execPath, [program, installed, engine, JSON.stringify(wanted)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const records: SeenRecord[] = [];
  const problems: unknown[] = [];
  const ready = new Set<string>();
  const gone: unknown[] = [];
  let beats = 0;
  let summary = '';
  let stderr = '';
  let over = false;
  const lookers = new Set<() => void>();
  const look = () => lookers.forEach((each) => each());
  child.stdin.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4000)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Record<string, unknown>;
    if ('record' in said) records.push(said['record'] as SeenRecord);
    else if ('beat' in said) beats += 1;
    else if ('ready' in said) ready.add(String(said['ready']));
    else if ('engine' in said) summary = String(said['engine']);
    else if ('gone' in said) gone.push(said);
    else problems.push(said);
    look();
  });
  const exited = new Promise<void>((resolve) =>
    child.once('close', () => {
      over = true;
      look();
      resolve();
    }),
  );
  const until = async (holds: () => boolean, limitMs: number) => {
    const limit = performance.now() + limitMs;
    while (!holds() && !over && performance.now() < limit)
      await new Promise<void>((resolve) => {
        const wake = () => {
          lookers.delete(wake);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(wake, Math.max(limit - performance.now(), 1));
        lookers.add(wake);
      });
    return holds();
  };
  const end = async () => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await exited;
    clearTimeout(timer);
  };
  if (!(await until(() => wanted.every(({ goal }) => ready.has(goal)) || gone.length > 0, readyWithinMs)) || gone.length > 0) {
    await end();
    const missing = wanted.map(({ goal }) => goal).filter((goal) => !ready.has(goal));
    throw new Error(`not ready: ${missing.join(', ')}\n${JSON.stringify([...gone, ...problems], null, 1)}\n${stderr}`);
  }
  return {
    records,
    problems,
    summary,
    goals: wanted.length,
    get beats() {
      return beats;
    },
    until,
    end,
  };
}

export interface CaseOptions {
  readonly goal: GoalFacts;
  readonly engine: EngineName;
  readonly netLab: () => { close(): void };
  /** Everything takes so many times longer here. */
  readonly slowness: number;
}

/**
 * Provokes one case and looks for its records; throws what is not as it should be. Once more, where the engine told meanwhile that it lost
 * some of the goal's: then one may be missing and nothing was hidden.
 */
export async function runCase(item: Case, watch: Watch, options: CaseOptions): Promise<void> {
  const told = watch.problems.length;
  try {
    await tryCase(item, watch, options);
  } catch (why) {
    if (!watch.problems.slice(told).some((each) => (each as { lost?: unknown }).lost === item.goal)) throw why;
    await tryCase(item, watch, options);
  }
}

async function tryCase(item: Case, watch: Watch, options: CaseOptions): Promise<void> {
  const { engine, slowness } = options;
  const from = watch.records.length;
  const over = new AbortController();
  const undo: (() => unknown)[] = [];
  const scratch = mkdtempSync(join(tmpdir(), 'tapline-conformance-'));
  const context: Context = {
    engine,
    delay: (ms) => delay(ms, undefined, { signal: over.signal }),
    signal: over.signal,
    scratch,
    cleanup: (each) => void undo.push(each),
    netLab() {
      const lab = options.netLab();
      undo.push(() => lab.close());
      return lab;
    },
  };
  try {
    const { expect = [], absent = [] } = await item.provoke(context);
    if (expect.length + absent.length === 0) throw new Error('the case expects nothing');
    const records = () => watch.records.slice(from).filter((record) => record.goal === item.goal);
    const whole = (matcher: Matcher) =>
      records().some((record) => matches(matcher, record) && unknownIn(record, item, options).length === 0);
    if (!(await watch.until(() => expect.every(whole), (item.withinMs ?? 20_000) * slowness))) {
      const missing = expect.find((matcher) => !whole(matcher)) ?? {};
      throw new Error(whyMissing(missing, records(), item, options, watch.problems));
    }
    const stated = options.goal.engines[engine]?.fidelity;
    const other = records().find(({ fidelity }) => fidelity !== stated);
    if (other) throw new Error(`the manifest states ${stated}, a record says ${other.fidelity}`);
    if (absent.length === 0) return;
    const told = watch.beats;
    await watch.until(() => watch.beats >= told + 2 * watch.goals, 10_000);
    for (const matcher of absent) {
      const wrong = records().find((record) => matches(matcher, record));
      if (wrong) throw new Error(`a record that must not be: ${JSON.stringify(wrong.fields)} fulfils ${shown(matcher)}`);
    }
  } finally {
    over.abort();
    for (const each of undo.reverse()) await each();
    rmSync(scratch, { recursive: true, force: true });
  }
}

const holds = (wanted: unknown, value: unknown): boolean =>
  typeof wanted === 'function' ? Boolean((wanted as (value: unknown) => unknown)(value)) : wanted === value;

const matches = (matcher: Matcher, { fields }: SeenRecord): boolean =>
  Object.entries(matcher).every(([name, wanted]) => holds(wanted, fields[name]));

/** Fields that the manifest states for the engine, and that this record does not know. */
function unknownIn({ fields }: SeenRecord, item: Case, { goal, engine }: CaseOptions): string[] {
  const allowed = (name: string) => {
    const why = item.mayBeUnknown?.[name];
    return goal.engines[engine]?.unknown.includes(name) === true || (typeof why === 'object' ? why[engine] : why) !== undefined;
  };
  return goal.fields.map(({ name }) => name).filter((name) => fields[name] === undefined && !allowed(name));
}

const shown = (matcher: Matcher) =>
  `{ ${Object.entries(matcher)
    .map(([name, wanted]) => `${name}: ${typeof wanted === 'function' ? String(wanted) : JSON.stringify(wanted)}`)
    .join(', ')} }`;

/** The records that come nearest, and what is wrong with them. */
function whyMissing(
  missing: Matcher,
  records: readonly SeenRecord[],
  item: Case,
  options: CaseOptions,
  problems: readonly unknown[],
): string {
  const wrongIn = (record: SeenRecord) => Object.keys(missing).filter((name) => !holds(missing[name], record.fields[name]));
  const nearest = [...records].sort((a, b) => wrongIn(a).length - wrongIn(b).length).slice(0, 3);
  const lines = nearest.map((record) => {
    const wrong = wrongIn(record);
    const how = wrong.length > 0 ? `differs in ${wrong.join(', ')}` : `does not know ${unknownIn(record, item, options).join(', ')}`;
    return `  ${how}: ${JSON.stringify(record.fields)}`;
  });
  return [
    `no record with ${shown(missing)} that knows all stated fields, among ${records.length}${nearest.length > 0 ? '; the nearest:' : ''}`,
    ...lines,
    ...(problems.length > 0 ? [`problems: ${JSON.stringify(problems)}`] : []),
  ].join('\n');
}
