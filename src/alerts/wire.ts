import type { TapRecord } from '../decode/batch.ts';
import type { RecordBody } from './item.ts';
import { rfc3339 } from './time.ts';

/** A record as receivers get it. */
export const recordBody = (record: TapRecord): RecordBody => ({
  time: rfc3339(record.timeUs),
  time_error_us: record.timeErrorUs,
  ...(record.sinceUs === undefined ? {} : { since: rfc3339(record.sinceUs) }),
  host: record.host,
  boot: record.boot,
  run: record.run,
  module: record.module,
  lane: record.lane,
  seq: record.seq,
  engine: record.engine,
  fidelity: record.fidelity,
  n: record.n,
  fields: { ...record.fields },
});

/** A field of a record, or `host`; undefined is unknown. */
export const fieldValue = (record: TapRecord, name: string): number | string | boolean | undefined =>
  name === 'host' ? record.host : Object.hasOwn(record.fields, name) ? record.fields[name] : undefined;
