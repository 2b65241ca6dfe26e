import type { Place } from '../problem/problem.ts';
import type { Where } from './where.ts';

/** RFC 5424 names, in RFC order, the only severity scale. */
export const severities = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;
export type Severity = (typeof severities)[number];

/** What both kinds of rule have; names resolved, defaults filled in, durations in milliseconds. */
interface RuleBase {
  readonly name: string;
  readonly group: string;
  readonly goal: string;
  /** Parameters of the goal where they are not its defaults (goals/parameters.ts). */
  readonly with?: { readonly text: string; readonly values: ReadonlyMap<string, number | string> };
  readonly where?: Where;
  /** The rule's key, explicit or the goal's own. Semantics: "Identity of an alert". */
  readonly by: readonly string[];
  /** field -> tolerance; 0 in the value of a text field (any difference counts). */
  readonly changed?: ReadonlyMap<string, number>;
  readonly dedupeMs?: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of sinks. Never empty. */
  readonly to: readonly string[];
  readonly place: Place;
}

export interface AlertRule extends RuleBase {
  readonly kind: 'alert';
  readonly threshold?: { readonly count: number; readonly withinMs: number };
  /** What one alert is about: `threshold.by`, else `by`. */
  readonly alertBy: readonly string[];
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly maxAlerts: number;
  readonly severity: Severity;
  /** Name -> text with {{ field }} in it; checked at load against the goal's fields. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly runbookUrl?: string;
}

export interface ForwardRule extends RuleBase {
  readonly kind: 'forward';
}

/** A rule that means something: checked against its goal. */
export type Rule = AlertRule | ForwardRule;
