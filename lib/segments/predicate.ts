import { InputError } from '../errors';
import type { Condition } from '../conditions';
import type { Scope, SqlValue, SqlValues } from '../store';
import { usable, type Loaded } from './catalogue';
import { combine } from './composition';
import type { Composition } from './types';

/** A text that is true or false (never NULL) of a lead, and its named values. */
export interface Predicate {
  readonly text: string;
  readonly values: SqlValues;
}

/** Longer predicates would make some database give up. */
const LONGEST = 200_000;

/** Writes predicates over `marketing_leads` under an alias; all of one statement share one moment and one writer. */
export class PredicateWriter {
  readonly values: Record<string, SqlValue> = {};
  private parts = 0;

  constructor(
    private readonly scope: Scope,
    private readonly segments: ReadonlyMap<string, Loaded>,
    private readonly alias: string,
    private readonly now: number,
    private readonly prefix = 'seg',
  ) {}

  /** Who belongs to a segment at this moment. @throws NotFoundError `E_UNKNOWN_SEGMENT`; MarketingError `E_SEGMENT_BROKEN` */
  segment(key: string): string {
    const { segment, condition } = usable(this.segments, key);
    switch (segment.kind) {
      case 'static':
        return this.members(segment.id);
      case 'composed':
        return this.composition(segment.composition);
      case 'dynamic':
        // What the database cannot decide exactly, the last calculation has decided.
        return condition?.sqlExactOn(this.scope.dialect) ? this.condition(condition) : this.members(segment.id);
    }
  }

  composition(composition: Composition): string {
    const text = combine(composition, (key) => this.segment(key));
    if (text.length > LONGEST) {
      throw new InputError(
        'E_COMPOSITION',
        'This composition is too large for one statement: compose fewer or simpler segments.',
      );
    }
    return text;
  }

  /** @throws ConditionError `E_NOT_SQL` when this database cannot decide it */
  condition(condition: Condition, constants?: Readonly<Record<string, unknown>>): string {
    const predicate = condition.toSql(this.scope.dialect, {
      alias: this.alias,
      prefix: `${this.prefix}${this.parts++}_`,
      now: this.now,
      ...(constants ? { constants } : undefined),
    });
    Object.assign(this.values, predicate.values);
    return `((${predicate.text}) IS TRUE)`;
  }

  private members(segmentId: number): string {
    const name = `${this.prefix}${this.parts++}_id`;
    this.values[name] = segmentId;
    return `EXISTS (SELECT 1 FROM marketing_segment_members sm
       WHERE sm.tenant_id = :tenant AND sm.segment_id = :${name} AND sm.lead_id = ${this.alias}.id)`;
  }
}
