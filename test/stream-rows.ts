import { batchOf, type RowValues } from '../src/decode/columns.ts';
import type { Batch } from '../src/decode/batch.ts';
import type { Signal } from '../src/decode/signal.ts';
import type { Run } from '../src/engine/frame.ts';
import type { Field, Goal } from '../src/goals/goal.ts';
import type { AlertRule, ForwardRule } from '../src/rules/rule.ts';
import { createRulePipe, type RulePipe, type RulePipeDeps } from '../src/stream/index.ts';
import type { RuleOutput } from '../src/stream/output.ts';
import { Ledger } from '../src/telemetry/ledger.ts';

const field = (name: string, type: Field['type'], more: Partial<Field> = {}): Field => ({
  name,
  type,
  optional: true,
  description: name,
  ...more,
});

/** A goal with a field of every type. */
export const goal: Goal = {
  id: 'test.goal',
  title: 'A goal for tests',
  description: '',
  symptoms: [],
  cost: '',
  cannot: {},
  parameters: [],
  fields: [
    field('daddr', 'address'),
    field('dport', 'int'),
    field('rto_ms', 'int'),
    field('state', 'enum', { values: ['UP', 'DOWN', 'GONE'] }),
    field('comm', 'text'),
    field('fresh', 'bool'),
  ],
  key: ['daddr'],
  engines: {},
  folder: 'test.goal',
};

export const run = (id = 'a', more: Partial<Run> = {}): Run => ({
  id,
  host: 'h1',
  boot: 'b',
  engine: 'bpftrace',
  goal: goal.id,
  module: 'm',
  fidelity: 'event',
  dialect: 'tapline',
  clock: 'wall',
  ...more,
});

/** Seconds after an arbitrary hour, as microseconds. */
export const at = (seconds: number): number => 1_700_000_000_000_000 + Math.round(seconds * 1e6);

let seq = 0;
/** A row at a second, for a destination. */
export const row = (seconds: number, fields: RowValues['fields'] = {}, n = 1): RowValues => ({
  timeUs: at(seconds),
  seq: ++seq,
  n,
  fields: { daddr: '10.0.0.1', dport: 443, rto_ms: 200, state: 'UP', comm: 'nginx', fresh: true, ...fields },
});

export const batch = (...rows: RowValues[]): Batch => batchOf(goal, run(), rows);
export const rows = (...all: RowValues[]): Signal => ({ kind: 'batch', batch: batch(...all) });
export const ready = (seconds = 0, id = 'a'): Signal => ({ kind: 'ready', run: run(id), timeUs: at(seconds) });
export const gone = (seconds: number, id = 'a'): Signal => ({ kind: 'gone', run: run(id), timeUs: at(seconds) });
export const beat = (seconds: number, id = 'a'): Signal => ({ kind: 'time', run: id, timeUs: at(seconds) });

const base = {
  name: 'R',
  group: 'g',
  goal: goal.id,
  by: ['daddr'],
  labels: {},
  to: ['terminal'],
  place: { file: 'r.yaml', line: 1, column: 1 },
};
export const forward = (more: Partial<ForwardRule> = {}): ForwardRule => ({ ...base, kind: 'forward', ...more });
export const alert = (more: Partial<AlertRule> = {}): AlertRule => ({
  ...base,
  kind: 'alert',
  alertBy: more.by ?? base.by,
  forMs: 0,
  keepFiringForMs: 300_000,
  maxAlerts: 1000,
  severity: 'warning',
  annotations: {},
  ...more,
});

export function pipeOf(rule: AlertRule | ForwardRule, more: Partial<RulePipeDeps> = {}, ledger = new Ledger()): RulePipe {
  return createRulePipe(rule, goal, { account: ledger.rule(rule.name), secret: [1, 2], maxKeys: 1000, ...more });
}

/** An output without its batch, times in seconds: what tests compare. */
export type Plain =
  | { readonly row: number; readonly seq: number; readonly held?: number }
  | {
      readonly closing: string;
      readonly t0: number;
      readonly end: number;
      readonly count: number;
      readonly first: number;
      readonly last: number;
      readonly seq: number;
    }
  | {
      readonly condition: string;
      readonly holds: boolean;
      readonly at: number;
      readonly count: number;
      readonly counted: number;
      readonly seqs: number[];
    }
  | { readonly time: number; readonly standing: boolean };

const seconds = (us: number): number => (us - at(0)) / 1e6;

export function plain(outputs: readonly RuleOutput[]): Plain[] {
  return outputs.flatMap((output): Plain[] => {
    switch (output.kind) {
      case 'rows':
        return [...output.selection.rows.subarray(0, output.selection.count)].map((each, i) => ({
          row: seconds(output.batch.timeUs[each] ?? NaN),
          seq: output.batch.seq[each] ?? NaN,
          ...(output.heldBack && { held: output.heldBack[i] ?? NaN }),
        }));
      case 'closing': {
        const { key, t0Us, endUs, count, firstUs, lastUs, last } = output.closing;
        return [
          {
            closing: key.text,
            t0: seconds(t0Us),
            end: seconds(endUs),
            count,
            first: seconds(firstUs),
            last: seconds(lastUs),
            seq: last.seq,
          },
        ];
      }
      case 'condition': {
        const { key, holds, timeUs, count, counted, records } = output.condition;
        return [{ condition: key.text, holds, at: seconds(timeUs), count, counted, seqs: records.map((each) => each.seq) }];
      }
      case 'time':
        return [{ time: seconds(output.timeUs), standing: output.standing }];
    }
  });
}

export const withoutTime = (outputs: readonly Plain[]): Plain[] => outputs.filter((output) => !('time' in output));
/** Pushes and compares at once: outputs are valid only then. */
export const push = (pipe: RulePipe, ...signals: Signal[]): Plain[] => withoutTime(signals.flatMap((signal) => plain(pipe.push(signal))));
