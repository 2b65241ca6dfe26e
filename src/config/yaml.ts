import { isAlias, isMap, isNode, isScalar, isSeq, parseDocument, type Document, type Node, type YAMLError } from 'yaml';
import { error, fail, ok, type Problem, type Result } from '../problem/problem.ts';
import { didYouMean } from '../problem/suggest.ts';
import { keyText } from './source.ts';
import type { TextFile } from './text-file.ts';
import { tooDeepAt } from './yaml-depth.ts';

const deepest = 64;
/** Values that aliases may add to a file; a bomb of nine nines is 43 million. */
const mostByAlias = 10_000;

export interface ParsedYaml {
  readonly document: Document;
  readonly value: unknown;
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Node, Node>;
}

/** One document of YAML 1.2, core schema, as plain JS. Everything odd is an error, and all errors are told, one a line. */
export function parseYaml(text: TextFile): Result<ParsedYaml> {
  const deep = tooDeepAt(text.text, 2 * deepest);
  if (deep !== undefined) return fail(error('CONFIG_TOO_DEEP', `Nested deeper than ${deepest} levels.`, { place: text.place(deep) }));
  const document = parseDocument(text.text, {
    version: '1.2',
    schema: 'core',
    prettyErrors: false,
    uniqueKeys: false,
    strict: true,
    stringKeys: false,
  });
  const wrong = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]).map((each) => inWords(each, text));
  // One slip makes the parser stumble again and again on the same line.
  const first = wrong.filter((problem, i) => i === 0 || problem.place?.line !== wrong[i - 1]?.place?.line);
  if (first.length > 0) return fail(...first);
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return fail(error('CONFIG_FILE_EMPTY', `${text.file} says nothing.`, { place: text.place(0) }));
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2')
    return fail(error('CONFIG_YAML', 'Only YAML 1.2 is read.', { place: text.place(0), hint: 'Remove the line %YAML.' }));
  const reading = new Reading(text);
  const value = reading.valueOf(document.contents, 0);
  return reading.problems.length > 0 ? fail(...reading.problems) : ok({ document, value, targets: reading.targets });
}

/** Turns nodes into plain values, with an eye on what the yaml package lets pass. */
class Reading {
  readonly problems: Problem[] = [];
  readonly #text: TextFile;
  /** What each alias stands for: the last anchor of its name before it. Kept, because the package would search the whole file for each. */
  readonly targets = new Map<Node, Node>();
  readonly #anchors = new Map<string, Node>();
  /** Anchored nodes that are being read: an alias to one of them contains itself. */
  readonly #open = new Set<Node>();
  #byAlias = 0;
  #insideAlias = 0;
  #tooDeep = false;
  #bomb = false;

  constructor(text: TextFile) {
    this.#text = text;
  }

  valueOf(node: unknown, depth: number): unknown {
    if (this.#insideAlias > 0 && ++this.#byAlias > mostByAlias) return undefined;
    if (depth > deepest) {
      if (!this.#tooDeep) this.#wrong('CONFIG_TOO_DEEP', `Nested deeper than ${deepest} levels.`, node as Node);
      this.#tooDeep = true;
      return undefined;
    }
    if (isAlias(node)) return this.#followed(node, depth);
    this.#anchor(node);
    if (isScalar(node)) return this.#scalar(node);
    const anchored = isMap(node) || isSeq(node) ? node : undefined;
    if (anchored) this.#open.add(anchored);
    const value = isSeq(node) ? node.items.map((item) => this.valueOf(item, depth + 1)) : isMap(node) ? this.#map(node, depth) : null;
    if (anchored) this.#open.delete(anchored);
    return value;
  }

  #map(node: { readonly items: readonly { key: unknown; value: unknown }[] }, depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const seen = new Map<string, Node>();
    for (const { key, value: below } of node.items) {
      const text = isScalar(key) && key.value !== null ? keyText(key) : undefined;
      if (text === undefined) {
        this.#wrong('CONFIG_BAD_KEY', 'A key is a word; this is none.', key as Node);
        continue;
      }
      const before = seen.get(text);
      if (before?.range && this.#insideAlias === 0) {
        const { line, column } = this.#text.place(before.range[0]);
        this.#wrong(
          'CONFIG_DUPLICATE_KEY',
          `The key "${text}" stands here for the second time; the first is at ${line}:${column}.`,
          key as Node,
        );
      }
      seen.set(text, key as Node);
      this.#anchor(key);
      // Not by assignment: __proto__ is a key like any other.
      Object.defineProperty(value, text, { value: this.valueOf(below, depth + 1), enumerable: true, configurable: true, writable: true });
    }
    return value;
  }

