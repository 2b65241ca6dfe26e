import type { EngineName } from '../config/config.ts';
import { formatAddress, parseAddress } from '../goals/address.ts';
import { formatNetwork, parseNetwork } from '../goals/network.ts';
import type { Field, Goal } from '../goals/goal.ts';
import type { Rule } from '../rules/rule.ts';
import type { Expression } from '../rules/where.ts';
import type { Atom, AtomValue, Dialect, Filter } from './dialect.ts';
import type { Pushdown } from './module.ts';

/** What can be asked of the probe: its fields that are exact and always known, and the tests that its language can make. */
export interface Pushable {
  readonly goal: Goal;
  readonly engine: EngineName;
  can: Dialect['can'];
}

interface Weakened {
  readonly filter: Filter;
  /** Whether the filter says all that the expression says. */
  readonly exact: boolean;
}

const yes: Filter = { op: 'true' };
const no: Filter = { op: 'false' };

/**
 * A filter that lets through at least what `tree` does (semantics 19): `!` is moved onto the atoms, and whatever is not a
 * comparison of one exact, always known field with literals becomes true, whichever way it is negated. A list of literals is
 * the same as a comparison with each of them.
 */
export function weaken(tree: Expression, pushable: Pushable, negated = false): Weakened {
  if (tree.op === 'not') return weaken(tree.of, pushable, !negated);
  if (tree.op === 'literal' && tree.type === 'bool') return { filter: tree.value !== negated ? yes : no, exact: true };
  if (tree.op === 'and' || tree.op === 'or') {
    const left = weaken(tree.left, pushable, negated);
    const right = weaken(tree.right, pushable, negated);
    const op = (tree.op === 'and') !== negated ? 'and' : 'or';
    return { filter: join(op, [left.filter, right.filter]), exact: left.exact && right.exact };
  }
  if (tree.op === 'in' && tree.right.op === 'list') {
    const { left } = tree;
    const each = tree.right.items.map((right) => weaken({ ...tree, op: '==', left, right }, pushable, negated));
    return {
      filter: join(
        negated ? 'and' : 'or',
        each.map(({ filter }) => filter),
      ),
      exact: each.every(({ exact }) => exact),
    };
  }
  const atom = atomOf(tree, pushable, negated);
  return atom && pushable.can(atom) ? { filter: { op: 'atom', atom }, exact: true } : { filter: yes, exact: false };
}

/** `and` or `or` of filters, simplified. */
export function join(op: 'and' | 'or', filters: readonly Filter[]): Filter {
  const [neutral, ruling] = op === 'and' ? (['true', 'false'] as const) : (['false', 'true'] as const);
  const flat = filters.flatMap((filter) => (filter.op === op ? filter.of : filter.op === neutral ? [] : [filter]));
  if (flat.some((filter) => filter.op === ruling)) return { op: ruling };
  const [only] = flat;
  return only === undefined ? { op: neutral } : flat.length === 1 ? only : { op, of: flat };
}

/** The pre-filter of all rules on a goal, and what of each rule it says. */
export function pushDown(rules: readonly Rule[], pushable: Pushable): { readonly filter: Filter; readonly report: readonly Pushdown[] } {
  const weakened = rules.map((rule) => (rule.where ? weaken(rule.where.tree, pushable).filter : yes));
  const filter = rules.length === 0 ? yes : join('or', weakened);
  const report = rules.map((rule): Pushdown => {
    if (rule.where === undefined) return { rule: rule.name };
    if (filter.op === 'true') return { rule: rule.name, rest: rule.where.text };
    const { text } = rule.where;
    const trees = conjuncts(rule.where.tree);
    const parts = trees.map((tree) => ({ words: trees.length === 1 ? text : written(tree, text), ...weaken(tree, pushable) }));
    const pushed = parts.filter((part) => part.filter.op !== 'true').map((part) => (part.exact ? part.words : words(part.filter)));
    const rest = parts.filter((part) => !part.exact).map((part) => part.words);
    return {
      rule: rule.name,
      ...(pushed.length > 0 && { pushed: pushed.join(' && ') }),
      ...(rest.length > 0 && { rest: rest.join(' && ') }),
    };
  });
  return { filter, report };
}

/** A conjunct as it was written; offsets may leave out parentheses at its ends. */
function written(tree: Expression, text: string): string {
  const slice = text.slice(tree.start, tree.end);
  const bare = slice.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '');
  const open = bare.split('(').length - bare.split(')').length;
  const whole = open > 0 ? slice + ')'.repeat(open) : '('.repeat(-open) + slice;
  return tree.op === 'or' || tree.op === 'if' ? `(${whole})` : whole;
}

