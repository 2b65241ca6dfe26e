import { bytesOf } from '../../goals/text.ts';
import { overlongMark } from '../child.ts';
import { parseBpftrace } from './json.ts';

/** What of a chunk of `bpftrace -f json` is the script's, as the lines that it would print on a terminal, and what is Tapline's. */
export interface ScriptChunk {
  /** Whole lines, each ended by LF. */
  readonly lines: Uint8Array;
  readonly marks: readonly { readonly tag: string; readonly clockUs: number; readonly number: number }[];
}

const longestLine = 65_536;

/**
 * Turns the JSON of bpftrace back into lines. JSON is asked for because each print is then one piece: Tapline's own answer can
 * neither stand in the middle of a line that a script prints in pieces, nor be imitated by one. A histogram's buckets become a line each:
 * `@us[KEY] [4, 8) 17`; other maps as on a terminal: `@n[KEY]: 17`.
 */
export class ScriptOutput {
  readonly #tags: readonly unknown[];
  #rest = '';
  /** Events that bpftrace says it lost. */
  lost = 0;

  /** `tags`: what answers to markers begin with. */
  constructor(tags: readonly string[]) {
    this.#tags = tags;
  }

  push(chunk: Uint8Array): ScriptChunk {
    const marks: { tag: string; clockUs: number; number: number }[] = [];
    let text = this.#rest;
    const broken: Uint8Array[] = [];
    for (let start = 0; start < chunk.length;) {
      const found = chunk.indexOf(10, start);
      const end = found < 0 ? chunk.length : found;
      const line = end === start ? { type: 'attached_probes' } : parseBpftrace(chunk, start, end);
      if (typeof line === 'object' && line !== null) {
        const { type, data } = line as { readonly type?: unknown; readonly data?: unknown };
        if (type === 'value' && Array.isArray(data) && this.#tags.includes(data[0]))
          marks.push({ tag: String(data[0]), clockUs: Number(data[1]) / 1000, number: Number(data[2]) });
        else if (type === 'lost_events') this.lost += Number((data as { events?: unknown } | undefined)?.events) || 0;
        else text += textFor(String(type), data);
      } else broken.push(chunk.subarray(start, end));
      start = end + 1;
    }
    const last = text.lastIndexOf('\n') + 1;
    this.#rest = text.slice(last);
    const parts: Uint8Array[] = [bytesOf(text.slice(0, last))];
    for (const each of broken) parts.push(each, Uint8Array.of(10));
    if (this.#rest.length > longestLine) {
      parts.push(Uint8Array.of(overlongMark), bytesOf(this.#rest.slice(0, 200)), Uint8Array.of(10));
      this.#rest = '';
    }
    return { lines: Buffer.concat(parts), marks };
  }

  /** A last line without its end. */
  end(): Uint8Array {
    const text = this.#rest;
    this.#rest = '';
    return text === '' ? new Uint8Array() : Buffer.concat([bytesOf(text), Uint8Array.of(10)]);
  }
}

function textFor(type: string, data: unknown): string {
  switch (type) {
    case 'printf':
    case 'time':
    case 'cat':
    case 'syscall':
      return String(data);
    case 'join':
      return `${String(data)}\n`;
    case 'value':
      return `${Array.isArray(data) ? `(${data.map(String).join(', ')})` : plain(data)}\n`;
    case 'map':
    case 'stats':
      return entries(data, (name, value) => `${name}: ${plain(value)}\n`);
    case 'hist':
    case 'lhist':
      return entries(data, (name, value) =>
        Array.isArray(value) ? value.map((bucket) => `${name} ${range(bucket as Bucket)}\n`).join('') : '',
      );
    default:
      return '';
  }
}

/** `@name` or `@name[key]` with its value, for every entry of the maps in `data`. */
function entries(data: unknown, each: (name: string, value: unknown) => string): string {
  if (typeof data !== 'object' || data === null) return '';
  return Object.entries(data)
    .map(([name, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && !isStats(value)
        ? Object.entries(value)
            .map(([key, own]) => each(`${name}[${key}]`, own))
            .join('')
        : each(name, value),
    )
    .join('');
}

const isStats = (value: object): boolean => 'average' in value && 'total' in value;

const plain = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .map(([name, each]) => `${name} ${String(each)}`)
        .join(', ')
    : String(value);

interface Bucket {
  readonly min?: number;
  readonly max?: number;
  readonly count: number;
}

const range = ({ min, max, count }: Bucket): string =>
  `${min === undefined ? '(...' : `[${min}`}, ${max === undefined ? '...' : max + 1}) ${count}`;
