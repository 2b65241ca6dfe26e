import { parse } from '@marcbachmann/cel-js';
import type { ProblemCode } from '../problem/codes.ts';
import { slipAt } from './slips.ts';
import type { Expression } from './where.ts';

/** A mistake in a condition; offsets are UTF-16 positions in the condition's text. */
export interface Mistake {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint?: string;
  readonly start: number;
  readonly end: number;
}

export type Parsed = { readonly ok: true; readonly tree: Expression } | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** A node of cel-js' own tree. */
interface CelNode {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
}

const longest = 4096;
const binary = new Set(['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', 'in']);
const textTests = new Set(['startsWith', 'endsWith', 'contains']);
const known =
  'Conditions know: fields, numbers, "text", true and false, == != < <= > >= && || ! + - * / % in ?:, known(field), size(text), text.startsWith("..."), .endsWith, .contains, cidr("10.0.0.0/8").containsIP(address).';

/**
 * CEL (https://github.com/google/cel-spec) into a tree of our own. What the tree cannot say is refused where it stands, all of it
 * at once; above all matches(), whose backtracking lets one record keep the program busy for seconds.
 */
export function parseWhere(text: string): Parsed {
  if (text.trim() === '')
    return refuse({
      code: 'RULE_WHERE_EMPTY',
      message: 'The condition is empty.',
      hint: 'Leave `where` out to take every record.',
      start: 0,
      end: Math.max(text.length, 1),
    });
  if (text.length > longest)
    return refuse({
      code: 'RULE_WHERE_SYNTAX',
      message: `The condition has ${text.length} characters; at most ${longest} are taken.`,
      start: 0,
      end: 1,
    });
  let ast: CelNode;
  try {
    ast = parse(text).ast;
  } catch (cause) {
    const at = (cause as { node?: { start?: number; end?: number } }).node;
    const said = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
    const start = Math.min(at?.start ?? 0, text.length);
    return refuse({ code: 'RULE_WHERE_SYNTAX', ...slipAt(text, said, start, Math.max(at?.end ?? start, start + 1)) });
  }
  const mistakes: Mistake[] = [];
  const tree = convert(ast, mistakes);
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, tree };
}

const refuse = (mistake: Mistake): Parsed => ({ ok: false, mistakes: [mistake] });

/** Nodes that are refused become `true`, so that what stands beside them is looked at too. */
function convert(node: CelNode, mistakes: Mistake[]): Expression {
  const at = { start: node.start, end: node.end };
  const sub = (child: unknown) => convert(child as CelNode, mistakes);
  const no = (what: string, hint = known): Expression => {
    mistakes.push({ code: 'RULE_WHERE_UNSUPPORTED', message: `${what} cannot stand in a condition.`, hint, ...at });
    return { op: 'literal', type: 'bool', value: true, ...at };
  };
  if (node.op === 'id') return { op: 'field', name: String(node.args), ...at };
  if (node.op === 'value') return literal(node, mistakes) ?? no('This kind of value');
  if (node.op === 'list') return { op: 'list', items: (node.args as unknown[]).map(sub), ...at };
  if (node.op === '!_') return { op: 'not', of: sub(node.args), ...at };
  if (node.op === '-_') return { op: 'negate', of: sub(node.args), ...at };
  const args = node.args as unknown[];
  if (node.op === '&&' || node.op === '||') return { op: node.op === '&&' ? 'and' : 'or', left: sub(args[0]), right: sub(args[1]), ...at };
  if (binary.has(node.op)) return { op: node.op as '==', left: sub(args[0]), right: sub(args[1]), ...at };
  if (node.op === '?:') return { op: 'if', condition: sub(args[0]), then: sub(args[1]), otherwise: sub(args[2]), ...at };
  if (node.op === 'call' || node.op === 'rcall') return call(node, mistakes, no);
  if (node.op === '.') return no('A field of a field');
  if (node.op === '[]') return no('An index');
  if (node.op === 'map') return no('A map');
  return no(`"${node.op}"`);
}

function call(node: CelNode, mistakes: Mistake[], no: (what: string, hint?: string) => Expression): Expression {
  const at = { start: node.start, end: node.end };
  const args = node.args as unknown[];
  const name = String(args[0]);
  const sub = (child: unknown) => convert(child as CelNode, mistakes);
  const given = (node.op === 'call' ? args[1] : args[2]) as CelNode[];
  if (name === 'matches')
    return no('matches()', 'A regular expression can be made to run for seconds. Use startsWith, endsWith, contains, == or in.');
  if (node.op === 'call') {
    const only = given[0];
    if (name === 'known' && given.length === 1 && only?.op === 'id') return { op: 'known', name: String(only.args), ...at };
    if (name === 'known') return no('known() of anything but one field', 'Write known(pid).');
    if (name === 'size' && given.length === 1) return { op: 'size', of: sub(only), ...at };
    if (name === 'cidr') return no('cidr() without containsIP()', networkTest);
    return name === 'not' ? no('not()', 'Write !(...).') : no(`${name}()`);
  }
  if (textTests.has(name) && given.length === 1) return { op: name as 'contains', text: sub(args[1]), part: sub(given[0]), ...at };
  if (name === 'containsIP') return containsIP(node, given, mistakes, no);
  if (name === 'size' && given.length === 0) return { op: 'size', of: sub(args[1]), ...at };
  return no(`.${name}()`);
}

const networkTest = 'Write cidr("10.0.0.0/8").containsIP(daddr).';

/** cidr("NETWORK").containsIP(ADDRESS); the network is written out, so that it can be checked now. */
function containsIP(
  node: CelNode,
  given: readonly CelNode[],
  mistakes: Mistake[],
  no: (what: string, hint?: string) => Expression,
): Expression {
  const receiver = (node.args as unknown[])[1] as CelNode;
  const [called, of] = receiver.op === 'call' ? (receiver.args as [unknown, CelNode[]]) : [];
  if (called !== 'cidr' || of?.length !== 1 || given.length !== 1 || given[0] === undefined)
    return no('.containsIP() of anything but one cidr()', networkTest);
  const network = of[0] && convert(of[0], mistakes);
  if (network?.op !== 'literal' || network.type !== 'text') return no('cidr() of anything but a text that is written out', networkTest);
  return { op: 'containsIP', network, address: convert(given[0], mistakes), start: node.start, end: node.end };
}

function literal(node: CelNode, mistakes: Mistake[]): Expression | undefined {
  const at = { start: node.start, end: node.end };
  const value = node.args;
  if (typeof value === 'string') return { op: 'literal', type: 'text', value, ...at };
  if (typeof value === 'boolean') return { op: 'literal', type: 'bool', value, ...at };
  if (typeof value === 'bigint') {
    if (value > 9007199254740992n)
      mistakes.push({ code: 'RULE_WHERE_NUMBER', message: `${value} is too large: whole numbers here lie within +-2^53.`, ...at });
    return { op: 'literal', type: 'int', value: Number(value), ...at };
  }
  if (typeof value === 'number') {
    mistakes.push({
      code: 'RULE_WHERE_NUMBER',
      message: 'All numbers of goals are whole; a decimal fraction fits none.',
      hint: `Write ${Math.round(value)}.`,
      ...at,
    });
    return { op: 'literal', type: 'int', value: Math.round(value), ...at };
  }
  return undefined;
}
