import type { TapRecord } from '../decode/batch.ts';
import { parseTemplate, renderTemplate } from '../goals/template.ts';
import { fieldValue } from './wire.ts';

export type Annotate = (record: TapRecord | undefined) => Record<string, string>;

/** The rule's annotations as a function of a record; templates are parsed once. What the record does not know prints `unknown`. */
export function annotator(annotations: Readonly<Record<string, string>>): Annotate {
  const parsed = Object.entries(annotations).map(
    ([name, text]) => [name, parseTemplate(name === 'summary' ? oneLine(text) : text)] as const,
  );
  return (record) => {
    const lookup = (field: string) => {
      const value = record === undefined ? undefined : fieldValue(record, field);
      return value === undefined ? undefined : String(value);
    };
    return Object.fromEntries(parsed.map(([name, parts]) => [name, renderTemplate(parts, lookup)]));
  };
}

/** A template that a person folded over several lines, on one. Only the template: a line feed in a value is data. */
const oneLine = (text: string): string => text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
