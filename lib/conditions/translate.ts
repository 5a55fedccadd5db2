import * as build from './build';
import type { Draft, Option } from './draft';
import { ConditionError, type Place } from './errors';
import type { ArithmeticOp, CompareOp, Expression } from './expression';
import { functionNames } from './spelling';
import type { Syntax, SyntaxNode } from './syntax';

/**
 * The boundary: turns JSONata's syntax tree into a typed expression by an allow-list. Whatever is not named here, node
 * type or extra property of a node alike, is refused.
 * @throws ConditionError
 */
export function translate(syntax: Syntax, draft: Draft): Expression {
  return new Translator(syntax, draft).node(syntax.root, 1);
}

/** The properties that a node of each type may have. Filters, groupings, sorting, variables and the rest add others. */
const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  binary: ['lhs', 'rhs'],
  path: ['steps'],
  name: [],
  string: [],
  number: [],
  value: [],
  unary: ['expression', 'expressions', 'lhs'],
  block: ['expressions'],
  condition: ['condition', 'then', 'else'],
  function: ['arguments', 'procedure'],
};

const REFUSED_TYPES: Readonly<Record<string, string>> = {
  regex: 'Regular expressions between slashes are not available. Write $matches(lead.email, "pattern").',
  lambda: 'Functions cannot be defined in a condition.',
  partial: 'Functions cannot be applied in part.',
  bind: 'A condition cannot bind variables.',
  apply: 'Function chaining is not available. Write $function(value).',
  transform: 'The transform operator is not available.',
  sort: 'Sorting is not available in a condition.',
  parent: 'The parent operator is not available. Name the field.',
  wildcard: 'Wildcards are not available. Name the field.',
  descendant: 'Wildcards are not available. Name the field.',
  variable: 'Variables are not available. Name the field, such as lead.score.',
};

class Translator {
  constructor(
    private readonly syntax: Syntax,
    private readonly draft: Draft,
  ) {}

  /** One node; `depth` counts nesting, where a chain of one operator is one level. */
  node(node: SyntaxNode, depth: number): Expression {
    const place = this.syntax.placeOf(node);
    this.draft.enter(depth, place);
    this.checkShape(node, place);
    switch (node.type) {
      case 'binary':
        return this.binary(node, depth, place);
      case 'path':
        return this.field(this.steps(node), place);
      case 'string':
      case 'number':
        return build.constant(node.value as string | number, place);
      case 'value':
        if (typeof node.value === 'boolean') return build.constant(node.value, place);
        return this.refuse(
          'Nothing is ever null here: a field without a value is absent. Write $exists(lead.x) or not $exists(lead.x).',
          place,
        );
      case 'unary':
        return this.unary(node, depth, place);
      case 'block':
        return this.block(node, depth, place);
      case 'condition':
        return this.choice(node, depth, place);
      case 'function':
        return this.call(node, depth, place);
      default:
        return this.refuse('This is not available in a condition.', place);
    }
  }

  private refuse(message: string, place: Place): never {
    throw new ConditionError('E_CONDITION_REFUSED', message, place);
  }

  private checkShape(node: SyntaxNode, place: Place): void {
    const allowed = Object.hasOwn(PROPERTIES, node.type) ? PROPERTIES[node.type] : undefined;
    if (!allowed) this.refuse(REFUSED_TYPES[node.type] ?? 'This is not available in a condition.', place);
    for (const [key, value] of Object.entries(node)) {
      if (key === 'type' || key === 'value' || key === 'position' || allowed?.includes(key) || value === undefined)
        continue;
      this.refuse(
        'Filters, indexes and groupings ("[…]", "{…}" after a name) are not available. Name one field.',
        place,
      );
    }
  }

  private required(node: SyntaxNode | undefined, depth: number, place: Place): Expression {
    if (!node) return this.refuse('Something is missing here.', place);
    return this.node(node, depth);
  }

