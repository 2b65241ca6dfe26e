/**
 * The dialect `script`: what a script of the user's own prints, and between it what its engine says of the run. The first byte
 * of a line says which: `o` and the line as it was printed; `b CLOCK LOST SKIPPED`, a beat; `e CLOCK LOST SKIPPED`, the goodbye.
 * CLOCK is in microseconds of the run's clock; LOST counts what the transport says it dropped, SKIPPED hits that did not run,
 * both since the run began. `m CLOCK NUMBER`: a marker came back.
 */
export const scriptTags = { output: 0x6f, mark: 0x6d, beat: 0x62, bye: 0x65 } as const;

/** Whole lines of output, each ended by LF, with the tag in front of each. */
export function taggedOutput(lines: Uint8Array): Uint8Array {
  let count = 0;
  for (const byte of lines) if (byte === 10) count++;
  const tagged = new Uint8Array(lines.length + count);
  let to = 0;
  for (let start = 0; start < lines.length;) {
    const found = lines.indexOf(10, start);
    const end = found < 0 ? lines.length : found + 1;
    tagged[to++] = scriptTags.output;
    tagged.set(lines.subarray(start, end), to);
    to += end - start;
    start = end;
  }
  return tagged.subarray(0, to);
}

export const markLine = (clockUs: number, number: number): Uint8Array => Buffer.from(`m ${clockUs} ${number}\n`);
export const beatLine = (clockUs: number, lost: number, skipped: number): Uint8Array => Buffer.from(`b ${clockUs} ${lost} ${skipped}\n`);
export const byeLine = (clockUs: number, lost: number, skipped: number): Uint8Array => Buffer.from(`e ${clockUs} ${lost} ${skipped}\n`);
