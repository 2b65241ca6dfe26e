import { formatAddress } from '../goals/address.ts';
import type { Batch, Column, TapRecord, Value } from './batch.ts';

/** The value of a field (by its index in goal.fields) in a row; undefined is unknown. Addresses as RFC 5952 text. */
export function valueAt(batch: Batch, field: number, row: number): Value {
  const column = batch.columns[field];
  return column && columnValue(column, row, batch.goal.fields[field]?.type === 'bool');
}

function columnValue(column: Column, row: number, bool: boolean): Value {
  switch (column.kind) {
    case 'number': {
      const value = column.values[row];
      if (value === undefined || Number.isNaN(value)) return undefined;
      return bool ? value !== 0 : value;
    }
    case 'text':
      return column.at(row);
    case 'address':
      return column.known[row] === 1 ? formatAddress(column.bytes, 16 * row) : undefined;
  }
}

/** One row copied out: it holds on to nothing of the batch. */
export function recordAt(batch: Batch, row: number): TapRecord {
  const { run, goal } = batch;
  const fields: Record<string, number | string | boolean> = {};
  goal.fields.forEach((field, i) => {
    const value = valueAt(batch, i, row);
    if (value !== undefined) fields[field.name] = value;
  });
  const sinceUs = batch.sinceUs?.[row];
  return {
    goal: goal.id,
    host: run.host,
    boot: run.boot,
    run: run.id,
    module: run.module,
    lane: batch.lane[row] ?? 0,
    seq: batch.seq[row] ?? 0,
    engine: run.engine,
    fidelity: run.fidelity,
    timeUs: batch.timeUs[row] ?? 0,
    timeErrorUs: batch.timeErrorUs[row] ?? 0,
    ...(sinceUs !== undefined && !Number.isNaN(sinceUs) && { sinceUs }),
    n: batch.n[row] ?? 1,
    fields,
  };
}
