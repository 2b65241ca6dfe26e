import type { EngineName } from '../config/config.ts';
import type { Goal } from '../goals/goal.ts';

/** Facts of the host that a template needs. They are part of the module's content, so of its id. */
export interface HostFacts {
  readonly hz: number;
  readonly kernel: string;
  /** tracepoint ("tcp:tcp_retransmit_skb") -> names of its fields, from the tracefs format file. */
  readonly tracepoints: ReadonlyMap<string, ReadonlySet<string>>;
  /** "sk_buff.cb" -> byte offset of that member, where an engine's language cannot find it by itself. */
  readonly offsets?: ReadonlyMap<string, number>;
  /** "skb:kfree_skb.reason" -> what the field's numbers stand for on this kernel: capitals, digits and _ only. */
  readonly words?: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** As Node names it: x64, arm64. */
  readonly arch?: string;
  /** Version of the engine's program, as it prints it. */
  readonly engineVersion: string;
}

/** What of the rules' `where` goes into the probe, told rule by rule for `tapline explain`. */
export interface Pushdown {
  readonly rule: string;
  /** The part that the probe tests, in CEL words; undefined where nothing can be said there. */
  readonly pushed?: string;
  /** The part that only the stream decides. */
  readonly rest?: string;
}

/** Generated source for one goal and all the rules on it, for one engine. */
export interface Module {
  /** 12 hex digits of the content hash of `source`. */
  readonly id: string;
  /** A valid kernel module name: tapline_<goal with _>_<id>. */
  readonly name: string;
  readonly goal: Goal;
  readonly engine: EngineName;
  /** The program text; for procfs a line that names the reader. */
  readonly source: string;
  readonly rules: readonly string[];
  readonly pushdown: readonly Pushdown[];
}
