import { ConditionError } from '../errors';
import type { CompareExpression, Expression } from '../expression';
import { walk } from '../expression';
import { MAX_SQL } from '../limits';
import type { Behaviour, SqlPlacement, SqlPredicate, SqlTarget } from '../types';
import { behaviour } from './behaviour';
import { booleanAttribute, constantOf } from './fields';
import { contains, listExists, listTruth } from './lists';
import { compareNumbers, numberExists, numberTruth } from './numbers';
import { compareTexts, matches, text, textTest, textTruth } from './strings';
import { FALSE, orFalse, TRUE, Writer, type Compiler, type Fragment } from './writer';

/**
 * The predicate of an expression for one database.
 * @throws ConditionError `E_NOT_SQL` when the database cannot answer exactly
 */
export function writePredicate(
  expression: Expression,
  behaviours: readonly Behaviour[],
  target: SqlTarget,
  placement: SqlPlacement,
  limit = MAX_SQL,
): SqlPredicate {
  walk(expression, (part) => {
    if (part.kind === 'custom')
      throw new ConditionError('E_NOT_SQL', '$custom runs as code only. Test the leads one by one (condition.test).');
    if (part.kind === 'field' && part.field.written)
      throw new ConditionError('E_NOT_SQL', 'This condition reads values as they were written, which no database can.');
  });
  const writer = new Writer(target, placement, behaviours, limit);
  return { text: new Predicates(writer).truth(expression).sql, values: writer.values };
}

const ABSENT: Fragment = { sql: 'NULL', nullable: true };

/*
 * Two readings of an expression. `truth` may leave NULL where false is meant, which keeps the SQL small and lets
 * indexes work. `value` keeps NULL for absent and nothing else, which `$not`, `=` and `$exists` need: JSONata says
 * $not(absent > 5) is absent, but $not(absent = 5) is true.
 */
class Predicates implements Compiler {
  constructor(readonly writer: Writer) {}

  truth(expression: Expression): Fragment {
    return this.writer.bounded(this.writeTruth(expression));
  }

  value(expression: Expression): Fragment {
    return this.writer.bounded(this.writeValue(expression));
  }

  private writeTruth(expression: Expression): Fragment {
    if (expression.type !== 'boolean') return this.booleanOf(expression);
    switch (expression.kind) {
      case 'logic': {
        const terms = expression.terms.map((term) => this.truth(term));
        const sql = terms.map((term) => wrapped(term.sql)).join(expression.op === 'and' ? ' AND ' : ' OR ');
        return { sql: terms.length > 1 ? `(${sql})` : sql, nullable: terms.some(({ nullable }) => nullable) };
      }
      case 'not':
        return this.negation(expression.of);
      case 'compare':
        return this.comparison(expression);
      case 'one-of':
        return this.oneOf(expression.item, expression.list);
      case 'member':
        return contains(this, expression.item, expression.list);
      default:
        return this.value(expression);
    }
  }

  private writeValue(expression: Expression): Fragment {
    if (expression.type === 'string') return text(this, expression);
    switch (expression.kind) {
      case 'constant':
        // Constants are finite, so JavaScript's idea of true is JSONata's.
        return expression.value ? TRUE : FALSE;
      case 'field':
        return this.flag(expression);
      case 'logic':
      case 'one-of':
      case 'member':
        return orFalse(this.truth(expression));
      case 'compare': {
        const compared = this.comparison(expression);
        return expression.op === '=' || expression.op === '!=' ? orFalse(compared) : compared;
      }
      case 'not':
        return this.negation(expression.of);
      case 'boolean':
        return this.booleanOf(expression.of);
      case 'exists':
        return this.exists(expression.of);
      case 'text-test':
        return textTest(this, expression);
      case 'matches':
        return matches(this, expression);
      case 'did':
        return behaviour(this.writer, this.writer.behaviours[expression.index] ?? { event: '', atLeast: 1 });
      case 'choice': {
        if (expression.type !== 'boolean') return this.booleanOf(expression);
        const then = this.value(expression.then);
        const otherwise = expression.otherwise ? this.value(expression.otherwise) : ABSENT;
        return {
          sql: `(CASE WHEN ${this.truth(expression.test).sql} THEN ${then.sql} ELSE ${otherwise.sql} END)`,
          nullable: then.nullable || otherwise.nullable,
        };
      }
      default:
        return this.booleanOf(expression);
    }
  }

