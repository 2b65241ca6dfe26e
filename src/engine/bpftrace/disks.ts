import { readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { Goal } from '../../goals/goal.ts';

/** Whether the goal has disks by their number: tracepoints of block devices give no names. */
export const namesDisks = (goal: Goal): boolean => goal.fields.some((field) => field.type === 'text' && field.unit === 'disk');

/**
 * Names of block devices (/sys/dev/block) as a line for the reader: `{"type":"disks","data":{"266338304":"vda"}}`, by the
 * kernel's number (major << 20 | minor, linux/kdev_t.h).
 */
export class DiskNames {
  #last = '';

  /** Undefined where nothing has changed since the last time. */
  changed(sys: string): string | undefined {
    const line = `${JSON.stringify({ type: 'disks', data: readNames(`${sys}/dev/block`) })}\n`;
    if (line === this.#last) return undefined;
    return (this.#last = line);
  }
}

function readNames(folder: string): Record<string, string> {
  try {
    const names = readdirSync(folder).map((entry): [number, string] => {
      const [major = NaN, minor = NaN] = entry.split(':').map(Number);
      return [major * 2 ** 20 + minor, basename(readlinkSync(`${folder}/${entry}`))];
    });
    return Object.fromEntries(names);
  } catch {
    return {};
  }
}
