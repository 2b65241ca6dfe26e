import { compileFunction } from 'node:vm';
import type { Batch } from '../../src/decode/batch.ts';
import { valueAt } from '../../src/decode/record.ts';
import type { Dialect, Filter } from '../../src/generate/dialect.ts';
import { parseAddress } from '../../src/goals/address.ts';
import type { HostFacts } from '../../src/generate/module.ts';
import type { Goal } from '../../src/goals/goal.ts';

const olderFacts: HostFacts = { hz: 250, kernel: '6.1.0', tracepoints: new Map(), engineVersion: '0.17.0' };

/**
 * What the source of a pre-filter says of a row: the expression itself, as SystemTap's or bpftrace's language has it, worked out here.
 * Numbers are 64 bits there, so BigInt here.
 */
export function sourceTest(
  dialect: Dialect,
  filter: Filter,
  goal: Goal,
  facts: HostFacts = olderFacts,
): (batch: Batch, row: number) => boolean {
  const source = dialect
    .filter(filter, facts)
    .replace(/"[^"]*"|\(int64\)|0x[0-9a-f]+|(?<![\w$.])\d+/g, (part) =>
      part.startsWith('"') ? part : part === '(int64)' ? '' : `${part}n`,
    )
    .replace(/(\$?\b\w+)\[(\d+n)\]/g, 'byte($1, $2)');
  const names = [...new Set(source.replace(/"[^"]*"/g, '').match(/(?<!\w)\$?[a-z]\w*/g))].filter((name) => !(name in functions));
  const whole = compileFunction(`return Boolean(${source})`, [...Object.keys(functions), ...names]) as (...values: unknown[]) => boolean;
  return (batch, row) => whole(...Object.values(functions), ...names.map((name) => variable(name.replace('$', ''), goal, batch, row)));
}

const functions = {
  byte: (text: string, at: bigint) => BigInt(text.charCodeAt(Number(at)) || 0),
  strncmp: (a: string, b: string, size: bigint) => (a.slice(0, Number(size)) === b.slice(0, Number(size)) ? 0n : 1n),
  substr: (text: string, from: bigint, size: bigint) => text.slice(Number(from), Number(from + size)),
};

/** A variable of a template: dport, daddr_hi, daddr_3, path_text. */
function variable(name: string, goal: Goal, batch: Batch, row: number): unknown {
  const [, base = '', part] = /^(\w+?)(?:_(hi|lo|[0-3]|text))?$/.exec(name) ?? [];
  const index = [name, base].map((each) => goal.fields.findIndex((field) => field.name === each)).find((at) => at >= 0) ?? -1;
  const field = goal.fields[index];
  if (field === undefined) throw new Error(`${goal.id}: the filter tests ${name}, which is no field`);
  const value = valueAt(batch, index, row);
  if (value === undefined) throw new Error(`${name} is pushed down but not always known`);
  if (field.type === 'enum') return BigInt(field.values?.indexOf(String(value)) ?? -1);
  if (field.type !== 'address') return typeof value === 'string' ? value : BigInt(value);
  const bytes = new DataView((parseAddress(String(value)) ?? new Uint8Array(16)).buffer);
  // SystemTap's numbers are signed.
  if (part === 'hi' || part === 'lo') return bytes.getBigUint64(part === 'hi' ? 0 : 8);
  return BigInt(bytes.getUint32(4 * Number(part), true));
}
