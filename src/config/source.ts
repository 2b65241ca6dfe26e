import { readFileSync, statSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, type Document, type Node, type Pair } from 'yaml';
import { error, fail, ok, type Place, type Result } from '../problem/problem.ts';
import { scalarOffsets } from './scalar-offsets.ts';
import { TextFile } from './text-file.ts';
import { parseYaml, type ParsedYaml } from './yaml.ts';

/** The way from the root of a file to a value in it: keys and indices. */
export type Path = readonly (string | number)[];

/** A YAML file that was read, and where everything in it stands. */
export interface Source {
  readonly file: string;
  /** Plain JS of the YAML (1.2, core schema), aliases followed. */
  readonly value: unknown;
  /** Where the value at `path` stands, or its key. What is not there: the nearest thing around it. */
  place(path: Path, part?: 'key' | 'value'): Place;
  /** Where a part of a string value stands; `start` and `end` are UTF-16 offsets in the value of the scalar at `path`. */
  within(path: Path, start: number, end: number): Place;
}

const largest = 4 * 1024 * 1024;

/** Reads and parses a YAML file. All that is wrong with it as YAML is told at once. */
export function readSource(file: string): Result<Source> {
  const place: Place = { file, line: 1, column: 1 };
  try {
    const stats = statSync(file);
    if (stats.isDirectory())
      return fail(
        error('CONFIG_FILE_IS_DIRECTORY', `${file} is a directory.`, { place, hint: `Name the files in it, for example ${file}/*.yaml.` }),
      );
    if (stats.size > largest) return tooLarge(file, stats.size);
    return parseSource(file, readFileSync(file));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return fail(error('CONFIG_FILE_MISSING', `${file} is not there.`, { place }));
    return fail(error('CONFIG_FILE_UNREADABLE', `${file} cannot be read.`, { place, cause: message }));
  }
}

/** The same for bytes that were read already. Pure. */
export function parseSource(file: string, bytes: Uint8Array): Result<Source> {
  if (bytes.length > largest) return tooLarge(file, bytes.length);
  const decoded = TextFile.decode(file, bytes);
  if (!decoded.ok) return decoded;
  const text = decoded.value;
  const parsed = parseYaml(text);
  if (!parsed.ok) return parsed;
  return ok(new YamlSource(text, parsed.value));
}

const tooLarge = (file: string, size: number) =>
  fail(error('CONFIG_FILE_TOO_LARGE', `${file} has ${size} bytes; at most ${largest} are read.`, { place: { file, line: 1, column: 1 } }));

interface Found {
  readonly node: Node | undefined;
  readonly pair: Pair | undefined;
  /** All of the path is there. */
  readonly whole: boolean;
}

class YamlSource implements Source {
  readonly value: unknown;
  readonly #text: TextFile;
  readonly #document: Document;
  readonly #targets: ReadonlyMap<Node, Node>;

  constructor(text: TextFile, { document, value, targets }: ParsedYaml) {
    this.#text = text;
    this.#document = document;
    this.#targets = targets;
    this.value = value;
  }

  get file(): string {
    return this.#text.file;
  }

  place(path: Path, part: 'key' | 'value' = 'value'): Place {
    const { node, pair, whole } = this.#find(path);
    const key = pair?.key as Node | undefined;
    // A block of lines is best shown by the key that stands above it.
    const block = node !== undefined && (isMap(node) || isSeq(node)) && node.flow !== true;
    if (key?.range && (node?.range == null || (whole && part === 'key') || block || isEmptyScalar(node)))
      return this.#text.place(key.range[0], key.range[1]);
    if (node?.range == null) return this.#text.place(0, 1);
    return this.#text.place(node.range[0], block ? firstEnd(node) : node.range[1]);
  }

  within(path: Path, start: number, end: number): Place {
    const { node, whole } = this.#find(path);
    const scalar = isAlias(node) ? this.#targets.get(node) : node;
    if (!whole || !isScalar(scalar) || typeof scalar.value !== 'string' || !scalar.range) return this.place(path);
    const offsets = scalarOffsets(this.#text.text, scalar.range[0], scalar.range[1], scalar.type ?? 'PLAIN', scalar.value);
    const from = offsets?.[Math.max(0, Math.min(start, offsets.length - 1))];
    if (offsets === undefined || from === undefined) return this.place(path);
    const last = offsets[Math.max(0, Math.min(end, offsets.length) - 1)] ?? from;
    const after = offsets[Math.min(end, offsets.length - 1)] ?? last + 1;
    return this.#text.place(from, end <= start ? from + 1 : Math.max(after, last + 1));
  }

  #find(path: Path): Found {
    let node: Node | undefined = this.#document.contents ?? undefined;
    let pair: Pair | undefined;
    for (const step of path) {
      const around: Node | undefined = isAlias(node) ? this.#targets.get(node) : node;
      if (isMap(around)) {
        const next: Pair | undefined = around.items.find((each) => isScalar(each.key) && keyText(each.key) === String(step));
        if (next === undefined) return { node, pair, whole: false };
        pair = next;
        node = (next.value as Node | null) ?? undefined;
      } else if (isSeq(around)) {
        const next = around.items[Number(step)] as Node | undefined;
        if (next === undefined) return { node, pair, whole: false };
        pair = undefined;
        node = next;
      } else {
        return { node, pair, whole: false };
      }
    }
    return { node, pair, whole: true };
  }
}

/** A key as text; `1`, `true` and the like as they were written. */
export const keyText = (key: { readonly value: unknown; readonly source?: string }): string =>
  typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));

const isEmptyScalar = (node: Node) => isScalar(node) && node.range != null && node.range[0] === node.range[1];

/** The end of a block's first key or entry. */
function firstEnd(node: Node): number {
  const first: unknown = isMap(node) ? node.items[0]?.key : isSeq(node) ? node.items[0] : undefined;
  const range = (first as Node | undefined)?.range;
  return range?.[1] ?? (node.range?.[0] ?? 0) + 1;
}
