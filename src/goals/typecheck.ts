import type { Mistake } from '../rules/cel.ts';
import type { Expression } from '../rules/where.ts';
import { nearest } from '../problem/suggest.ts';
import { parseAddress } from './address.ts';
import { fieldOf, type Field, type Goal } from './goal.ts';

/** Type of a part of a condition. `wrong`: told already, fits anything. */
type Type = 'int' | 'text' | 'address' | 'bool' | 'list' | 'wrong';

const names: Readonly<Record<Type, string>> = { int: 'a number', text: 'a text', address: 'an address', bool: 'true or false', list: 'a list', wrong: 'this' };

/** All that does not fit in a condition: unknown fields, operators on the wrong types, addresses and enum members that are none. */
export function checkWhere(tree: Expression, goal: Goal): Mistake[] {
  const mistakes: Mistake[] = [];
  const say = (code: Mistake['code'], at: Expression, message: string, hint?: string): Type => {
    mistakes.push({ code, message, ...(hint !== undefined && { hint }), start: at.start, end: at.end });
    return 'wrong';
  };
  const field = (name: string, at: Expression): Field | undefined => {
    const found = fieldOf(goal, name);
    if (found === undefined) say('RULE_UNKNOWN_FIELD', at, unknownField(goal, name), `Fields: ${fieldNames(goal).join(', ')}.`);
    return found;
  };
  const want = (of: Expression, wanted: Type, where: string): void => {
    const type = typeOf(of);
    if (type !== wanted && type !== 'wrong') say('RULE_WHERE_TYPE', of, `${where} wants ${names[wanted]}; this is ${names[type]}.`);
  };

  /** A literal that stands beside a field must be one that the field can have. */
  const fits = (side: Expression, other: Expression): void => {
    if (side.op !== 'field') return;
    const known = fieldOf(goal, side.name);
    const literals = other.op === 'list' ? other.items : [other];
    for (const literal of literals) {
      if (literal.op !== 'literal' || literal.type !== 'text' || known === undefined) continue;
      if (known.type === 'address' && parseAddress(literal.value) === undefined)
        say('RULE_BAD_ADDRESS', literal, `"${literal.value}" is no IPv4 or IPv6 address.`, 'Write it without port, prefix length and zone, for example "192.0.2.1" or "2001:db8::1".');
      if (known.type === 'enum' && !(known.values ?? []).includes(literal.value)) {
        const near = nearest(literal.value, known.values ?? []);
        say('RULE_UNKNOWN_VALUE', literal, `${side.name} is never "${literal.value}"${near === undefined ? '' : `; did you mean "${near}"?`}`, `It is one of ${(known.values ?? []).join(', ')}.`);
      }
    }
  };
  const comparable = (left: Expression, right: Expression, at: Expression, op: string): void => {
    const [a, b] = [typeOf(left), typeOf(right)];
    fits(left, right);
    fits(right, left);
    if (a === 'wrong' || b === 'wrong' || a === b) return;
    // An address is written as text; which text is looked at by `fits`.
    const addressText = (x: Expression, type: Type, y: Type) => y === 'address' && type === 'text' && x.op === 'literal';
    if (addressText(left, a, b) || addressText(right, b, a)) return;
    say('RULE_WHERE_TYPE', at, `${op} cannot compare ${names[a]} with ${names[b]}.`, quoteHint(left, right, a, b));
  };

  function typeOf(node: Expression): Type {
    switch (node.op) {
      case 'literal':
        return node.type;
      case 'field': {
        const found = field(node.name, node);
        return found === undefined ? 'wrong' : found.type === 'enum' ? 'text' : found.type;
      }
      case 'known':
        field(node.name, node);
        return 'bool';
      case 'list':
        for (const item of node.items)
          if (item.op !== 'literal' && !(item.op === 'negate' && item.of.op === 'literal'))
            say('RULE_WHERE_TYPE', item, 'A list holds numbers or texts, written out.');
        return 'list';
      case 'and':
      case 'or':
        want(node.left, 'bool', node.op === 'and' ? '&&' : '||');
        want(node.right, 'bool', node.op === 'and' ? '&&' : '||');
        return 'bool';
      case 'not':
        want(node.of, 'bool', '!');
        return 'bool';
      case 'negate':
        want(node.of, 'int', 'The sign -');
        return 'int';
      case '==':
      case '!=':
        comparable(node.left, node.right, node, node.op);
        return 'bool';
      case '<':
      case '<=':
      case '>':
      case '>=':
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        want(node.left, 'int', node.op);
        want(node.right, 'int', node.op);
        return '+-*/%'.includes(node.op) ? 'int' : 'bool';
      case 'in':
        if (node.right.op !== 'list') {
          typeOf(node.left);
          say('RULE_WHERE_TYPE', node.right, '"in" wants a list, for example [80, 443].');
          return 'bool';
        }
        typeOf(node.right);
        fits(node.left, node.right);
        memberTypes(node.left, node.right.items);
        return 'bool';
      case 'if': {
        want(node.condition, 'bool', 'The condition before "?"');
        const [a, b] = [typeOf(node.then), typeOf(node.otherwise)];
        if (a !== b && a !== 'wrong' && b !== 'wrong')
          return say('RULE_WHERE_TYPE', node, `Both sides of ":" must be alike; these are ${names[a]} and ${names[b]}.`);
        return a;
      }
      case 'startsWith':
      case 'endsWith':
      case 'contains':
        want(node.text, 'text', node.op);
        want(node.part, 'text', node.op);
        return 'bool';
      case 'size':
        want(node.of, 'text', 'size()');
        return 'int';
    }
  }

  function memberTypes(left: Expression, items: readonly Expression[]): void {
    const type = typeOf(left);
    if (type === 'wrong') return;
    for (const item of items) {
      const member = item.op === 'negate' ? 'int' : item.op === 'literal' ? item.type : 'wrong';
      if (member !== 'wrong' && member !== type && !(type === 'address' && member === 'text'))
        say('RULE_WHERE_TYPE', item, `The list is compared with ${names[type]}; this is ${names[member]}.`);
    }
  }

  const whole = typeOf(tree);
  if (whole !== 'bool' && whole !== 'wrong')
    say('RULE_WHERE_TYPE', tree, `The condition must be true or false; this is ${names[whole]}.`, 'Compare it with something.');
  return unique(mistakes);
}

export const fieldNames = (goal: Goal): string[] => ['host', ...goal.fields.map((field) => field.name)];

export function unknownField(goal: Goal, name: string): string {
  const among = fieldNames(goal);
  // "rto" is meant for rto_ms more often than its letters say.
  const near = among.find((each) => each.startsWith(`${name}_`)) ?? nearest(name, among);
  return `${goal.id} has no field "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

const quoteHint = (left: Expression, right: Expression, a: Type, b: Type): string | undefined => {
  const literal = left.op === 'literal' ? left : right.op === 'literal' ? right : undefined;
  if (literal === undefined) return undefined;
  if (literal.type === 'text' && (a === 'int' || b === 'int') && /^-?\d+$/.test(literal.value)) return `Write ${literal.value} without quotes.`;
  if (literal.type === 'int' && (a === 'text' || b === 'text')) return `Write "${literal.value}" in quotes.`;
  return undefined;
};

/** The same node may be looked at twice. */
const unique = (mistakes: readonly Mistake[]): Mistake[] => [
  ...new Map(mistakes.map((mistake) => [`${mistake.start} ${mistake.end} ${mistake.code} ${mistake.message}`, mistake])).values(),
];