  private binary(node: SyntaxNode, depth: number, place: Place): Expression {
    const op = String(node.value);
    const left = node.lhs as SyntaxNode | undefined;
    // a and b and c is a left-leaning chain: as deep as long, but nobody would call it nested.
    const same = left?.type === 'binary' && left.value === node.value;
    const first = this.required(left, same ? depth : depth + 1, place);
    if (op === 'in') return this.inList(first, node.rhs, depth + 1, place);
    const second = this.required(node.rhs, depth + 1, place);
    switch (op) {
      case 'and':
      case 'or':
        return build.logic(op, [first, second], place);
      case '=':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return build.compare(op satisfies CompareOp, first, second, place);
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return build.arithmetic(op satisfies ArithmeticOp, first, second, place);
      case '&':
        return build.join(first, second, place);
      default:
        return this.refuse(`The operator "${op}" is not available in a condition.`, place);
    }
  }

  private inList(item: Expression, right: SyntaxNode | undefined, depth: number, place: Place): Expression {
    if (right?.type !== 'unary' || right.value !== '[')
      return build.member(item, this.required(right, depth, place), place);
    this.checkShape(right, place);
    const list = (right.expressions ?? []).map((entry) => this.node(entry, depth));
    return build.oneOf(item, list, place);
  }

  private field(steps: readonly string[], place: Place): Expression {
    const [word = ''] = steps;
    // JSONata takes an operator without a left side for a name.
    if (steps.length === 1 && /^(?:and|or|in)$/.test(word) && !Object.hasOwn(this.draft.schema.lead, word)) {
      throw new ConditionError('E_CONDITION_SYNTAX', `"${word}" needs something on both sides.`, place);
    }
    return this.draft.field(steps, place);
  }

  private steps(node: SyntaxNode): string[] {
    return (node.steps ?? []).map((step) => {
      const place = this.syntax.placeOf(step);
      this.checkShape(step, place);
      if (step.type !== 'name' || typeof step.value !== 'string')
        this.refuse('A path consists of names, such as lead.score.', place);
      return String(step.value);
    });
  }

  private unary(node: SyntaxNode, depth: number, place: Place): Expression {
    if (node.value === '-') return build.negate(this.required(node.expression, depth + 1, place), place);
    if (node.value === '[') return this.refuse('A list can only stand on the right of "in".', place);
    return this.refuse('Objects are not available here.', place);
  }

  private block(node: SyntaxNode, depth: number, place: Place): Expression {
    const [only, ...more] = node.expressions ?? [];
    if (!only) return this.refuse('These parentheses are empty.', place);
    if (more.length > 0) this.refuse('A condition is one expression. Join parts with "and" or "or".', place);
    return this.node(only, depth + 1);
  }

  private choice(node: SyntaxNode, depth: number, place: Place): Expression {
    const form = choiceForm(node);
    const then = this.required(node.then, depth + 1, place);
    const otherwise = node.else && this.node(node.else, depth + 1);
    // What JSONata wrote into the tree twice is looked at once.
    if (form === '??') return build.choice(form, build.truth('exists', then, place), then, otherwise, place);
    if (form === '?:') return build.choice(form, then, then, otherwise, place);
    return build.choice(form, this.required(node.condition, depth + 1, place), then, otherwise, place);
  }

  private call(node: SyntaxNode, depth: number, place: Place): Expression {
    const { procedure } = node;
    if (procedure?.type !== 'variable' || node.value !== '(')
      return this.refuse('Only functions that begin with "$" can be called.', place);
    const name = String(procedure.value);
    const args = node.arguments ?? [];
    if (name === 'did' || name === 'custom') {
      const [first, options, ...more] = args;
      if (more.length > 0) this.refuse(`$${name} takes a name and options in braces.`, place);
      const values = this.options(options, name);
      const subject = first?.type === 'string' && typeof first.value === 'string' ? first.value : undefined;
      if (subject !== undefined) build.constant(subject, place);
      return name === 'did' ? this.draft.did(subject, values, place) : this.draft.custom(subject, values, place);
    }
    const arity = Object.hasOwn(ARITY, name) ? ARITY[name] : undefined;
    if (arity === undefined) {
      return this.refuse(`The function $${name} is not available. Available: ${functionNames().join(', ')}.`, place);
    }
    if (args.length !== arity) {
      return this.refuse(
        `$${name} takes ${arity === 0 ? 'nothing' : `${arity} value${arity === 1 ? '' : 's'}`} in its parentheses.`,
        place,
      );
    }
    return this.apply(
      name,
      args.map((arg) => this.node(arg, depth + 1)),
      place,
    );
  }

