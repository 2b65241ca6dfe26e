/**
 * A condition as a tree, made from CEL (https://github.com/google/cel-spec) by `rules`, type-checked in `goals`,
 * compiled by `generate` (kernel-side pre-filter) and by `stream` (which decides).
 * `start` and `end` are offsets into the condition's own text.
 */
export type Expression = { readonly start: number; readonly end: number } & ExpressionNode;

export type ExpressionNode =
  | { readonly op: 'literal'; readonly type: 'int'; readonly value: number }
  | { readonly op: 'literal'; readonly type: 'text'; readonly value: string }
  | { readonly op: 'literal'; readonly type: 'bool'; readonly value: boolean }
  | { readonly op: 'list'; readonly items: readonly Expression[] }
  | { readonly op: 'field'; readonly name: string }
  | { readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'not' | 'negate'; readonly of: Expression }
  | { readonly op: '==' | '!=' | '<' | '<=' | '>' | '>='; readonly left: Expression; readonly right: Expression }
  | { readonly op: '+' | '-' | '*' | '/' | '%'; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'in'; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'if'; readonly condition: Expression; readonly then: Expression; readonly otherwise: Expression }
  /** known(x): true where the field has a value. */
  | { readonly op: 'known'; readonly name: string }
  | { readonly op: 'startsWith' | 'endsWith' | 'contains'; readonly text: Expression; readonly part: Expression }
  /** cidr("10.0.0.0/8").containsIP(daddr): as Kubernetes' CEL has it. `network` is a text that is written out. */
  | { readonly op: 'containsIP'; readonly network: Expression & { readonly op: 'literal' }; readonly address: Expression }
  | { readonly op: 'size'; readonly of: Expression };

/** A checked condition. Every field in it exists, every operator fits its operands, the whole is a bool. */
export interface Where {
  /** As it was written, after YAML. */
  readonly text: string;
  readonly tree: Expression;
}