/** A filter in CEL. */
export function words(filter: Filter, inside = false): string {
  if (filter.op === 'true' || filter.op === 'false') return filter.op;
  if (filter.op === 'atom') return atomWords(filter.atom);
  const text = filter.of.map((each) => words(each, true)).join(filter.op === 'and' ? ' && ' : ' || ');
  return inside ? `(${text})` : text;
}

function atomWords({ field, op, value }: Atom): string {
  const not = op.startsWith('!') && op !== '!=' ? '!' : '';
  if (value.type === 'network') return `${not}cidr(${literal(value)}).containsIP(${field.name})`;
  return op.endsWith('startsWith') ? `${not}${field.name}.startsWith(${literal(value)})` : `${field.name} ${op} ${literal(value)}`;
}

const literal = (value: AtomValue): string => {
  if (value.type === 'network') return JSON.stringify(formatNetwork(value.network));
  if (value.type === 'address') return JSON.stringify(value.text ?? formatAddress(value.bytes));
  return value.type === 'int' || value.type === 'bool' ? String(value.value) : JSON.stringify(value.value);
};

const conjuncts = (tree: Expression): readonly Expression[] =>
  tree.op === 'and' ? [...conjuncts(tree.left), ...conjuncts(tree.right)] : [tree];

const opposite = { '==': '!=', '!=': '==', '<': '>=', '>=': '<', '>': '<=', '<=': '>' } as const;
const mirrored = { '==': '==', '!=': '!=', '<': '>', '>': '<', '<=': '>=', '>=': '<=' } as const;

function atomOf(tree: Expression, pushable: Pushable, negated: boolean): Atom | undefined {
  if (tree.op === 'field') {
    const field = exactField(tree.name, pushable);
    return field?.type === 'bool' ? { field, op: '==', value: { type: 'bool', value: !negated } } : undefined;
  }
  if (tree.op === 'startsWith' || tree.op === 'containsIP') return textOrNetwork(tree, pushable, negated);
  if (!('left' in tree) || !(tree.op in opposite)) return undefined;
  const written = tree.op as keyof typeof opposite;
  const flipped = tree.left.op !== 'field';
  const [named, other] = flipped ? [tree.right, tree.left] : [tree.left, tree.right];
  const field = named.op === 'field' ? exactField(named.name, pushable) : undefined;
  const value = field && valueOf(field, other);
  const op = flipped ? mirrored[written] : written;
  return field && value && { field, op: negated ? opposite[op] : op, value };
}

function textOrNetwork(tree: Expression, pushable: Pushable, negated: boolean): Atom | undefined {
  if (tree.op !== 'startsWith' && tree.op !== 'containsIP') return undefined;
  const named = 'network' in tree ? tree.address : tree.text;
  const field = named.op === 'field' ? exactField(named.name, pushable) : undefined;
  if (field === undefined) return undefined;
  if (!('network' in tree)) {
    const { part } = tree;
    if (field.type !== 'text' || part.op !== 'literal' || part.type !== 'text') return undefined;
    return { field, op: negated ? '!startsWith' : 'startsWith', value: { type: 'text', value: part.value } };
  }
  const network = parseNetwork(String(tree.network.value));
  return network && { field, op: negated ? '!within' : 'within', value: { type: 'network', network } };
}

function exactField(name: string, { goal, engine }: Pushable): Field | undefined {
  const answer = goal.engines[engine];
  const field = goal.fields.find((each) => each.name === name);
  return field && !field.optional && answer?.push.includes(name) && !answer.unknown.includes(name) ? field : undefined;
}

function valueOf(field: Field, tree: Expression): AtomValue | undefined {
  const value =
    tree.op === 'literal'
      ? tree.value
      : tree.op === 'negate' && tree.of.op === 'literal' && tree.of.type === 'int'
        ? -tree.of.value
        : undefined;
  if (field.type === 'int') return typeof value === 'number' ? { type: 'int', value } : undefined;
  if (field.type === 'bool') return typeof value === 'boolean' ? { type: 'bool', value } : undefined;
  if (typeof value !== 'string') return undefined;
  if (field.type === 'text') return { type: 'text', value };
  if (field.type === 'enum') {
    const index = field.values?.indexOf(value) ?? -1;
    return index < 0 ? undefined : { type: 'enum', value, index };
  }
  const bytes = parseAddress(value);
  return bytes && { type: 'address', text: value, bytes };
}
