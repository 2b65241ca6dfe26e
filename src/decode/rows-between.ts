import type { Batch, Column } from './batch.ts';

/** The rows whose time lies in [fromUs, beforeUs), in a batch of their own; the same batch where that is all of them. */
export function rowsBetween(batch: Batch, fromUs: number, beforeUs: number): Batch {
  const rows: number[] = [];
  batch.timeUs.forEach((timeUs, row) => timeUs >= fromUs && timeUs < beforeUs && rows.push(row));
  if (rows.length === batch.length) return batch;
  const numbers = (values: Float64Array) => Float64Array.from(rows, (row) => values[row] ?? NaN);
  return {
    ...batch,
    length: rows.length,
    timeUs: numbers(batch.timeUs),
    timeErrorUs: numbers(batch.timeErrorUs),
    lane: Uint32Array.from(rows, (row) => batch.lane[row] ?? 0),
    seq: numbers(batch.seq),
    n: numbers(batch.n),
    ...(batch.sinceUs && { sinceUs: numbers(batch.sinceUs) }),
    columns: batch.columns.map((column) => columnOf(column, rows)),
  };
}

function columnOf(column: Column, rows: readonly number[]): Column {
  if (column.kind === 'number') return { ...column, values: Float64Array.from(rows, (row) => column.values[row] ?? NaN) };
  if (column.kind === 'text') {
    const indices = column.enum && Int16Array.from(rows, (row) => column.enum?.indices[row] ?? -1);
    return {
      kind: 'text',
      at: (row) => column.at(rows[row] ?? 0),
      ...(column.enum && indices && { enum: { values: column.enum.values, indices } }),
    };
  }
  const bytes = new Uint8Array(rows.length * 16);
  rows.forEach((row, i) => bytes.set(column.bytes.subarray(row * 16, row * 16 + 16), i * 16));
  return { kind: 'address', bytes, known: Uint8Array.from(rows, (row) => column.known[row] ?? 0) };
}
