import type { Behaviour } from './types';
import type { Expression } from './expression';
import { printDuration, printMoment } from './moments';

/** How tightly an expression holds together, as JSONata's parser binds. */
const enum Bind {
  Or = 25,
  And = 30,
  Compare = 40,
  Add = 50,
  Multiply = 60,
  Atom = 90,
}

/** Words that need back-quotes as names. */
const KEYWORDS = new Set(['and', 'or', 'in', 'not', 'true', 'false', 'null', 'function']);

/** Text as JSONata reads it. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function printName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !KEYWORDS.has(name.toLowerCase()) ? name : `\`${name}\``;
}

/** The options object of a `$did` call. */
function printBehaviour({ event, within, atLeast, campaign, channel }: Behaviour): string {
  const options = {
    ...(within !== undefined && { within: printDuration(within) }),
    ...(atLeast !== 1 && { atLeast }),
    ...(campaign !== undefined && { campaign }),
    ...(channel !== undefined && { channel }),
  };
  const more = Object.keys(options).length > 0 ? `, ${JSON.stringify(options)}` : '';
  return `$did(${quote(event)}${more})`;
}

/**
 * An expression as canonical JSONata. Beyond JSONata's own functions it may call `$today`, `$startsWith`, `$endsWith`,
 * `$matches`, `$did` and `$custom`.
 */
export function print(expression: Expression, behaviours: readonly Behaviour[] = []): string {
  return new Printer(behaviours).print(expression, 0);
}

class Printer {
  constructor(private readonly behaviours: readonly Behaviour[]) {}

  print(expression: Expression, outer: number): string {
    const [text, bind] = this.write(expression);
    return bind < outer ? `(${text})` : text;
  }

  private call(name: string, ...args: Expression[]): [string, number] {
    return [`$${name}(${args.map((arg) => this.print(arg, 0)).join(', ')})`, Bind.Atom];
  }

  private infix(left: Expression, op: string, right: Expression, bind: Bind): [string, number] {
    return [`${this.print(left, bind)} ${op} ${this.print(right, bind + 1)}`, bind];
  }

  private write(expression: Expression): [string, number] {
    switch (expression.kind) {
      case 'constant':
        return this.constant(expression.value, expression.type === 'date');
      case 'field':
        return [[expression.field.root, ...expression.field.path].map(printName).join('.'), Bind.Atom];
      case 'compare':
        return this.infix(expression.left, expression.op, expression.right, Bind.Compare);
      case 'arithmetic': {
        const bind = expression.op === '+' || expression.op === '-' ? Bind.Add : Bind.Multiply;
        return this.infix(expression.left, expression.op, expression.right, bind);
      }
      case 'join':
        return this.infix(expression.left, '&', expression.right, Bind.Add);
      case 'logic': {
        const bind = expression.op === 'and' ? Bind.And : Bind.Or;
        return [expression.terms.map((term) => this.print(term, bind + 1)).join(` ${expression.op} `), bind];
      }
      case 'not':
      case 'boolean':
      case 'exists':
      case 'number':
      case 'length':
        return this.call(expression.kind, expression.of);
      case 'negate':
        return [`-${this.print(expression.of, Bind.Atom)}`, Bind.Multiply];
      case 'one-of':
        return [
          `${this.print(expression.item, Bind.Compare)} in [${expression.list.map((entry) => this.print(entry, 0)).join(', ')}]`,
          Bind.Compare,
        ];
      case 'member':
        return this.infix(expression.item, 'in', expression.list, Bind.Compare);
      case 'text-test':
        return this.call(expression.test, expression.text, expression.part);
      case 'text-change':
        return this.call(expression.change, expression.of);
      case 'matches':
        return [`$matches(${this.print(expression.text, 0)}, ${quote(expression.pattern)})`, Bind.Atom];
      case 'now':
        return [{ millis: '$millis()', today: '$today()', iso: '$now()' }[expression.unit], Bind.Atom];
      case 'did':
        return [printBehaviour(this.behaviours[expression.index] ?? { event: '…', atLeast: 1 }), Bind.Atom];
      case 'custom':
        return [`$custom(${quote(expression.name)}, ${JSON.stringify(expression.args)})`, Bind.Atom];
      case 'choice': {
        const { form, test, then, otherwise } = expression;
        const end = otherwise ? ` : ${this.print(otherwise, Bind.Or)}` : '';
        if (form === '?' || !otherwise)
          return [`(${this.print(test, Bind.Or)} ? ${this.print(then, Bind.Or)}${end})`, Bind.Atom];
        return [`(${this.print(then, Bind.Add)} ${form} ${this.print(otherwise, Bind.Add)})`, Bind.Atom];
      }
    }
  }

  private constant(value: number | string | boolean, isDate: boolean): [string, number] {
    if (typeof value === 'string') return [quote(value), Bind.Atom];
    if (isDate) return [`$toMillis("${printMoment(Number(value))}")`, Bind.Atom];
    return [Object.is(value, -0) ? '-0' : String(value), Bind.Atom];
  }
}
