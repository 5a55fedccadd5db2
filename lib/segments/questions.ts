import { compileCondition, type Condition } from '../conditions';
import { leadView, leadViews } from '../leads';
import type { Scope } from '../store';
import { usable, type Catalogue, type Loaded } from './catalogue';
import { checkComposition, keysOf } from './composition';
import { matchingClosure, matchingSql } from './matching';
import { PredicateWriter, type Predicate } from './predicate';
import { look, lookByClosure } from './recalculate';
import type { Preview, PreviewInput, SegmentsDeps } from './types';

const NO_SEGMENTS: ReadonlyMap<string, Loaded> = new Map();

/** Answers who belongs to a segment at this moment; saves nothing. */
export class Questions {
  constructor(
    private readonly scope: Scope,
    private readonly catalogue: Catalogue,
    private readonly deps: SegmentsDeps,
  ) {}

  /** See `Segments.predicate`. */
  async predicate(key: string, alias: string, prefix: string): Promise<Predicate> {
    const writer = new PredicateWriter(
      this.scope,
      await this.catalogue.recent(),
      alias,
      this.scope.clock.now(),
      prefix,
    );
    const text = writer.segment(key);
    return { text, values: writer.values };
  }

  /** See `Segments.answersLive`. */
  async answersLive(key: string): Promise<boolean> {
    const segments = await this.catalogue.recent();
    const live = (name: string): boolean => {
      const { segment, condition } = usable(segments, name);
      if (segment.kind === 'composed') return keysOf(segment.composition).every(live);
      return condition === undefined || condition.sqlExactOn(this.scope.dialect);
    };
    return live(key);
  }

  /** See `Segments.matching`. */
  async matching(leadIds: readonly number[], key: string, scope: Scope): Promise<Set<number>> {
    const segments = await this.catalogue.recent(scope);
    const { condition } = usable(segments, key);
    const now = scope.clock.now();
    if (condition && !condition.sqlExactOn(scope.dialect)) return matchingClosure(scope, leadIds, condition, now);
    const writer = new PredicateWriter(scope, segments, 'l', now);
    const text = writer.segment(key);
    return matchingSql(scope, leadIds, { text, values: writer.values });
  }

  /** See `Segments.matchesCondition`. */
  async matchesCondition(
    leadIds: readonly number[],
    condition: Condition,
    constants: Readonly<Record<string, unknown>> | undefined,
    scope: Scope,
  ): Promise<Set<number>> {
    const now = scope.clock.now();
    if (!condition.sqlExactOn(scope.dialect)) return matchingClosure(scope, leadIds, condition, now, constants);
    const writer = new PredicateWriter(scope, NO_SEGMENTS, 'l', now);
    const text = writer.condition(condition, constants);
    return matchingSql(scope, leadIds, { text, values: writer.values });
  }

  /** See `Segments.preview`. */
  async preview(input: PreviewInput, sample: number): Promise<Preview> {
    const segments = new Map(await this.catalogue.current());
    const now = this.scope.clock.now();
    const condition =
      'condition' in input
        ? compileCondition(input.condition, await this.deps.leads.schema())
        : 'key' in input
          ? usable(segments, input.key).condition
          : undefined;
    return this.scope.background(async (db) => {
      if (condition && !condition.sqlExactOn(db.dialect)) {
        const { count, ids } = await lookByClosure(db, condition, now, sample);
        const views = await leadViews(db, ids);
        return { count, sample: ids.flatMap((id) => views.get(id) ?? []) };
      }
      const writer = new PredicateWriter(db, segments, 'l', now);
      const text = condition
        ? writer.condition(condition)
        : 'composition' in input
          ? writer.composition(checkComposition(input.composition))
          : writer.segment('key' in input ? input.key : '');
      const { count, rows } = await look(db, { text, values: writer.values }, sample);
      return { count, sample: rows.map(leadView) };
    });
  }
}
