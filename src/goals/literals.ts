import { didYouMean } from '../problem/suggest.ts';
import type { Mistake } from '../rules/cel.ts';
import type { Expression } from '../rules/where.ts';
import { parseAddress } from './address.ts';
import { formatNetwork, parseNetwork } from './network.ts';
import { fieldOf, type Field, type Goal } from './goal.ts';

/** Type of a part of a condition. `wrong`: told already, fits anything. */
export type Type = 'int' | 'text' | 'address' | 'bool' | 'wrong';

/** A literal that is compared with fields must be one that they can have: an address, a member of an enum. */
export function literalMistakes(goal: Goal, side: Expression, literal: Expression): Mistake[] {
  if (literal.op === 'if') return [...literalMistakes(goal, side, literal.then), ...literalMistakes(goal, side, literal.otherwise)];
  if (literal.op !== 'literal' || literal.type !== 'text') return [];
  const { start, end, value } = literal;
  const beside = fieldsIn(goal, side);
  if (beside.some((field) => field.type === 'address') && parseAddress(value) === undefined) {
    const network = parseNetwork(value);
    const field = beside.find(({ type }) => type === 'address')?.name ?? '';
    const hint = network
      ? `A network is tested so: cidr("${formatNetwork(network)}").containsIP(${field}).`
      : 'Write it without port, prefix length and zone, for example "192.0.2.1" or "2001:db8::1".';
    return [{ code: 'RULE_BAD_ADDRESS', message: `"${value}" is no IPv4 or IPv6 address.`, hint, start, end }];
  }
  // Beside a choice of several fields any of them may be meant.
  const members = beside.flatMap((field) => (field.type === 'enum' ? (field.values ?? []) : []));
  if (beside.length === 0 || beside.some((field) => field.type !== 'enum') || members.includes(value)) return [];
  const names = beside.map(({ name }) => name).join(' or ');
  const message = `${names} is never "${value}"${didYouMean(value, members) || '.'}`;
  return [{ code: 'RULE_UNKNOWN_VALUE', message, hint: `It is one of ${members.join(', ')}.`, start, end }];
}

/** A network is an address and the length of its prefix, with no bit beyond it (RFC 4632 3.1, RFC 4291 2.3). */
export function networkMistakes({ start, end, value }: Expression & { readonly op: 'literal' }): Mistake[] {
  const text = String(value);
  const network = parseNetwork(text);
  if (network === undefined) {
    const hint = 'Write an address and a length, for example "10.0.0.0/8" or "2001:db8::/32".';
    return [{ code: 'RULE_BAD_ADDRESS', message: `"${text}" is no network.`, hint, start, end }];
  }
  if (network.exact) return [];
  const hint = `The network is "${formatNetwork(network)}".`;
  return [{ code: 'RULE_BAD_ADDRESS', message: `"${text}" has bits beyond its length.`, hint, start, end }];
}

function fieldsIn(goal: Goal, side: Expression): Field[] {
  if (side.op === 'if') return [...fieldsIn(goal, side.then), ...fieldsIn(goal, side.otherwise)];
  const field = side.op === 'field' ? fieldOf(goal, side.name) : undefined;
  return field === undefined ? [] : [field];
}

/** What to do about a literal where `wanted` is wanted. */
export function literalHint(node: Expression, wanted: Type): string | undefined {
  if (node.op !== 'literal') return undefined;
  if (node.type === 'text' && wanted === 'int' && /^-?\d+$/.test(node.value)) return `Write ${node.value} without quotes.`;
  if (node.type === 'text' && wanted === 'bool' && /^(true|false)$/.test(node.value)) return `Write ${node.value} without quotes.`;
  if (node.type === 'int' && wanted === 'text') return `Write "${node.value}" in quotes.`;
  return undefined;
}
