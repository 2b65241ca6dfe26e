import type { EngineName } from '../config/config.ts';
import type { Field, Goal } from '../goals/goal.ts';
import { coversMapped, maskOf, type Network } from '../goals/network.ts';
import type { HostFacts } from './module.ts';

/** A comparison that a probe may be asked to make. Values are typed; a text has passed `pushableText`. */
export interface Atom {
  readonly field: Field;
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=' | 'startsWith' | '!startsWith' | 'within' | '!within';
  readonly value: AtomValue;
}
export type AtomValue =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'enum'; readonly value: string; readonly index: number }
  | { readonly type: 'bool'; readonly value: boolean }
  /** `bytes`: 16, IPv4 mapped; `text`: as it was written. */
  | { readonly type: 'address'; readonly bytes: Uint8Array; readonly text?: string }
  | { readonly type: 'network'; readonly network: Network };

/** A pre-filter: what is left of the rules' `where` after everything inexact was made true. `not` stands on no node: it was moved onto the atoms. */
export type Filter =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly op: 'atom'; readonly atom: Atom };

export type Functions = Readonly<Record<string, (rest: string) => string | undefined>>;

/** How one probe language writes what `generate` puts into a goal's template. Nothing here gets rule text. */
export interface Dialect {
  readonly engine: EngineName;
  /** A comment of one line; `text` is printable ASCII. */
  comment(text: string): string;
  /** Whether the language can make this test, exactly. */
  can(atom: Atom): boolean;
  /** The filter as an expression of the language, over the variables that the templates agree to set. */
  filter(filter: Filter, facts: HostFacts): string;
  /**
   * Placeholders that every template of the language may use, by name: `{{name}}` in a template. `filter` and `header` are added
   * by `generateModule`. Each template must use all of `required` and may use no others than these.
   */
  placeholders(
    goal: Goal,
    facts: HostFacts,
  ): {
    readonly required: Readonly<Record<string, string>>;
    readonly allowed: Readonly<Record<string, string>>;
    /** `{{name REST}}`: source made of REST, which the template wrote. */
    readonly functions?: Functions;
  };
  /** Last touches to a filled template. */
  finish?(source: string): string;
}

/** What text may become part of source: short, printable ASCII without quotes, backslash, percent or braces. The rest is left to the stream. */
export const pushableText = (text: string, maxBytes: number): boolean =>
  text.length <= maxBytes && /^[A-Za-z0-9 _.,:;/@=+<>()[\]#*!?~^|&-]*$/.test(text);

/** A filter as an expression of a language that writes `&&`, `||` and parentheses as C does. */
export function filterSource(
  filter: Filter,
  words: { readonly true: string; readonly false: string },
  atom: (atom: Atom) => string,
): string {
  if (filter.op === 'true' || filter.op === 'false') return words[filter.op];
  if (filter.op === 'atom') return atom(filter.atom);
  if (filter.of.length === 0) return words[filter.op === 'and' ? 'true' : 'false'];
  return `(${filter.of.map((each) => filterSource(each, words, atom)).join(filter.op === 'and' ? ' && ' : ' || ')})`;
}

/**
 * Tests that every language so far can make exactly: whole numbers by order, the rest by equality; text as `text` says, also by
 * how it begins; addresses by network, but not those IPv6 networks whose prefix fits mapped IPv4 addresses too.
 */
export function canTest({ field, op, value }: Atom, text: (field: Field, value: string) => boolean): boolean {
  const equality = op === '==' || op === '!=';
  if (value.type === 'network') return field.type === 'address' && !coversMapped(value.network);
  if (op === 'startsWith' || op === '!startsWith') return value.type === 'text' && value.value !== '' && text(field, value.value);
  if (value.type === 'int') return field.type === 'int' && Number.isSafeInteger(value.value);
  return equality && (value.type === 'text' ? text(field, value.value) : field.type === value.type);
}

/** Words of a mask and of the network under it: those in which any bit counts. `read` makes a number of the 4 or 8 bytes at an offset. */
export function networkWords<N extends number | bigint>(
  { bytes, bits }: Network,
  size: 4 | 8,
  read: (view: DataView, at: number) => N,
): { readonly word: number; readonly mask: N; readonly value: N; readonly whole: boolean }[] {
  const [mask, value] = [maskOf(bits), bytes].map(({ buffer, byteOffset }) => new DataView(buffer, byteOffset, 16)) as [DataView, DataView];
  return Array.from({ length: 16 / size }, (_, word) => word)
    .filter((word) => word * size * 8 < bits)
    .map((word) => ({
      word,
      mask: read(mask, word * size),
      value: read(value, word * size),
      whole: (word + 1) * size * 8 <= bits,
    }));
}
