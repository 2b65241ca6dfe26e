import type { EngineName } from '../config/config.ts';
import type { Asked, Parameter } from './parameters.ts';
import type { Script } from './script.ts';

/**
 * `int`: a whole number within +-2^53. `text`: any bytes, as a string in which a byte that is no UTF-8 is the lone
 * surrogate U+DC80 + (byte - 0x80). `address`: IPv4 or IPv6, 16 bytes. `enum`: one of `values`. `bool`: true or false.
 */
export type FieldType = 'int' | 'text' | 'address' | 'bool' | 'enum';

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** ms, us, bytes, port, pid, uid, segments ... ; shown to people, and the same on every engine. */
  readonly unit?: string;
  /** The members of an enum. */
  readonly values?: readonly string[];
  /** True where a record may not know the value: it is then absent, never made up. */
  readonly optional: boolean;
  readonly description: string;
}

/** How one engine answers a goal. */
export interface GoalEngine {
  /** The template's file name in the goal's folder (systemtap, bpftrace). */
  readonly template?: string;
  /** The reader's name (procfs). */
  readonly reader?: string;
  readonly fidelity: 'event' | 'sampled';
  /** Fields that this engine never knows. */
  readonly unknown: readonly string[];
  /** Fields that are exact and always known in the probe, so that `where` on them may be pushed down. */
  readonly push: readonly string[];
  /** What it cannot see, in one sentence for people. */
  readonly limits?: string;
}

/** How an interval goal sums up in the kernel: one record for each key and interval. The true length of an interval is the field `interval_ms`. */
export interface Interval {
  /** Fields that say what is summed up, in the order of the columns; a text stands last. */
  readonly key: readonly string[];
  /** Field -> what is made of the events of a key in an interval. */
  readonly values: Readonly<Record<string, Aggregate>>;
}
/** `last`: a text that the last event of the interval gave, where one gave it. */
export type Aggregate = 'count' | 'sum' | 'min' | 'max' | 'avg' | 'last';

/** One folder of scripts-stp/, read and checked. */
export interface Goal {
  readonly id: string;
  /** One line: what it tells. */
  readonly title: string;
  /** A paragraph: which kernel event, what is seen and what is not. */
  readonly description: string;
  /** Why this event of the kernel's and no other, in a sentence or two; `tapline explain` shows it. */
  readonly how?: string;
  /** Words a person in trouble would use; `tapline goals WORDS` searches them. */
  readonly symptoms: readonly string[];
  readonly cost: string;
  /** Columns in the order in which every engine emits them. `host` is not among them: it belongs to the run. */
  readonly fields: readonly Field[];
  /** Default key: which thing a record is about. May name `host`. */
  readonly key: readonly string[];
  /** Fields that name what ends (a connection that closes); `changed` then forgets what it remembers of it (semantics 9). */
  readonly forget?: { readonly fields: readonly string[] };
  readonly engines: Partial<Readonly<Record<EngineName, GoalEngine>>>;
  /** Engines that cannot answer it, and why, in one sentence for people. */
  readonly cannot: Partial<Readonly<Record<EngineName, string>>>;
  /** What a rule may say under `with`. */
  readonly parameters: readonly Parameter[];
  readonly interval?: Interval;
  /** With other parameters than the defaults: a module and a run of its own. */
  readonly asked?: Asked;
  /** The goal's folder; undefined for Tapline's own goals (tapline.lost ...), which no engine answers, and for scripts. */
  readonly folder?: string;
  /** A script of the user's own, which stands in place of the templates. */
  readonly script?: Script;
}

/** `host` may be named in keys, conditions and templates like a field of every goal. */
export const hostField: Field = { name: 'host', type: 'text', optional: false, description: 'The host that the record is from.' };

export const fieldOf = (goal: Goal, name: string): Field | undefined =>
  name === 'host' ? hostField : goal.fields.find((field) => field.name === name);
