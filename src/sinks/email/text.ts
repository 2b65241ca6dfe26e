import type { MailDocument } from './document.ts';

const columns = 72;
const labelWidth = 13;

/** The text part: 72 columns, for terminals, ticket systems and SMS gateways. Ends in a line end. */
export function mailText(document: MailDocument): string {
  const { facts, groups, links, commands, records } = document;
  const parts = [
    wrap(document.opening),
    wrap(document.heading),
    ...document.paragraphs.map((paragraph) => wrap(paragraph)),
    facts.flatMap(({ label, lines }) => lines.flatMap((line, index) => hanging(index === 0 ? label : '', line))),
    ...groups.map(({ title, summary, rows, more }) => [
      `${title.padEnd(32)} ${summary}`,
      ...rows.map((row) => `  ${row}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ]),
    links.flatMap(({ label, url }) => hanging(label, url)),
    commands.length > 0 ? ['On the host:', ...commands.map((command) => `  ${command}`)] : [],
    records.length > 0 ? ['Last records', ...records.map((line) => `  ${line}`)] : [],
    ['-- ', ...document.footer.flatMap((line) => wrap(line))],
  ];
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')}\n`;
}

/** "Connection   10.0.3.7:51844", and what is too long goes on below its own beginning. */
const hanging = (label: string, text: string): string[] =>
  wrap(text, columns - labelWidth).map(
    (line, index) =>
      (index === 0 ? label.padEnd(labelWidth) : ' '.repeat(labelWidth)) + (index === 0 && label.length >= labelWidth ? ' ' : '') + line,
  );

/** Breaks at spaces. A word that is longer than a line (a path, an address) stays whole, so that it can be copied. */
export function wrap(text: string, width = columns): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Korean, Chinese and Japanese characters take two columns (UAX 11, "Wide"). */
const displayWidth = (text: string): number =>
  [...text].reduce(
    (sum, character) =>
      sum +
      (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
        character,
      )
        ? 2
        : 1),
    0,
  );
