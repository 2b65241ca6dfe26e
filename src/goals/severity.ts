import { didYouMean } from '../problem/suggest.ts';
import { severities, type Severity } from '../rules/rule.ts';

/** What people write beside the RFC 5424 names (semantics 14). */
const others: ReadonlyMap<string, Severity> = new Map([
  ['critical', 'crit'],
  ['page', 'crit'],
  ['error', 'err'],
  ['warn', 'warning'],
  ['information', 'info'],
]);

/** undefined where the label is not set, or means nothing, which is told. */
export function severityOf(label: string | undefined, wrong: (message: string, hint: string) => void): Severity | undefined {
  if (label === undefined) return undefined;
  const word = label.toLowerCase();
  const found = severities.find((severity) => severity === word) ?? others.get(word);
  if (found !== undefined) return found;
  wrong(
    `"${label}" is no severity${didYouMean(word, [...severities, ...others.keys()]) || '.'}`,
    `One of critical, error, warning, info, or ${severities.join(', ')}.`,
  );
  return undefined;
}
