/**
 * `{{words TRACEPOINT.FIELD}}`: statements that fill the map `@PREFIX_FIELD`, number -> what the kernel calls it. The word of a
 * number that is not in it is the empty text. The entry of 0 makes it a map of texts even where the kernel has no words.
 */
export function wordsSource(prefix: string, whole: string, words: ReadonlyMap<number, string> = new Map()): string | undefined {
  const field = /^\w+:\w+\.(\w+)$/.exec(whole)?.[1];
  return field && [...new Map([[0, ''], ...words])].map(([number, word]) => `@${prefix}_${field}[${number}] = "${word}";`).join(' ');
}
