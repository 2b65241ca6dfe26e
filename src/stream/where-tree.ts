import type { Expression } from '../rules/where.ts';
import {
  arithmetic,
  canonicalAddress,
  compareNumbers,
  compareTexts,
  equalsLiteral,
  literalText,
  triFrom,
  unknown,
  withinNetwork,
  type Compiled,
  type Fields,
  type NumberOf,
  type Order,
  type TextOf,
  type Tri,
  type TriOf,
} from './where-values.ts';

/** A checked condition as a function of a row of the batch that `fields` is bound to. */
export function compileCondition(tree: Expression, fields: Fields): TriOf {
  const compiled = compile(tree, fields);
  if (compiled.type !== 'bool') throw wrong(tree, 'a condition');
  return compiled.at;
}

function number(tree: Expression, fields: Fields): NumberOf {
  const compiled = compile(tree, fields);
  if (compiled.type !== 'int') throw wrong(tree, 'a number');
  return compiled.at;
}

function text(tree: Expression, fields: Fields): TextOf {
  const compiled = compile(tree, fields);
  if (compiled.type !== 'text') throw wrong(tree, 'text');
  return compiled.at;
}

const wrong = (tree: Expression, expected: string) => new TypeError(`${tree.op} at ${tree.start} is not ${expected}`);

function compile(tree: Expression, fields: Fields): Compiled {
  switch (tree.op) {
    case 'literal':
      return literal(tree);
    case 'list':
      throw wrong(tree, 'a value');
    case 'field':
      return fields.field(tree.name);
    case 'known': {
      const value = fields.field(tree.name);
      const { at } = value;
      if (value.type === 'address') {
        const reader = fields.reader(tree.name);
        return { type: 'bool', at: (row) => triFrom(reader.known[row] === 1) };
      }
      if (value.type === 'text') {
        const reader = fields.reader(tree.name);
        if (reader.shape === 'number') return { type: 'bool', at: (row) => triFrom((reader.values[row] ?? -1) >= 0) };
        return { type: 'bool', at: (row) => triFrom(at(row) !== undefined) };
      }
      return { type: 'bool', at: value.type === 'int' ? (row) => triFrom(!Number.isNaN(at(row))) : (row) => triFrom(at(row) !== unknown) };
    }
    case 'and': {
      const [left, right] = [compileCondition(tree.left, fields), compileCondition(tree.right, fields)];
      return {
        type: 'bool',
        at(row) {
          const a = left(row);
          if (a === 0) return 0;
          const b = right(row);
          return b === 0 ? 0 : a === 1 && b === 1 ? 1 : unknown;
        },
      };
    }
    case 'or': {
      const [left, right] = [compileCondition(tree.left, fields), compileCondition(tree.right, fields)];
      return {
        type: 'bool',
        at(row) {
          const a = left(row);
          if (a === 1) return 1;
          const b = right(row);
          return b === 1 ? 1 : a === 0 && b === 0 ? 0 : unknown;
        },
      };
    }
    case 'not':
      return { type: 'bool', at: negated(compileCondition(tree.of, fields)) };
    case 'negate': {
      const of = number(tree.of, fields);
      return { type: 'int', at: (row) => 0 - of(row) };
    }
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return { type: 'bool', at: comparison(tree.op, tree.left, tree.right, fields) };
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return calculation(tree.op, tree.left, tree.right, fields);
    case 'in':
      return { type: 'bool', at: membership(tree.left, tree.right, fields) };
    case 'if':
      return choice(tree.condition, tree.then, tree.otherwise, fields);
    case 'startsWith':
    case 'endsWith':
    case 'contains': {
      const [whole, part] = [text(tree.text, fields), text(tree.part, fields)];
      const test = { startsWith, endsWith, contains }[tree.op];
      return {
        type: 'bool',
        at(row) {
          const a = whole(row);
          const b = part(row);
          return a === undefined || b === undefined ? unknown : triFrom(test(a, b));
        },
      };
    }
    case 'containsIP':
      return { type: 'bool', at: withinNetwork(compile(tree.address, fields), String(tree.network.value)) };
    case 'size': {
      const { of } = tree;
      if (of.op === 'list') {
        const parts = of.items.map((item) => known(compile(item, fields)));
        return { type: 'int', at: (row) => (parts.every((part) => part(row)) ? parts.length : NaN) };
      }
      const whole = text(of, fields);
      return { type: 'int', at: (row) => sizeOf(whole(row)) };
    }
  }
}

const startsWith = (whole: string, part: string) => whole.startsWith(part);
const endsWith = (whole: string, part: string) => whole.endsWith(part);
const contains = (whole: string, part: string) => whole.includes(part);

/** Code points; a byte that is no UTF-8 counts as one. */
function sizeOf(value: string | undefined): number {
  if (value === undefined) return NaN;
  let size = 0;
  for (let i = 0; i < value.length; i++, size++) if ((value.codePointAt(i) ?? 0) > 0xffff) i++;
  return size;
}

