import type { Batch, NumberColumn } from '../decode/batch.ts';
import type { Goal } from '../goals/goal.ts';
import type { OwnConnections } from '../telemetry/own-connections.ts';

/**
 * Whether a row is about one of Tapline's own connections (semantics 23): by local and remote port, because in softirq
 * the current process is a bystander.
 */
export function ownConnectionRows(own: OwnConnections): (batch: Batch, row: number) => boolean {
  const columns = new Map<Goal, readonly [number, number] | undefined>();
  const at = (goal: Goal, name: string) => goal.fields.findIndex((field) => field.name === name);
  return (batch, row) => {
    let ports = columns.get(batch.goal);
    if (!columns.has(batch.goal)) {
      const found = [at(batch.goal, 'sport'), at(batch.goal, 'dport')] as const;
      columns.set(batch.goal, (ports = found.includes(-1) ? undefined : found));
    }
    if (ports === undefined) return false;
    const value = (index: number) => (batch.columns[index] as NumberColumn).values[row] ?? NaN;
    return own.has(value(ports[0]), value(ports[1]));
  };
}