  /** What `$boolean` says, NULL when absent. */
  private booleanOf(expression: Expression): Fragment {
    switch (expression.type) {
      case 'number':
      case 'date':
        return numberTruth(this, expression);
      case 'string':
        return textTruth(this, expression);
      case 'boolean':
        return this.value(expression);
      case 'string[]':
        return listTruth(this, expression);
    }
  }

  private negation(of: Expression): Fragment {
    if (neverAbsent(of)) {
      const inner = this.truth(of);
      return inner.nullable
        ? { sql: `(${inner.sql}) IS NOT TRUE`, nullable: false }
        : { sql: `NOT (${inner.sql})`, nullable: false };
    }
    const inner = this.booleanOf(of);
    return { sql: `NOT (${inner.sql})`, nullable: inner.nullable };
  }

  private exists(of: Expression): Fragment {
    if (neverAbsent(of)) return TRUE;
    switch (of.type) {
      case 'number':
      case 'date':
        return numberExists(this, of);
      case 'string[]':
        return listExists(this, of);
      case 'boolean':
      case 'string': {
        const inner = this.value(of);
        return inner.nullable ? { sql: `(${inner.sql}) IS NOT NULL`, nullable: false } : TRUE;
      }
    }
  }

  private comparison({ op, left, right }: CompareExpression): Fragment {
    if (left.type === 'string') return compareTexts(this, op, left, right);
    if (left.type !== 'boolean') return compareNumbers(this, op, left, right);
    const a = this.value(left);
    const b = this.value(right);
    return { sql: `(${a.sql}) ${op === '=' ? '=' : '<>'} (${b.sql})`, nullable: a.nullable || b.nullable };
  }

  private oneOf(item: Expression, list: readonly Expression[]): Fragment {
    const terms = list.map((entry) =>
      this.comparison({ kind: 'compare', type: 'boolean', op: '=', left: item, right: entry, place: item.place }),
    );
    return this.anyOf(terms, item, list);
  }

  private anyOf(terms: readonly Fragment[], item: Expression, list: readonly Expression[]): Fragment {
    const [first] = terms;
    if (!first) return FALSE;
    const nullable = terms.some((term) => term.nullable);
    const isLiteral = list.every(({ kind }) => kind === 'constant');
    if (isLiteral && terms.length > 1 && item.kind === 'field') {
      // Every term reads `left = right`, with the same left side: `left IN (right, …)`.
      const halves = terms.map(({ sql }) => sql.split(' = '));
      const left = halves[0]?.[0];
      if (left !== undefined && halves.every((half) => half.length === 2 && half[0] === left)) {
        return { sql: `${left} IN (${halves.map((half) => half[1]).join(', ')})`, nullable };
      }
    }
    return { sql: `(${terms.map(({ sql }) => wrapped(sql)).join(' OR ')})`, nullable };
  }

  private flag(expression: Expression & { kind: 'field' }): Fragment {
    if (expression.type !== 'boolean') return this.booleanOf(expression);
    if (expression.field.root === 'lead') return booleanAttribute(this.writer, expression.field);
    const value = constantOf(this.writer, expression.field);
    if (typeof value !== 'boolean') return ABSENT;
    return value ? TRUE : FALSE;
  }
}

/** True for expressions that always have a value, whatever the lead lacks. */
function neverAbsent(expression: Expression): boolean {
  switch (expression.kind) {
    case 'constant':
    case 'logic':
    case 'exists':
    case 'one-of':
    case 'member':
    case 'did':
    case 'join':
    case 'now':
      return true;
    case 'compare':
      return expression.op === '=' || expression.op === '!=';
    case 'choice':
      return neverAbsent(expression.then) && expression.otherwise !== undefined && neverAbsent(expression.otherwise);
    case 'boolean':
    case 'not':
      return neverAbsent(expression.of);
    default:
      return false;
  }
}

function wrapped(sql: string): string {
  return sql.startsWith('CASE') ? `(${sql})` : sql;
}
