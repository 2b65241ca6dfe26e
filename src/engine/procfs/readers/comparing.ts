import { performance } from 'node:perf_hooks';
import type { EngineHost } from '../../engine.ts';
import { unreadable, words } from '../open.ts';
import type { ReaderKind, Row } from '../reader.ts';

/** Values of a row by the names of their fields; what is not among them is unknown. `n`: events that it stands for, 1 unless given. */
export interface Told {
  readonly n?: number;
  readonly values: Readonly<Record<string, string | number | boolean>>;
}

/** What is to be known of a reader of sums that the kernel keeps: each look is compared with the one before. */
export interface Comparing<Look> {
  readonly name: string;
  readonly goal: string;
  /** "the disks": completes "cannot read". */
  readonly looksAt: string;
  /** Throws where it cannot be read. */
  readonly read: (host: EngineHost) => Look;
  /** What happened between two looks, `intervalMs` apart. */
  readonly compare: (before: Look, now: Look, intervalMs: number, host: EngineHost) => readonly Told[];
}

export const comparing = <Look>({ name, goal, looksAt, read, compare }: Comparing<Look>): ReaderKind => ({
  name,
  looksAt,
  knows: ({ id }) => id === goal,
  open(modules, host) {
    let before: Look;
    try {
      before = read(host);
    } catch (cause) {
      return Promise.resolve({ problem: unreadable(looksAt, words(cause)) });
    }
    let at = performance.now();
    const look = (): Row[][] => {
      const now = read(host);
      const nowAt = performance.now();
      const told = compare(before, now, Math.round(nowAt - at), host);
      [before, at] = [now, nowAt];
      return modules.map((module) =>
        told.map(({ n = 1, values }) => ({
          n,
          columns: module.goal.fields.map((field) => (Object.hasOwn(values, field.name) ? (values[field.name] ?? null) : null)),
        })),
      );
    };
    return Promise.resolve({ reader: { look: () => new Promise((resolve) => resolve(look())), missed: 0 } });
  },
});