  #scalar(node: { readonly value: unknown; readonly source?: string }): unknown {
    if (typeof node.value === 'number' && Number.isInteger(node.value) && !Number.isSafeInteger(node.value) && this.#insideAlias === 0)
      this.#wrong('CONFIG_NUMBER_TOO_LARGE', `${node.source ?? node.value} is beyond 2^53, where whole numbers lose digits.`, node as Node);
    return node.value;
  }

  #followed(alias: Node & { readonly source: string }, depth: number): unknown {
    if (this.#bomb) return undefined;
    const target = this.targets.get(alias) ?? this.#anchors.get(alias.source);
    if (target === undefined || this.#open.has(target)) {
      this.#wrong(
        'CONFIG_ALIAS',
        target === undefined
          ? `No anchor &${alias.source} stands before this alias${didYouMean(alias.source, this.#anchors.keys())}.`
          : `The alias *${alias.source} stands inside its own anchor.`,
        alias,
      );
      return undefined;
    }
    this.targets.set(alias, target);
    this.#insideAlias++;
    const value = this.valueOf(target, depth);
    this.#insideAlias--;
    if (this.#byAlias > mostByAlias && !this.#bomb && this.#insideAlias === 0) {
      this.#bomb = true;
      this.#wrong('CONFIG_ALIAS', `Aliases make more than ${mostByAlias} values out of this file.`, alias);
    }
    return value;
  }

  /** Anchors are met in the order of the file; what an alias repeats was met before. */
  #anchor(node: unknown): void {
    if (this.#insideAlias === 0 && isNode(node) && 'anchor' in node && node.anchor !== undefined && node.anchor !== '')
      this.#anchors.set(node.anchor, node);
  }

  #wrong(code: Problem['code'], message: string, node: Node | null): void {
    const range = node?.range;
    this.problems.push(error(code, message, { place: range ? this.#text.place(range[0], range[1]) : this.#text.place(0) }));
  }
}

/** What the parser stumbled over, said for somebody who does not know YAML's own words. */
function inWords(wrong: YAMLError, text: TextFile): Problem {
  const start = Math.min(wrong.pos[0], text.text.length);
  const place = text.place(start, wrong.pos[1]);
  const yaml = (message: string, hint?: string) => error('CONFIG_YAML', message, { place, ...(hint !== undefined && { hint }) });
  const said = `${wrong.message.split('\n')[0]?.replace(/\.$/, '') ?? 'No YAML'}.`;
  if (text.text.slice(start - 1, start + 1) === '${')
    return yaml('Between braces or brackets, ${...} is no text to YAML.', "Put it in quotes: '${NAME}'.");
  switch (wrong.code) {
    case 'TAB_AS_INDENT':
      return error('CONFIG_TAB', 'A tab stands where YAML wants spaces.', { place });
    case 'TAG_RESOLVE_FAILED':
      return yaml('A value that begins with "!" is a tag to YAML, and Tapline knows none.', "Put the value in quotes: '!known(pid)'.");
    case 'MULTIPLE_DOCS':
      return yaml('A second document begins here; a file holds one.', 'Remove the line ---, or make two files of it.');
    case 'BAD_SCALAR_START':
      return yaml(`A value cannot begin with ${JSON.stringify(text.text[start] ?? '')}.`, 'Put the value in quotes.');
    case 'BLOCK_AS_IMPLICIT_KEY':
      return yaml(
        'Another ": " stands here, where a value was expected.',
        'Put text that has ": " in it in quotes, or look at the indentation.',
      );
    case 'MULTILINE_IMPLICIT_KEY':
      return yaml('This is neither "key: value" nor the rest of the value above it.', 'Look at the indentation; a colon may be missing.');
    case 'UNEXPECTED_TOKEN':
      if (/["']\s*$/.test(text.text.slice(0, start)))
        return yaml('This stands behind the closing quote of a value.', 'Quotes have to enclose all of a value: \'"a" == b\'.');
      return yaml(`${said.replace(/\.$/, '')} cannot stand here.`.replace(/^Unexpected (\S+).*? cannot/, 'This ($1) cannot'));
    case 'BAD_INDENT':
    case 'MISSING_CHAR': {
      const [, kind] = /^Flow (sequence|map)\b/.exec(said) ?? [];
      if (kind === undefined) return yaml(said);
      const [opening, closing] = kind === 'map' ? ['{', '}'] : ['[', ']'];
      return yaml(`A "${opening}" above is not closed: here at the latest "${closing}" was expected.`);
    }
    default:
      return wrong.message.includes('nested too deep') || (wrong.code as string) === 'RESOURCE_EXHAUSTION'
        ? error('CONFIG_TOO_DEEP', `Nested deeper than ${deepest} levels.`, { place })
        : yaml(said);
  }
}
