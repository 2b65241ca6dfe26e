/**
 * Tracepoints of block devices give a disk's number (major << 20 | minor, linux/kdev_t.h); the engine tells the names
 * (engine/bpftrace/disks.ts) at the start and whenever they change.
 */
export class Disks {
  #names: ReadonlyMap<number, string> = new Map();

  /** True where `data` is what the engine tells. */
  told(data: unknown): boolean {
    if (typeof data !== 'object' || data === null) return false;
    this.#names = new Map(Object.entries(data).map(([number, name]) => [Number(number), String(name)]));
    return true;
  }

  /** A disk without a name (yet) is called MAJOR:MINOR. */
  name(number: number): string {
    return this.#names.get(number) ?? `${Math.floor(number / 2 ** 20)}:${number % 2 ** 20}`;
  }
}

/** Whether a text field is a disk's name. */
export const isDisk = ({ type, unit }: { readonly type: string; readonly unit?: string }): boolean => type === 'text' && unit === 'disk';
