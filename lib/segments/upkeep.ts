import type { Scope } from '../store';
import { ancestorsOf, usable, type Catalogue, type Loaded } from './catalogue';
import { keysOf } from './composition';
import { affectedOrder, depth } from './definition';
import { matchingClosure } from './matching';
import { compareBySet, compareBySql, settle, slices, type Compare } from './members';
import { PredicateWriter } from './predicate';
import { recalculateSegment } from './recalculate';
import type { MembershipChange, OnMembership, RecalculationResult, Segment, SegmentsDeps } from './types';

/** Keeps the members of calculated segments right: as a whole, and when leads change. */
export class Upkeep {
  constructor(
    private readonly scope: Scope,
    private readonly catalogue: Catalogue,
    private readonly deps: SegmentsDeps,
  ) {}

  /** See `Segments.recalculate`. */
  async recalculate(
    key: string,
    options: { onPage?: OnMembership; dependents?: boolean } = {},
  ): Promise<RecalculationResult> {
    const segments = new Map(await this.catalogue.current());
    const result = await this.recalculateOne(segments, usable(segments, key), options.onPage);
    const dependents: RecalculationResult[] = [];
    if (options.dependents !== false) {
      for (const loaded of ancestorsOf(segments, key))
        dependents.push(await this.recalculateOne(segments, loaded, options.onPage));
    }
    return { ...result, dependents };
  }

  /** See `Segments.recalculateAll`. */
  async recalculateAll(options: { onPage?: OnMembership } = {}): Promise<RecalculationResult[]> {
    const segments = new Map(await this.catalogue.current());
    const simple = [...segments.values()].filter(({ segment }) => segment.kind !== 'composed');
    const composed = new Set(simple.flatMap(({ segment }) => ancestorsOf(segments, segment.key)));
    const inOrder = [...composed].sort((a, b) => depth(segments, a) - depth(segments, b));
    const results: RecalculationResult[] = [];
    for (const loaded of [...simple, ...inOrder]) {
      if (loaded.broken === undefined && !this.dependsOnBroken(segments, loaded)) {
        results.push(await this.recalculateOne(segments, loaded, options.onPage));
      }
    }
    return results;
  }

  /** See `Segments.leadsChanged`. */
  async leadsChanged(ids: readonly number[], fields: readonly string[]): Promise<MembershipChange[]> {
    const segments = new Map(await this.catalogue.current());
    const changes = new Map<string, { segment: Segment; entered: number[]; left: number[] }>();
    const fieldSet = new Set(fields);
    for (const loaded of affectedOrder(segments)) {
      const { segment } = loaded;
      if (loaded.broken !== undefined || this.dependsOnBroken(segments, loaded)) continue;
      if (!fieldSet.has('*') && !segment.reads.some((field) => fieldSet.has(field))) continue;
      const compare = this.compare(segments, loaded);
      for (const part of slices(ids)) {
        // A look without a lock first: most changes move nobody.
        const { entered, left } = await compare(this.scope, part);
        if (entered.length === 0 && left.length === 0) continue;
        const done = await settle(this.scope, segment, [...entered, ...left], compare, this.deps.onMembership);
        const change = changes.get(segment.key) ?? { segment, entered: [], left: [] };
        change.entered.push(...done.entered);
        change.left.push(...done.left);
        changes.set(segment.key, change);
        fieldSet.add(`segment:${segment.key}`);
      }
    }
    return Array.from(changes.values(), ({ segment, entered, left }) => ({
      segment: { id: segment.id, key: segment.key },
      entered,
      left,
    }));
  }

  private compare(segments: ReadonlyMap<string, Loaded>, { segment, condition }: Loaded): Compare {
    const now = this.scope.clock.now();
    if (condition && !condition.sqlExactOn(this.scope.dialect)) {
      return compareBySet(segment.id, (scope, ids) => matchingClosure(scope, ids, condition, now));
    }
    const writer = new PredicateWriter(this.scope, segments, 'l', now);
    const text = writer.segment(segment.key);
    return compareBySql(segment.id, { text, values: writer.values });
  }

  private dependsOnBroken(segments: ReadonlyMap<string, Loaded>, { segment }: Loaded): boolean {
    if (segment.kind !== 'composed') return false;
    return keysOf(segment.composition).some((key) => {
      const child = segments.get(key);
      return !child || child.broken !== undefined || this.dependsOnBroken(segments, child);
    });
  }

  private async recalculateOne(
    segments: ReadonlyMap<string, Loaded>,
    loaded: Loaded,
    onPage: OnMembership | undefined,
  ): Promise<RecalculationResult> {
    const { clock } = this.scope;
    const start = clock.monotonic();
    const hooks = [this.deps.onMembership, onPage].filter((hook) => hook !== undefined);
    const counted = await this.scope.background((db) =>
      recalculateSegment(db, {
        loaded,
        segments,
        now: clock.now(),
        onMembership: async (tx, change) => {
          for (const hook of hooks) await hook(tx, change);
        },
      }),
    );
    return { key: loaded.segment.key, ...counted, ms: clock.monotonic() - start, dependents: [] };
  }
}