function literal(tree: Expression & { op: 'literal' }): Compiled {
  const { value } = tree;
  if (typeof value === 'number') return { type: 'int', at: () => value };
  if (typeof value === 'string') return { type: 'text', at: () => value };
  const tri = triFrom(value);
  return { type: 'bool', at: () => tri };
}

function negated(at: TriOf): TriOf {
  return (row) => {
    const answer = at(row);
    return answer === unknown ? unknown : answer === 1 ? 0 : 1;
  };
}

function known(value: Compiled): (row: number) => boolean {
  const { at } = value;
  if (value.type === 'int') return (row) => !Number.isNaN(at(row));
  return value.type === 'bool' ? (row) => at(row) !== unknown : (row) => at(row) !== undefined;
}

function comparison(op: Order, leftTree: Expression, rightTree: Expression, fields: Fields): TriOf {
  const left = compile(leftTree, fields);
  const right = compile(rightTree, fields);
  if (op === '==' || op === '!=') {
    const fast = fieldEquals(left, rightTree) ?? fieldEquals(right, leftTree);
    if (fast) return op === '==' ? fast : negated(fast);
  }
  if (left.type === 'int' && right.type === 'int') return compareNumbers(op, left.at, right.at);
  if (left.type === 'bool' && right.type === 'bool') return compareNumbers(op, numeric(left.at), numeric(right.at));
  const [a, b] = sameTexts(left, right);
  if (a === undefined || b === undefined) throw wrong(rightTree, `comparable with ${leftTree.op}`);
  return compareTexts(op, a, b);
}

function fieldEquals(value: Compiled, other: Expression): TriOf | undefined {
  const wanted = literalText(other);
  return wanted !== undefined && value.type !== 'bool' && value.field ? equalsLiteral(value.field, wanted) : undefined;
}

/** Both as text that can be compared: where one is an address, the other's text is brought into the form of one. */
function sameTexts(left: Compiled, right: Compiled): [TextOf | undefined, TextOf | undefined] {
  const of = (value: Compiled, other: Compiled): TextOf | undefined => {
    if (value.type === 'address') return value.at;
    if (value.type !== 'text') return undefined;
    const { at } = value;
    return other.type === 'address' ? (row) => canonicalAddress(at(row)) : at;
  };
  return [of(left, right), of(right, left)];
}

const numeric =
  (at: TriOf): NumberOf =>
  (row) => {
    const answer = at(row);
    return answer === unknown ? NaN : answer;
  };

function calculation(op: '+' | '-' | '*' | '/' | '%', leftTree: Expression, rightTree: Expression, fields: Fields): Compiled {
  const left = compile(leftTree, fields);
  if (op !== '+' || left.type !== 'text') return { type: 'int', at: arithmetic(op, number(leftTree, fields), number(rightTree, fields)) };
  const [a, b] = [left.at, text(rightTree, fields)];
  return {
    type: 'text',
    at(row) {
      const first = a(row);
      const second = b(row);
      return first === undefined || second === undefined ? undefined : first + second;
    },
  };
}

/** `x in [..]`: all parts are looked at first, as CEL makes the list before it searches; one unknown makes all unknown. */
function membership(needle: Expression, haystack: Expression, fields: Fields): TriOf {
  if (haystack.op !== 'list') throw wrong(haystack, 'a list');
  const value = known(compile(needle, fields));
  const parts = haystack.items.filter((item) => item.op !== 'literal').map((item) => known(compile(item, fields)));
  const equal = haystack.items.map((item) => comparison('==', needle, item, fields));
  return (row) => {
    if (!value(row)) return unknown;
    for (const part of parts) if (!part(row)) return unknown;
    for (const test of equal) if (test(row) === 1) return 1;
    return 0;
  };
}

function choice(condition: Expression, thenTree: Expression, otherwiseTree: Expression, fields: Fields): Compiled {
  const test = compileCondition(condition, fields);
  const [then, otherwise] = [compile(thenTree, fields), compile(otherwiseTree, fields)];
  if (then.type === 'int' && otherwise.type === 'int') return { type: 'int', at: picking(test, then.at, otherwise.at, NaN) };
  if (then.type === 'bool' && otherwise.type === 'bool') return { type: 'bool', at: picking<Tri>(test, then.at, otherwise.at, unknown) };
  const [a, b] = sameTexts(then, otherwise);
  if (a === undefined || b === undefined) throw wrong(otherwiseTree, 'of one type with the other side');
  return {
    type: then.type === 'address' || otherwise.type === 'address' ? 'address' : 'text',
    at: picking<string | undefined>(test, a, b, undefined),
  };
}

const picking =
  <V>(test: TriOf, then: (row: number) => V, otherwise: (row: number) => V, neither: V) =>
  (row: number): V => {
    const answer = test(row);
    return answer === 1 ? then(row) : answer === 0 ? otherwise(row) : neither;
  };
