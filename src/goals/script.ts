import type { LineType } from './pattern-types.ts';

/** One part of what a line looks like, all about it resolved. */
export type LinePart =
  | { readonly kind: 'literal'; readonly text: string }
  /** One blank or more. */
  | { readonly kind: 'blanks' }
  | ({ readonly kind: 'value' } & LineValue);

export interface LineValue {
  /** Undefined: nobody wants it. */
  readonly name?: string;
  readonly type: LineType;
  /** Bytes of a column of fixed width. */
  readonly width?: number;
  /** At most so many bytes. */
  readonly longest?: number;
  /** Members of an enum. */
  readonly values?: readonly string[];
  /** What the script prints where it does not know the value. */
  readonly unknown?: string;
  /** A decimal is held times this. */
  readonly times: number;
}

/** What stap gets beside the script. Only typed values: no text of an option reaches a command line but `compatible`, which is digits. */
export interface StapOptions {
  readonly guru: boolean;
  readonly suppressHandlerErrors: boolean;
  readonly skipBadvars: boolean;
  readonly compatible?: string;
  readonly bufferMb?: number;
  readonly define: Readonly<Record<string, number>>;
}

export interface BpftraceOptions {
  readonly unsafe: boolean;
  readonly stringBytes?: number;
  readonly mapEntries?: number;
}

/** A script of the user's own, which answers a goal. Its text is what was read, checked and trusted: the file is not read again. */
export interface Script {
  /** Absolute. */
  readonly file: string;
  readonly language: 'systemtap' | 'bpftrace';
  readonly text: string;
  readonly args: readonly string[];
  /** How a line is read: by patterns, of which the first that fits counts; or as a JSON object, whose wanted keys are these. */
  readonly lines:
    | { readonly form: 'patterns'; readonly patterns: readonly (readonly LinePart[])[] }
    | { readonly form: 'json'; readonly values: readonly (LineValue & { readonly name: string })[] };
  readonly ignore: readonly (readonly LinePart[])[];
  /** wall: times in its lines count from 1970. kernel: from what the engine's own clock function counts from. none: it prints none. */
  readonly clock: 'wall' | 'kernel' | 'none';
  readonly needsDebuginfo: boolean;
  readonly stap: StapOptions;
  readonly bpftrace: BpftraceOptions;
  /** Tapline's own tapset (scripts-stp/lib), of which its companion in the module is made. */
  readonly library: string;
}
