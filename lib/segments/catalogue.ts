import { compileCondition, type Condition, type ConditionSchema } from '../conditions';
import { MarketingError, messageOf, NotFoundError } from '../errors';
import { parseJson, type Dialect, type Scope } from '../store';
import { keysOf } from './composition';
import type { Segment, SegmentDefinition } from './types';

/** A segment that is ready to be evaluated. */
export interface Loaded {
  readonly segment: Segment;
  /** The compiled condition of a dynamic one. */
  readonly condition?: Condition;
  /** Why it cannot be evaluated (its attribute or its evaluator is gone). */
  readonly broken?: string;
}

export interface SegmentRow {
  id: number;
  segment_key: string;
  name: string;
  kind: SegmentDefinition['kind'];
  definition: string;
  reads: unknown;
  lead_count: number;
  refreshed_at: number | null;
  version: number;
  created_at: number;
  updated_at: number;
}

/** The column `reads`: a reserved word on MariaDB and MySQL. */
export function readsColumn(dialect: Dialect): string {
  return dialect.name === 'mysql' ? '`reads`' : 'reads';
}

/** The columns of a {@link SegmentRow}. */
export function segmentColumns(dialect: Dialect): string {
  return `id, segment_key, name, kind, definition, ${readsColumn(dialect)}, lead_count, refreshed_at, version, created_at, updated_at`;
}

/** A stored row as a segment. */
export function segmentOf(row: SegmentRow): Segment {
  return {
    ...(JSON.parse(row.definition) as SegmentDefinition),
    id: row.id,
    key: row.segment_key,
    name: row.name,
    count: row.lead_count,
    ...(row.refreshed_at === null ? undefined : { refreshedAt: row.refreshed_at }),
    reads: parseJson<string[]>(row.reads, []),
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** How long the hot path trusts what it knows about the segments, milliseconds. Changes made here are seen at once. */
const TRUST_MS = 1_000;

/** The tenant's segments, compiled once per version. */
export class Catalogue {
  private readonly byKey = new Map<string, Loaded>();
  private checkedAt: number | undefined;

  constructor(
    private readonly scope: Scope,
    private readonly schema: (scope: Scope) => Promise<ConditionSchema>,
  ) {}

  /** Forgets how fresh it is: the next look goes to the database. */
  touch(): void {
    this.checkedAt = undefined;
  }

  /** Forgets everything: after a transaction that may have been rolled back. */
  forget(): void {
    this.byKey.clear();
    this.checkedAt = undefined;
  }

  /** All segments as they are now, by key. One statement when nothing has changed. */
  async current(scope: Scope = this.scope): Promise<ReadonlyMap<string, Loaded>> {
    const rows = await scope.all<{ id: number; segment_key: string; version: number }>(
      'SELECT id, segment_key, version FROM marketing_segments WHERE tenant_id = :tenant',
    );
    const stale = rows.filter((row) => {
      const known = this.byKey.get(row.segment_key)?.segment;
      return known?.id !== row.id || known.version !== row.version;
    });
    if (stale.length > 0)
      await this.load(
        scope,
        stale.map((row) => row.id),
      );
    if (this.byKey.size > rows.length) {
      const keys = new Set(rows.map((row) => row.segment_key));
      for (const key of this.byKey.keys()) if (!keys.has(key)) this.byKey.delete(key);
    }
    this.checkedAt = this.scope.clock.monotonic();
    return this.byKey;
  }

  /** All segments, at most {@link TRUST_MS} old: for switches, which ask for every group of people. */
  async recent(scope: Scope = this.scope): Promise<ReadonlyMap<string, Loaded>> {
    const fresh = this.checkedAt !== undefined && this.scope.clock.monotonic() - this.checkedAt < TRUST_MS;
    return fresh ? this.byKey : this.current(scope);
  }

  private async load(scope: Scope, ids: readonly number[]): Promise<void> {
    const schema = await this.schema(scope);
    const rows = await scope.all<SegmentRow>(
      `SELECT ${segmentColumns(scope.dialect)} FROM marketing_segments
        WHERE tenant_id = :tenant AND id IN (SELECT r.id FROM ${scope.dialect.rows('ids', { id: 'int' }, 'r')})`,
      { ids: JSON.stringify(ids.map((id) => [id])) },
    );
    for (const row of rows) this.byKey.set(row.segment_key, compile(segmentOf(row), schema));
  }
}

function compile(segment: Segment, schema: ConditionSchema): Loaded {
  if (segment.kind !== 'dynamic') return { segment };
  try {
    return { segment, condition: compileCondition(segment.condition, schema) };
  } catch (error) {
    return { segment, broken: messageOf(error) };
  }
}

/** @throws NotFoundError `E_UNKNOWN_SEGMENT`; MarketingError `E_SEGMENT_BROKEN` */
export function usable(segments: ReadonlyMap<string, Loaded>, key: string): Loaded {
  const loaded = segments.get(key);
  if (!loaded) throw unknownSegment(key);
  if (loaded.broken !== undefined) {
    throw new MarketingError(
      'E_SEGMENT_BROKEN',
      `The segment "${key}" cannot be evaluated any more: ${loaded.broken}`,
      { details: { key } },
    );
  }
  return loaded;
}

/** The error for a key that names no segment. */
export function unknownSegment(key: string): NotFoundError {
  return new NotFoundError('E_UNKNOWN_SEGMENT', `There is no segment "${key.slice(0, 128)}".`, { details: { key } });
}

/** The composed segments that contain `key`, directly or not, contained ones before those that contain them. */
export function ancestorsOf(segments: ReadonlyMap<string, Loaded>, key: string): Loaded[] {
  const found: Loaded[] = [];
  const seen = new Set<string>();
  const visit = (child: string): void => {
    for (const loaded of segments.values()) {
      const { segment } = loaded;
      if (segment.kind !== 'composed' || seen.has(segment.key) || !keysOf(segment.composition).includes(child))
        continue;
      seen.add(segment.key);
      visit(segment.key);
      // Its own containers are listed by now; it goes before them.
      found.unshift(loaded);
    }
  };
  visit(key);
  return found;
}
