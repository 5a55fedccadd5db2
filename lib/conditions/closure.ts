import { calculate } from './build';
import { COMPARE, compareField } from './comparisons';
import type { ConditionEvaluator } from './evaluators';
import type { ArithmeticExpression, CompareExpression, Expression, TextTest } from './expression';
import { readField, type Value } from './fields';
import { startOfDay } from './moments';
import { compilePattern } from './patterns';
import type { ConditionContext } from './types';

type Truth = (context: ConditionContext) => boolean;
type Read = (context: ConditionContext) => Value;

/*
 * The expression as nested JavaScript functions. `truth` answers "does this count as true", `read` gives the value or
 * undefined when it is absent. Nothing in here can throw: types were checked when the expression was built.
 *
 * Where JSONata itself would fail on a number that is not finite (1/0 + 1), the result is absent; a comparison still
 * sees the infinity, as in JSONata.
 */

/** Compiles an expression to a predicate. */
export function compileTruth(expression: Expression, evaluators: ReadonlyMap<string, ConditionEvaluator>): Truth {
  return new Closures(evaluators).truth(expression);
}

/** Compiles an expression without custom evaluators to what gives its value. */
export function compileValue(expression: Expression): Read {
  return new Closures(new Map()).read(expression);
}

/** What JSONata's `$boolean` makes of a value; absent counts as false. */
function isTrue(value: Value): boolean {
  if (typeof value === 'number') return value !== 0 && !Number.isNaN(value);
  if (typeof value === 'object') return value.some((entry) => entry !== '');
  return value !== undefined && value !== false && value !== '';
}

const finite = (value: Value): value is number => typeof value === 'number' && Number.isFinite(value);

const TEXT_TESTS: Readonly<Record<TextTest, (text: string, part: string) => boolean>> = {
  contains: (text, part) => text.includes(part),
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
};

class Closures {
  constructor(private readonly evaluators: ReadonlyMap<string, ConditionEvaluator>) {}

  truth(expression: Expression): Truth {
    switch (expression.kind) {
      case 'logic': {
        const terms = expression.terms.map((term) => this.truth(term));
        return expression.op === 'and' ? allOf(terms) : anyOf(terms);
      }
      case 'compare':
        return this.comparison(expression);
      case 'not': {
        const read = this.read(expression.of);
        return (context) => {
          const value = read(context);
          return value !== undefined && !isTrue(value);
        };
      }
      case 'exists': {
        const read = this.read(expression.of);
        return (context) => read(context) !== undefined;
      }
      case 'one-of':
        return this.oneOf(expression.item, expression.list);
      case 'member': {
        const item = this.read(expression.item);
        const list = this.read(expression.list);
        return (context) => {
          const value = item(context);
          const entries = list(context);
          return typeof value === 'string' && typeof entries === 'object' && entries.includes(value);
        };
      }
      case 'did': {
        const { index } = expression;
        return (context) => context.did?.(index) === true;
      }
      case 'custom':
        return this.custom(expression.name, expression.args);
      default: {
        const read = this.read(expression);
        return (context) => isTrue(read(context));
      }
    }
  }

