import * as build from './build';
import type { Draft } from './draft';
import { ConditionError, type ConditionErrorCode, type Place } from './errors';
import type { CompareOp, Expression } from './expression';
import { DAY, isDateOnly, parseMoment } from './moments';
import { nearest } from './schema';

/** Operators of the JSON form ("Built-in Condition Operators" of the requirement texts, and their usual variants). */
const OPERATORS: Readonly<Record<string, string>> = {
  '==': '=',
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '>': '>',
  '<': '<',
  '>=': '>=',
  '<=': '<=',
  // As AC-004.2 spells them.
  equals: '=',
  not_equals: '!=',
  greater_than: '>',
  less_than: '<',
  greater_or_equal: '>=',
  less_or_equal: '<=',
  in: 'in',
  not_in: 'not_in',
  contains: 'contains',
  not_contains: 'not_contains',
  starts_with: 'startsWith',
  ends_with: 'endsWith',
  matches: 'matches',
  before: 'before',
  after: 'after',
  between: 'between',
  exists: 'exists',
  not_exists: 'not_exists',
};

/** Reads the JSON form. @throws ConditionError with the path of what is wrong */
export function readJson(source: unknown, draft: Draft): Expression {
  return new JsonReader(draft).group(source, '', 1);
}

function at(path: string): Place {
  return { kind: 'json', path };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property, whatever the prototype says. */
function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

class JsonReader {
  constructor(private readonly draft: Draft) {}

  private fail(message: string, path: string, code: ConditionErrorCode = 'E_CONDITION_FORMAT'): never {
    throw new ConditionError(code, message, at(path || 'condition'));
  }

  /** A group, a negation or a single rule; `path` is '' at the top. */
  group(value: unknown, path: string, depth: number): Expression {
    const here = at(path || 'condition');
    this.draft.enter(depth, here);
    if (Array.isArray(value)) return this.all(value, 'AND', path, depth);
    if (!isObject(value)) {
      return this.fail('Write {"field": …, "operator": …, "value": …}, or {"conditions": […], "logic": "AND"}.', path);
    }
    const inside = (name: string): string => (path ? `${path}.${name}` : name);
    if (Object.hasOwn(value, 'not')) return build.truth('not', this.group(value.not, inside('not'), depth + 1), here);
    if (!Object.hasOwn(value, 'conditions')) return this.rule(value, path, depth);
    if (!Array.isArray(value.conditions)) return this.fail('This must be a list.', inside('conditions'));
    const logic = own(value, 'logic') ?? 'AND';
    const name = typeof logic === 'string' ? logic.toUpperCase() : '';
    if (name !== 'AND' && name !== 'OR' && name !== 'NOT')
      return this.fail('Write "AND", "OR" or "NOT".', inside('logic'));
    return this.all(value.conditions, name, inside('conditions'), depth);
  }

  private all(list: readonly unknown[], logic: 'AND' | 'OR' | 'NOT', path: string, depth: number): Expression {
    const here = at(path || 'condition');
    const terms = list.map((entry, index) => this.group(entry, `${path}[${index}]`, depth + 1));
    const [first, ...more] = terms;
    if (!first) return this.fail('The list is empty: add a condition.', path);
    const joined = more.length > 0 ? build.logic(logic === 'OR' ? 'or' : 'and', terms, here) : first;
    return logic === 'NOT' ? build.truth('not', joined, here) : joined;
  }

  private rule(rule: Readonly<Record<string, unknown>>, path: string, depth: number): Expression {
    const inside = (name: string): string => (path ? `${path}.${name}` : name);
    const field = own(rule, 'field');
    if (typeof field !== 'string' || field === '') return this.fail('Name the field.', inside('field'));
    const written = own(rule, 'operator');
    const operator = this.operator(written, inside('operator'));
    const subject = this.field(field, inside('field'));
    this.draft.enter(depth + 1, at(inside('field')));
    const value = own(rule, 'value');
    return this.compare(operator, subject, value, inside('value'), at(inside('operator')), depth + 1);
  }

  private operator(written: unknown, path: string): string {
    const key =
      typeof written === 'string'
        ? written
            .trim()
            .toLowerCase()
            .replace(/[\s-]+/g, '_')
        : '';
    const operator = Object.hasOwn(OPERATORS, key) ? OPERATORS[key] : undefined;
    if (operator !== undefined) return operator;
    const near = nearest(key, Object.keys(OPERATORS));
    const known = Object.keys(OPERATORS).join(' ');
    return this.fail(
      `There is no operator ${JSON.stringify(written) ?? 'here'}. ${near[0] ? `Did you mean "${near[0]}"?` : `Use one of: ${known}.`}`,
      path,
    );
  }

  /** A declared name may hold dots or spaces, so the whole of it is tried first. */
  private field(name: string, path: string): Expression {
    if (Object.hasOwn(this.draft.schema.lead, name)) return this.draft.field([name], at(path));
    const dot = name.indexOf('.');
    if (dot > 0 && name.slice(0, dot) === 'lead') return this.draft.field(['lead', name.slice(dot + 1)], at(path));
    if (name.startsWith('campaign.data.')) return this.draft.field(['campaign', 'data', name.slice(14)], at(path));
    const steps = name.split('.');
    if (steps.length === 3 && steps[0] === 'event') return this.draft.field(steps, at(path));
    return this.draft.field(dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name], at(path));
  }

  private value(value: unknown, path: string, depth: number): Expression {
    this.draft.enter(depth, at(path));
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      return build.constant(value, at(path));
    if (value === null)
      return this.fail(
        'Nothing is ever null here. Use the operator "exists" or "not_exists".',
        path,
        'E_CONDITION_TYPE',
      );
    return this.fail('This must be text, a number, true or false.', path, 'E_CONDITION_TYPE');
  }

  private values(value: unknown, path: string, depth: number): Expression[] {
    if (!Array.isArray(value)) return [this.value(value, path, depth)];
    return value.map((entry, index) => this.value(entry, `${path}[${index}]`, depth));
  }

  private compare(
    op: string,
    written: Expression,
    value: unknown,
    path: string,
    here: Place,
    depth: number,
  ): Expression {
    const subject = op === 'before' || op === 'after' ? build.settle(written, 'date') : written;
    const single = (): Expression => this.value(value, path, depth);
    switch (op) {
      case 'exists':
        return build.truth('exists', subject, here);
      case 'not_exists':
        return build.truth('not', build.truth('exists', subject, here), here);
      case 'in':
      case 'not_in': {
        const list = this.values(value, path, depth);
        const found = subject.type === 'string[]' ? this.anyOf(subject, list, here) : build.oneOf(subject, list, here);
        return op === 'in' ? found : build.truth('not', found, here);
      }
      case 'contains':
      case 'not_contains': {
        const part = single();
        const found =
          subject.type === 'string[]'
            ? build.member(part, subject, here)
            : build.textTest('contains', subject, part, here);
        return op === 'contains' ? found : build.truth('not', found, here);
      }
      case 'startsWith':
      case 'endsWith':
        return build.textTest(op, subject, single(), here);
      case 'matches':
        return build.matches(subject, single(), here);
      case 'before':
      case 'after':
        if (subject.type !== 'date')
          this.fail(
            `"${op}" compares dates; this field is not declared as one.`,
            path.replace(/value$/, 'operator'),
            'E_CONDITION_TYPE',
          );
        return build.compare(op === 'before' ? '<' : '>', subject, single(), here);
      case 'between':
        return this.between(subject, value, path, here, depth);
      default:
        return build.compare(op as CompareOp, subject, single(), here);
    }
  }

  /** `in` on a list: any of the values is among its entries. */
  private anyOf(list: Expression, values: readonly Expression[], here: Place): Expression {
    const terms = values.map((value) => build.member(value, list, here));
    if (terms.length === 0) return build.constant(false, here);
    return terms.length === 1 && terms[0] ? terms[0] : build.logic('or', terms, here);
  }

  /** Both ends belong to it. An upper end that is a date without time means the whole of that day. */
  private between(subject: Expression, value: unknown, path: string, here: Place, depth: number): Expression {
    if (!Array.isArray(value) || value.length !== 2)
      return this.fail('Write the two ends as a list: [from, to].', path, 'E_CONDITION_TYPE');
    const [from, to] = this.values(value, path, depth) as [Expression, Expression];
    const last = value[1] as unknown;
    const wholeDay =
      subject.type === 'date' && typeof last === 'string' && isDateOnly(last) ? parseMoment(last) : undefined;
    const upper =
      wholeDay === undefined
        ? build.compare('<=', subject, to, here)
        : build.compare('<', subject, { kind: 'constant', type: 'date', value: wholeDay + DAY, place: to.place }, here);
    return build.logic('and', [build.compare('>=', subject, from, here), upper], here);
  }
}
