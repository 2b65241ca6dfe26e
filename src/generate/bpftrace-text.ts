import type { Goal } from '../goals/goal.ts';

/** Bytes of one piece of a long text; no path may be longer than `longestPath`, and of other texts no more is told. */
export const textLimits = { pieceBytes: 96, longest: 4096 } as const;

/**
 * Placeholders for the long texts of a goal: fields X with a field X_cut behind them. A template sets `$X` to the text's address,
 * in the memory of the process (`user`) or of the kernel, and then writes, in this order:
 *   {{measure user X}}  finds the end of a text that ends with NUL (or: sets `{{map}}_X[cpu]` to its size in bytes itself)
 *   {{next}}            after the filter
 *   {{bytes user X}}    prints the text in pieces of hexadecimal digits, so that no byte of it can be taken for something else
 *   {{text X}}          the two columns X and X_cut of the record
 */
export function textPlaceholders(goal: Goal, map: string, tag: string): Readonly<Record<string, string>> {
  const names = goal.fields.map((field) => field.name);
  return Object.fromEntries(
    goal.fields.flatMap(({ name, type }, column): (readonly [string, string])[] => {
      if (type !== 'text' || names[column + 1] !== `${name}_cut`) return [];
      const size = `${map}_${name}[cpu]`;
      return [
        [`text ${name}`, `"", (uint64)${size}`],
        ...(['user', 'kernel'] as const).flatMap((space): [string, string][] => [
          [`measure ${space} ${name}`, measure(name, size, pointers[space])],
          [`bytes ${space} ${name}`, bytes(tag, map, name, column, size, pointers[space])],
        ]),
      ];
    }),
  );
}

/** What a buffer holds at least: bpftrace 0.27 gives one of 96 bytes now 96, now 92. Pieces may overlap. */
const bufferBytes = 88;
const pointers = { user: 'uptr', kernel: 'kptr' } as const;

/** By words (has one of these bytes the value 0?), then to the byte. Sizes go through a map: the verifier would follow each by itself otherwise. */
const measure = (name: string, size: string, pointer: string) => `$ones = ((uint64)0x01010101 << 32) | 0x01010101;
    $highs = ((uint64)0x80808080 << 32) | 0x80808080;
    $end = (uint64)0;
    while ($end < ${textLimits.longest}) {
      $word = *(uint64 *)${pointer}($${name} + $end);
      if ((($word - $ones) & ~$word & $highs) != 0) { break; }
      $end = $end + 8;
    }
    ${size} = $end;
    $end = ${size};
    $byte = (uint64)0;
    while ($byte < 8) {
      if (*(uint8 *)${pointer}($${name} + $end + $byte) == 0) { break; }
      $byte = $byte + 1;
    }
    // Longer than any path may be: the kernel refused it, and it is told as cut.
    ${size} = $end + $byte < ${textLimits.longest} ? $end + $byte : (uint64)1000000;`;

const bytes = (tag: string, map: string, name: string, column: number, size: string, pointer: string) => `$at = (uint64)0;
    while ($at < ${textLimits.longest}) {
      if ($at >= ${size}) { break; }
      printf("p:${tag} %d %d ${column} %d %rh", cpu, ${map}_seq[cpu], $at, buf(${pointer}($${name} + $at), ${size} - $at));
      $at = $at + ${bufferBytes};
    }`;
