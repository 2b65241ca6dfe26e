import { Type, type Static } from 'typebox';
import type { Severity } from '../rules/rule.ts';

/** Version of the wire schema, in every item. */
export const itemSchemaVersion = 1;

const Scalar = Type.Union([Type.Number(), Type.String(), Type.Boolean()]);
const Time = Type.String({ description: 'RFC 3339, UTC, microseconds.' });

const RecordBody = Type.Object(
  {
    time: Time,
    time_error_us: Type.Number({ description: 'The true time lies within this many microseconds.' }),
    since: Type.Optional(Type.String({ description: 'Sampled records: time of the previous poll.' })),
    host: Type.String(),
    boot: Type.String({ description: 'Boot id of the host.' }),
    run: Type.String({ description: 'New at each start of a module.' }),
    module: Type.String(),
    lane: Type.Integer({ description: 'Numbering is per lane: the CPU where the engine numbers per CPU.' }),
    seq: Type.Integer({ description: 'Number of the record in its lane; a hole is a lost record.' }),
    engine: Type.String(),
    fidelity: Type.Union([Type.Literal('event'), Type.Literal('sampled')]),
    n: Type.Integer({ description: 'How many events this record stands for.' }),
    fields: Type.Record(Type.String(), Scalar, { description: "The goal's fields; an unknown one is absent." }),
  },
  { description: 'One observation of the kernel.' },
);

const common = {
  schema: Type.Literal(itemSchemaVersion),
  id: Type.String({ description: 'Stable over retries, restarts and replays: receivers can drop doubles by it.' }),
  rule: Type.String(),
  goal: Type.String(),
  key: Type.String({ description: 'Which thing: JSON array of the key fields in the order of `by`.' }),
  severity: Type.String({ description: 'RFC 5424 severity name.' }),
  labels: Type.Record(Type.String(), Type.String()),
};

/** The JSON value that file, Kafka and stdout get; its JSON Schema is published in config/. */
export const ItemBody = Type.Union([
  Type.Object({ ...common, kind: Type.Literal('record'), time: Time, record: RecordBody }),
  Type.Object({
    ...common,
    kind: Type.Literal('suppressed'),
    time: Time,
    count: Type.Integer({ description: 'Events that dedupe held back in this window.' }),
    first: Time,
    last: Time,
    record: RecordBody,
  }),
  Type.Object({
    ...common,
    kind: Type.Literal('lost'),
    time: Time,
    count: Type.Optional(Type.Integer({ description: 'Left out where it is not known how much was lost.' })),
    record: RecordBody,
  }),
  Type.Object({
    ...common,
    kind: Type.Literal('alert'),
    time: Time,
    alertname: Type.String(),
    state: Type.Union([Type.Literal('firing'), Type.Literal('resolved')]),
    fingerprint: Type.String(),
    starts_at: Time,
    ends_at: Type.Optional(Time),
    repeat: Type.Integer({ description: '0 for the first notification of a firing alert.' }),
    annotations: Type.Record(Type.String(), Type.String()),
    runbook_url: Type.Optional(Type.String()),
    count: Type.Integer({ description: 'Events in the window of the condition when this was told.' }),
    total: Type.Integer({ description: 'Records that counted towards this alert since it was pending.' }),
    condition: Type.String({ description: 'What the rule asks for, in words.' }),
    first_seen: Time,
    last_seen: Time,
    hosts: Type.Array(Type.String()),
    not_counted: Type.Object(
      { unmatched: Type.Integer(), unchanged: Type.Integer(), suppressed: Type.Integer(), lost: Type.Integer() },
      { description: 'Of the rule, since the alert was pending: what stands behind no record here.' },
    ),
    records: Type.Array(RecordBody, { description: 'The last few records, oldest first, at most 5.' }),
    place: Type.String({ description: 'file:line of the rule.' }),
    group: Type.String(),
  }),
]);

export type ItemBody = Static<typeof ItemBody>;
export type RecordBody = Static<typeof RecordBody>;
export type AlertBody = Extract<ItemBody, { kind: 'alert' }>;

/** One alert, record or closing record on its way to sinks. Plain data: can be spooled as JSON. */
export interface Item {
  readonly id: string;
  readonly kind: ItemBody['kind'];
  readonly rule: string;
  readonly goal: string;
  readonly severity: Severity;
  /** Key text; Kafka's message key. */
  readonly key: string;
  /** Names of sinks. */
  readonly to: readonly string[];
  /** Record time at which it came to be, microseconds. */
  readonly timeUs: number;
  /** One line for a person: what a terminal, a syslog MSG and a mail's list show. No control characters are removed yet. */
  readonly summary: string;
  readonly body: ItemBody;
}
