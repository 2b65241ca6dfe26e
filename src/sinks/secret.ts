import { readFileSync } from 'node:fs';

/** The value itself, or what stands in the file that `file` names (its last line end left out). Throws what reading throws. */
export function secretOf(value: string | undefined, file: string | undefined): string | undefined {
  if (value !== undefined || file === undefined) return value;
  return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
}
