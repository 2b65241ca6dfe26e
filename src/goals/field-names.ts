import { didYouMean } from '../problem/suggest.ts';
import { hostField, type Goal } from './goal.ts';

/** What a condition, a key and a template may name. */
export const fieldNames = (goal: Goal): string[] => [hostField.name, ...goal.fields.map((field) => field.name)];

export const fieldHint = (goal: Goal): string => `Fields: ${fieldNames(goal).join(', ')}.`;

/** Names that people know from ss, Wireshark, Prometheus or strace, and the fields that say the same; the first that a goal has counts. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  src: ['saddr'], source: ['saddr'], src_ip: ['saddr'], source_ip: ['saddr'], local: ['saddr'], local_addr: ['saddr'], laddr: ['saddr'],
  dst: ['daddr'], dest: ['daddr'], destination: ['daddr'], dst_ip: ['daddr'], dest_ip: ['daddr'], remote: ['daddr'], peer: ['daddr'],
  remote_addr: ['daddr'], raddr: ['daddr'], ip: ['daddr'], address: ['daddr'],
  src_port: ['sport'], source_port: ['sport'], local_port: ['sport'], lport: ['sport'],
  dst_port: ['dport'], dest_port: ['dport'], remote_port: ['dport'], rport: ['dport'], port: ['dport'],
  process: ['comm'], process_name: ['comm'], program: ['comm'], command: ['comm'], cmd: ['comm'], exe: ['comm'], name: ['comm', 'path'],
  user: ['uid'], file: ['path'], filename: ['path'], file_name: ['path'], pathname: ['path'], result: ['ret'], retval: ['ret'], errno: ['err', 'ret'],
  error: ['err', 'ret'], hostname: ['host'], instance: ['host'], timeout: ['rto_ms'], tcp_state: ['state'], type: ['kind'], reason: ['kind'],
}; // prettier-ignore

/** 'tcp.retransmit has no field "rto"; did you mean "rto_ms"?' */
export function unknownField(goal: Goal, name: string): string {
  const names = fieldNames(goal);
  const same = (Object.hasOwn(elsewhere, name.toLowerCase()) ? (elsewhere[name.toLowerCase()] ?? []) : []).find((each) =>
    names.includes(each),
  );
  // "rto" is meant for rto_ms more often than its letters say.
  const meant = names.find((each) => each.startsWith(`${name.toLowerCase()}_`)) ?? same;
  return `${goal.id} has no field "${name}"${meant === undefined ? didYouMean(name, names) || '.' : `; did you mean "${meant}"?`}`;
}
