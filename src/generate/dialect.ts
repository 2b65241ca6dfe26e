import type { EngineName } from '../config/config.ts';
import type { Field, Goal } from '../goals/goal.ts';
import type { HostFacts } from './module.ts';

/** A comparison that a probe may be asked to make. Values are typed; a text has passed `pushableText`. */
export interface Atom {
  readonly field: Field;
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: AtomValue;
}
export type AtomValue =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'enum'; readonly value: string; readonly index: number }
  | { readonly type: 'bool'; readonly value: boolean }
  /** `bytes`: 16, IPv4 mapped; `text`: as it was written. */
  | { readonly type: 'address'; readonly bytes: Uint8Array; readonly text?: string };

/** A pre-filter: what is left of the rules' `where` after everything inexact was made true. `not` stands on no node: it was moved onto the atoms. */
export type Filter =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly op: 'atom'; readonly atom: Atom };

/** How one probe language writes what `generate` puts into a goal's template. Nothing here gets rule text. */
export interface Dialect {
  readonly engine: EngineName;
  /** A comment of one line; `text` is printable ASCII. */
  comment(text: string): string;
  /** Whether the language can make this test, exactly. */
  can(atom: Atom): boolean;
  /** The filter as an expression of the language, over the variables that the templates agree to set. */
  filter(filter: Filter): string;
  /**
   * Placeholders that every template of the language may use, by name: `{{name}}` in a template. `filter` and `header` are added
   * by `generateModule`. Each template must use all of `required` and may use no others than these.
   */
  placeholders(
    goal: Goal,
    facts: HostFacts,
  ): { readonly required: Readonly<Record<string, string>>; readonly allowed: Readonly<Record<string, string>> };
}

/** What text may become part of source: short, printable ASCII without quotes, backslash, percent or braces. The rest is left to the stream. */
export const pushableText = (text: string, maxBytes: number): boolean =>
  text.length <= maxBytes && /^[A-Za-z0-9 _.,:;/@=+<>()[\]#*!?~^|&-]*$/.test(text);
