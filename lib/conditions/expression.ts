import type { Place } from './errors';
import type { Field } from './schema';
import type { AttributeType } from './types';

/** `=` and `!=` take any type; the others numbers, dates and strings. */
export type CompareOp = '=' | '!=' | '<' | '<=' | '>' | '>=';
export type ArithmeticOp = '+' | '-' | '*' | '/' | '%';
/** Functions of two strings that answer yes or no. */
export type TextTest = 'contains' | 'startsWith' | 'endsWith';
export type TextChange = 'lowercase' | 'uppercase';
/** `$millis()`, the start of the current UTC day in milliseconds, `$now()`. */
export type NowUnit = 'millis' | 'today' | 'iso';

interface Node {
  readonly type: AttributeType;
  readonly place: Place;
}

export type ConstantExpression = Node & { readonly kind: 'constant'; readonly value: number | string | boolean };
export type FieldExpression = Node & { readonly kind: 'field'; readonly field: Field };
export type CompareExpression = Node & {
  readonly kind: 'compare';
  readonly op: CompareOp;
  readonly left: Expression;
  readonly right: Expression;
};
export type ArithmeticExpression = Node & {
  readonly kind: 'arithmetic';
  readonly op: ArithmeticOp;
  readonly left: Expression;
  readonly right: Expression;
};
/** `test ? then : otherwise`; `form` remembers the spelling (`a ?: b` tests a, `a ?? b` tests $exists(a)). */
export type ChoiceExpression = Node & {
  readonly kind: 'choice';
  readonly form: '?' | '?:' | '??';
  readonly test: Expression;
  readonly then: Expression;
  readonly otherwise: Expression | undefined;
};

/** The typed tree. Every expression that reaches this form is well-typed: evaluating it cannot fail. */
export type Expression =
  | ConstantExpression
  | FieldExpression
  | CompareExpression
  | ArithmeticExpression
  | ChoiceExpression
  | (Node & { readonly kind: 'logic'; readonly op: 'and' | 'or'; readonly terms: readonly Expression[] })
  | (Node & { readonly kind: 'not' | 'boolean' | 'exists' | 'negate' | 'number' | 'length'; readonly of: Expression })
  | (Node & { readonly kind: 'one-of'; readonly item: Expression; readonly list: readonly Expression[] })
  | (Node & { readonly kind: 'member'; readonly item: Expression; readonly list: Expression })
  | (Node & { readonly kind: 'join'; readonly left: Expression; readonly right: Expression })
  | (Node & {
      readonly kind: 'text-test';
      readonly test: TextTest;
      readonly text: Expression;
      readonly part: Expression;
    })
  | (Node & { readonly kind: 'text-change'; readonly change: TextChange; readonly of: Expression })
  | (Node & { readonly kind: 'matches'; readonly text: Expression; readonly pattern: string })
  | (Node & { readonly kind: 'now'; readonly unit: NowUnit })
  | (Node & { readonly kind: 'did'; readonly index: number })
  | (Node & { readonly kind: 'custom'; readonly name: string; readonly args: Readonly<Record<string, unknown>> });

/** The expressions directly below one. */
export function parts(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'constant':
    case 'field':
    case 'now':
    case 'did':
    case 'custom':
      return [];
    case 'compare':
    case 'arithmetic':
    case 'join':
      return [expression.left, expression.right];
    case 'logic':
      return expression.terms;
    case 'not':
    case 'boolean':
    case 'exists':
    case 'negate':
    case 'number':
    case 'length':
    case 'text-change':
      return [expression.of];
    case 'one-of':
      return [expression.item, ...expression.list];
    case 'member':
      return [expression.item, expression.list];
    case 'text-test':
      return [expression.text, expression.part];
    case 'matches':
      return [expression.text];
    case 'choice': {
      const branches = expression.otherwise ? [expression.then, expression.otherwise] : [expression.then];
      return [expression.test, ...branches];
    }
  }
}

/** Calls `visit` for an expression and everything below it. */
export function walk(expression: Expression, visit: (expression: Expression) => void): void {
  visit(expression);
  for (const part of parts(expression)) walk(part, visit);
}