  read(expression: Expression): Read {
    switch (expression.kind) {
      case 'constant': {
        const { value } = expression;
        return () => value;
      }
      case 'field':
        return readField(expression.field);
      case 'logic':
      case 'exists':
      case 'one-of':
      case 'member':
      case 'did':
      case 'custom':
        return this.truth(expression);
      case 'compare':
        return this.compared(expression);
      case 'not':
      case 'boolean': {
        const read = this.read(expression.of);
        const wanted = expression.kind === 'boolean';
        return (context) => {
          const value = read(context);
          return value === undefined ? undefined : isTrue(value) === wanted;
        };
      }
      case 'negate': {
        const read = this.read(expression.of);
        return (context) => {
          const value = read(context);
          return finite(value) ? -value : undefined;
        };
      }
      case 'number': {
        const read = this.read(expression.of);
        return (context) => {
          const value = read(context);
          return value === undefined ? undefined : Number(value);
        };
      }
      case 'length': {
        const read = this.read(expression.of);
        return (context) => {
          const value = read(context);
          return typeof value === 'string' ? codePoints(value) : undefined;
        };
      }
      case 'text-change': {
        const read = this.read(expression.of);
        const lower = expression.change === 'lowercase';
        return (context) => {
          const value = read(context);
          if (typeof value !== 'string') return undefined;
          return lower ? value.toLowerCase() : value.toUpperCase();
        };
      }
      case 'arithmetic':
        return this.arithmetic(expression);
      case 'join': {
        const left = this.read(expression.left);
        const right = this.read(expression.right);
        return (context) => textOf(left(context)) + textOf(right(context));
      }
      case 'text-test': {
        const text = this.read(expression.text);
        const part = this.read(expression.part);
        const test = TEXT_TESTS[expression.test];
        return (context) => {
          const value = text(context);
          const sought = part(context);
          return typeof value === 'string' && typeof sought === 'string' ? test(value, sought) : undefined;
        };
      }
      case 'matches': {
        const text = this.read(expression.text);
        const test = compilePattern(expression.pattern);
        return (context) => {
          const value = text(context);
          return typeof value === 'string' ? test(value) : undefined;
        };
      }
      case 'now': {
        const { unit } = expression;
        if (unit === 'millis') return (context) => context.now;
        if (unit === 'today') return (context) => startOfDay(context.now);
        return (context) => new Date(context.now).toISOString();
      }
      case 'choice': {
        const test = this.truth(expression.test);
        const then = this.read(expression.then);
        const otherwise: Read = expression.otherwise ? this.read(expression.otherwise) : () => undefined;
        return (context) => (test(context) ? then(context) : otherwise(context));
      }
    }
  }

  private comparison(expression: CompareExpression): Truth {
    const { op, left, right } = expression;
    if (left.kind === 'field' && left.field.root === 'lead' && !left.field.written && right.kind === 'constant') {
      return compareField(left.field, op, right.value);
    }
    const read = this.compared(expression);
    return (context) => read(context) === true;
  }

  /** A comparison as a value: `=` and `!=` are false for absent sides, the ordering ones absent. */
  private compared({ op, left, right }: CompareExpression): Read {
    const a = this.read(left);
    const b = this.read(right);
    const test = COMPARE[op];
    const missing = op === '=' || op === '!=' ? false : undefined;
    return (context) => {
      const value = a(context);
      const other = b(context);
      return value === undefined || other === undefined ? missing : test(value, other);
    };
  }

  private oneOf(item: Expression, list: readonly Expression[]): Truth {
    const read = this.read(item);
    const constants = list.flatMap((entry) => (entry.kind === 'constant' ? [entry.value] : []));
    // A set would take NaN for equal to itself, but constants are finite.
    const known = new Set<Value>(constants);
    const others = list.filter((entry) => entry.kind !== 'constant').map((entry) => this.read(entry));
    if (others.length === 0) return (context) => known.has(read(context));
    return (context) => {
      const value = read(context);
      return value !== undefined && (known.has(value) || others.some((other) => other(context) === value));
    };
  }

  private arithmetic({ op, left, right }: ArithmeticExpression): Read {
    const a = this.read(left);
    const b = this.read(right);
    return (context) => {
      const x = a(context);
      const y = b(context);
      return finite(x) && finite(y) ? calculate(op, x, y) : undefined;
    };
  }

  private custom(name: string, args: Readonly<Record<string, unknown>>): Truth {
    const evaluator = this.evaluators.get(name);
    return (context) => {
      try {
        return evaluator?.evaluate({ ...context, args }) === true;
      } catch (error) {
        context.onError?.(error);
        return false;
      }
    };
  }
}

function allOf(terms: readonly Truth[]): Truth {
  const [a, b, ...more] = terms;
  if (!a) return () => true;
  if (!b) return a;
  const both: Truth = (context) => a(context) && b(context);
  return more.length === 0 ? both : allOf([both, ...more]);
}

function anyOf(terms: readonly Truth[]): Truth {
  const [a, b, ...more] = terms;
  if (!a) return () => false;
  if (!b) return a;
  const one: Truth = (context) => a(context) || b(context);
  return more.length === 0 ? one : anyOf([one, ...more]);
}

function textOf(value: Value): string {
  return value === undefined ? '' : String(value);
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
