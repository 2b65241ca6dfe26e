import { printable } from './printable.ts';

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const noWidth = /\p{Mn}|\p{Me}/u;

/** Columns that one character takes on a terminal, after `printable`: East Asian wide ones two (UAX 11), marks none. */
export function widthOf(character: string): number {
  const shown = printable(character);
  if (shown !== character) return shown.length;
  return wide.test(character) ? 2 : noWidth.test(character) ? 0 : 1;
}
