import type { Mistake } from '../rules/cel.ts';
import type { Expression } from '../rules/where.ts';
import { fieldHint, unknownField } from './field-names.ts';
import { fieldOf, type Goal } from './goal.ts';
import { literalHint, literalMistakes, networkMistakes, type Type } from './literals.ts';

const names: Readonly<Record<Type, string>> = {
  int: 'a number',
  text: 'a text',
  address: 'an address',
  bool: 'true or false',
  wrong: 'this',
};

/** All that does not fit in a condition: unknown fields, operators on the wrong types, addresses and enum members that are none. */
export function checkWhere(tree: Expression, goal: Goal): Mistake[] {
  const check = new Check(goal);
  const whole = check.typeOf(tree);
  if (whole !== 'bool' && whole !== 'wrong')
    check.say('RULE_WHERE_TYPE', tree, `The condition must be true or false; this is ${names[whole]}.`, 'Compare it with something.');
  return check.mistakes;
}

class Check {
  readonly mistakes: Mistake[] = [];
  readonly #goal: Goal;

  constructor(goal: Goal) {
    this.#goal = goal;
  }

  say(code: Mistake['code'], at: Expression, message: string, hint?: string): 'wrong' {
    this.mistakes.push({ code, message, ...(hint !== undefined && { hint }), start: at.start, end: at.end });
    return 'wrong';
  }

  /** Every part is looked at once, so that nothing is told twice. */
  typeOf(node: Expression): Type {
    switch (node.op) {
      case 'literal':
        return node.type;
      case 'field': {
        const found = fieldOf(this.#goal, node.name) ?? this.#unknown(node, node.name);
        return found === 'wrong' ? found : found.type === 'enum' ? 'text' : found.type;
      }
      case 'known':
        if (fieldOf(this.#goal, node.name) === undefined) this.#unknown(argumentOf(node, node.name), node.name);
        return 'bool';
      case 'list':
        for (const item of node.items) this.typeOf(item);
        return this.say('RULE_WHERE_TYPE', node, 'A list stands behind "in" only.', 'For example: dport in [80, 443].');
      case 'and':
      case 'or':
        this.#want(node.left, 'bool', node.op === 'and' ? '&&' : '||');
        this.#want(node.right, 'bool', node.op === 'and' ? '&&' : '||');
        return 'bool';
      case 'not':
        this.#want(node.of, 'bool', '!');
        return 'bool';
      case 'negate':
        this.#want(node.of, 'int', '-');
        return 'int';
      case '==':
      case '!=':
        this.#comparable(node, node.left, node.right);
        return 'bool';
      case '<':
      case '<=':
      case '>':
      case '>=':
        this.#want(node.left, 'int', node.op);
        this.#want(node.right, 'int', node.op);
        return 'bool';
      case '+':
      case '-':
      case '*':
      case '/':
      case '%': {
        const fit = [this.#want(node.left, 'int', node.op), this.#want(node.right, 'int', node.op)];
        return fit.includes(false) ? 'wrong' : 'int';
      }
      case 'in':
        this.#member(node);
        return 'bool';
      case 'if': {
        this.#want(node.condition, 'bool', '? :');
        const [a, b] = [this.typeOf(node.then), this.typeOf(node.otherwise)];
        if (a !== b && a !== 'wrong' && b !== 'wrong')
          return this.say('RULE_WHERE_TYPE', node, `Both sides of ":" must be alike; these are ${names[a]} and ${names[b]}.`);
        return a === 'wrong' ? b : a;
      }
      case 'startsWith':
      case 'endsWith':
      case 'contains':
        this.#want(node.text, 'text', `${node.op}()`);
        this.#want(node.part, 'text', `${node.op}()`);
        return 'bool';
      case 'containsIP':
        this.mistakes.push(...networkMistakes(node.network));
        this.#want(node.address, 'address', 'containsIP()');
        return 'bool';
      case 'size':
        this.#want(node.of, 'text', 'size()');
        return 'int';
    }
  }

  #fit(side: Expression, literal: Expression): void {
    this.mistakes.push(...literalMistakes(this.#goal, side, literal));
  }

  #unknown(at: Expression, name: string): 'wrong' {
    const owner = this.#goal.fields.find((field) => field.values?.includes(name));
    if (owner === undefined) return this.say('RULE_UNKNOWN_FIELD', at, unknownField(this.#goal, name), fieldHint(this.#goal));
    return this.say(
      'RULE_UNKNOWN_FIELD',
      at,
      `${this.#goal.id} has no field "${name}"; the value of ${owner.name} is written "${name}", in quotes.`,
    );
  }

  #want(of: Expression, wanted: Type, operator: string): boolean {
    const type = this.typeOf(of);
    if (type === wanted || type === 'wrong') return true;
    const hint =
      type === 'address'
        ? 'Addresses are compared whole, with == != or in, or as part of a network: cidr("10.0.0.0/8").containsIP(daddr).'
        : wanted === 'bool' && type === 'int'
          ? 'Compare it, for example with > 0.'
          : literalHint(of, wanted);
    this.say('RULE_WHERE_TYPE', of, `${operator} wants ${names[wanted]}; this is ${names[type]}.`, hint);
    return false;
  }

  #comparable(node: Expression & { readonly op: string }, left: Expression, right: Expression): void {
    const [a, b] = [this.typeOf(left), this.typeOf(right)];
    if (a === 'wrong' || b === 'wrong') return;
    if (a === b || (a === 'address' && isText(right)) || (b === 'address' && isText(left))) {
      this.#fit(left, right);
      this.#fit(right, left);
    } else
      this.say(
        'RULE_WHERE_TYPE',
        node,
        `${node.op} cannot compare ${names[a]} with ${names[b]}.`,
        literalHint(left, b) ?? literalHint(right, a),
      );
  }

  #member(node: Expression & { readonly op: 'in' }): void {
    const type = this.typeOf(node.left);
    if (node.right.op !== 'list') {
      this.typeOf(node.right);
      this.say(
        'RULE_WHERE_TYPE',
        node.right,
        '"in" wants a list, for example [80, 443].',
        type === 'text' ? 'A part of a text: path.contains("etc").' : undefined,
      );
      return;
    }
    for (const item of node.right.items) {
      const literal = item.op === 'literal' || (item.op === 'negate' && item.of.op === 'literal');
      const member = item.op === 'list' ? this.say('RULE_WHERE_TYPE', item, 'A list cannot stand in a list.') : this.typeOf(item);
      if (member === 'wrong' || type === 'wrong') continue;
      if (!literal) this.say('RULE_WHERE_TYPE', item, 'A list holds numbers or texts, written out.');
      else if (member === type || (type === 'address' && member === 'text')) this.#fit(node.left, item);
      else
        this.say('RULE_WHERE_TYPE', item, `The list is compared with ${names[type]}; this is ${names[member]}.`, literalHint(item, type));
    }
  }
}

/** The name inside known(name); the whole where there are spaces in it. */
const argumentOf = (node: Expression, name: string): Expression =>
  node.end - node.start === `known(${name})`.length ? { ...node, start: node.end - 1 - name.length, end: node.end - 1 } : node;

/** Text that is written out, so that it can be looked at now; also as a choice of two. */
const isText = (node: Expression): boolean =>
  node.op === 'if' ? isText(node.then) && isText(node.otherwise) : node.op === 'literal' && node.type === 'text';