  private apply(name: string, args: readonly Expression[], place: Place): Expression {
    const [first, second] = args;
    if (!first) {
      return name === 'now'
        ? { kind: 'now', type: 'string', unit: 'iso', place }
        : { kind: 'now', type: 'date', unit: name === 'today' ? 'today' : 'millis', place };
    }
    switch (name) {
      case 'not':
      case 'boolean':
      case 'exists':
        return build.truth(name, first, place);
      case 'lowercase':
      case 'uppercase':
        return build.textChange(name, first, place);
      case 'length':
        return build.length(first, place);
      case 'number':
        return build.toNumber(first, place);
      case 'toMillis':
        return build.toMillis(first, place);
    }
    if (!second) return this.refuse(`$${name} needs two values.`, place);
    if (name === 'matches') return build.matches(first, second, place);
    if (name === 'contains' || name === 'startsWith' || name === 'endsWith')
      return build.textTest(name, first, second, place);
    return this.refuse(`The function $${name} is not available.`, place);
  }

  /** The object literal of `$did` and `$custom`: names and plain values. */
  private options(node: SyntaxNode | undefined, fn: string): Option[] {
    if (!node) return [];
    const place = this.syntax.placeOf(node);
    const example = fn === 'did' ? '{"within": "30 days"}' : '{"name": "value"}';
    if (node.type !== 'unary' || node.value !== '{')
      return this.refuse(`Write the options of $${fn} as ${example}.`, place);
    this.checkShape(node, place);
    return ((node.lhs ?? []) as readonly (readonly SyntaxNode[])[]).map(([key, value]) => {
      const at = this.syntax.placeOf(value ?? node);
      this.draft.enter(1, at);
      if (key?.type !== 'string' || !value) return this.refuse(`Write the options of $${fn} as ${example}.`, at);
      return { name: String(key.value), value: this.literal(value), place: at };
    });
  }

  private literal(node: SyntaxNode): unknown {
    const place = this.syntax.placeOf(node);
    this.checkShape(node, place);
    if (node.type === 'string' || node.type === 'number' || node.type === 'value') return node.value;
    if (node.type === 'unary' && node.value === '[') {
      return (node.expressions ?? []).map((entry) => {
        this.draft.enter(1, place);
        return this.literal(entry);
      });
    }
    return this.refuse('Options are plain values: text in quotes, numbers, true, false.', place);
  }
}

/** How many values each function takes. */
const ARITY: Readonly<Record<string, number>> = {
  not: 1,
  boolean: 1,
  exists: 1,
  lowercase: 1,
  uppercase: 1,
  length: 1,
  number: 1,
  toMillis: 1,
  contains: 2,
  startsWith: 2,
  endsWith: 2,
  matches: 2,
  now: 0,
  millis: 0,
  today: 0,
};

/** `a ?: b` and `a ?? b` reach us as conditions whose branch is the very thing that is tested. */
function choiceForm(node: SyntaxNode): '?' | '?:' | '??' {
  const { condition, then } = node;
  if (!condition || !then || !node.else) return '?';
  const same = (other: SyntaxNode | undefined): boolean =>
    other !== undefined && JSON.stringify(other) === JSON.stringify(then);
  if (same(condition)) return '?:';
  const isExists = condition.type === 'function' && condition.procedure?.value === 'exists';
  return isExists && same(condition.arguments?.[0]) ? '??' : '?';
}
