import { textOf } from '../goals/text.ts';

/** The first bytes of a line, for a person: control characters and stray bytes as escapes. */
export const printableLine = (line: Uint8Array): string => {
  const text = JSON.stringify(textOf(line, 0, Math.min(line.length, 120))).slice(1, -1);
  return line.length > 120 ? `${text} ... (${line.length} bytes)` : text;
};
