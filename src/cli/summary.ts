import type { Unsent } from '../delivery/delivery.ts';
import type { Ledger } from '../telemetry/ledger.ts';
import { columns, plural } from './columns.ts';

/** What happened to every record, as the three sums of the ledger (semantics 30). */
export interface Summary {
  readonly seconds: number;
  readonly ledger: Ledger;
  readonly unsent: readonly Unsent[];
}

/** The summary as lines for a person. Sums that do not close are said first of all. */
export function summaryLines({ seconds, ledger, unsent }: Summary, did = 'Stopped'): string[] {
  const runs = [...ledger.runs.values()];
  const sinks = [...ledger.sinks];
  const total = (of: (account: (typeof runs)[number]) => number) => runs.reduce((sum, account) => sum + of(account), 0);
  const lost = total((a) => a.lost);
  const head = [
    `${did} in ${seconds.toFixed(1)} s.`,
    `${plural(
      total((a) => a.decoded),
      'record',
    )} in;`,
    `${plural(
      sinks.reduce((sum, [, a]) => sum + a.sent, 0),
      'item',
    )} sent;`,
    `${lost} lost, ${total((a) => a.broken)} broken, ${total((a) => a.missed)} missed by sampling.`,
  ].join(' ');
  const wrong = ledger.imbalances();
  const lines = [...wrong.map((line) => `Does not add up: ${line}. This is a bug.`), head];
  if (runs.length > 0)
    lines.push(
      '',
      ...columns(
        [
          ['probe', 'emitted', '= decoded', '+ broken', '+ lost', '+ in pipe', 'filtered in kernel', 'skipped', 'missed', 'overlapping'],
          ...runs.map((a) => [
            `${a.goal} (${a.engine})`,
            ...numbers(a.emitted, a.decoded, a.broken, a.lost, a.inPipe, a.filtered, a.skipped, a.missed, a.overlapping),
          ]),
        ],
        '  ',
      ),
    );
  const rules = [...ledger.rules].filter(([name, a]) => !name.startsWith('tapline.') || a.records > 0);
  if (rules.length > 0)
    lines.push(
      '',
      ...columns(
        [
          ['rule', 'records', '= self', '+ unmatched', '+ unchanged', '+ deduped', '+ passed', 'of unmatched unknown', 'evicted'],
          ...rules.map(([name, a]) => [
            name,
            ...numbers(a.records, a.self, a.unmatched, a.unchanged, a.deduped, a.passed, a.unknown, a.evicted),
          ]),
        ],
        '  ',
      ),
    );
  if (sinks.length > 0)
    lines.push(
      '',
      ...columns(
        [
          ['sink', 'queued', '= sent', '+ dead-lettered', '+ dropped', '+ in flight', 'retried'],
          ...sinks.map(([name, a]) => [name, ...numbers(a.queued, a.sent, a.deadLettered, a.dropped, a.inFlight, a.retried)]),
        ],
        '  ',
      ),
    );
  for (const { sink, items } of unsent)
    lines.push(
      `Not sent to ${sink}: ${items
        .slice(0, 5)
        .map((item) => `${item.kind} ${item.rule} ${item.id.slice(0, 8)}`)
        .join(', ')}${items.length > 5 ? ` and ${items.length - 5} more` : ''}.`,
    );
  return lines;
}

/** The same as one JSON object. */
export const summaryJson = ({ seconds, ledger, unsent }: Summary): object => ({
  kind: 'summary',
  seconds,
  closes: ledger.imbalances().length === 0,
  runs: Object.fromEntries(ledger.runs),
  rules: Object.fromEntries(ledger.rules),
  sinks: Object.fromEntries(ledger.sinks),
  in_flight: Object.fromEntries(unsent.map(({ sink, items }) => [sink, items.map((item) => item.id)])),
});

const numbers = (...values: readonly number[]): string[] => values.map((value) => String(value));
