import { compileCondition } from '../conditions';
import { ConflictError, InputError } from '../errors';
import type { Scope } from '../store';
import {
  ancestorsOf,
  readsColumn,
  segmentColumns,
  segmentOf,
  unknownSegment,
  usable,
  type Catalogue,
  type Loaded,
  type SegmentRow,
} from './catalogue';
import { keysOf } from './composition';
import { changed, checkName, composedReads, definitionOf, json, outdated } from './definition';
import { PredicateWriter } from './predicate';
import { readsOf } from './reads';
import type { Segment, SegmentChange, SegmentDefinition, SegmentInput, SegmentsDeps } from './types';

const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The definitions of a tenant's segments: made, changed, listed, removed. */
export class CatalogueChanges {
  constructor(
    private readonly scope: Scope,
    private readonly catalogue: Catalogue,
    private readonly deps: SegmentsDeps,
  ) {}

  /** See `Segments.create`. */
  async create(input: SegmentInput): Promise<Segment> {
    if (!KEY.test(input.key)) {
      throw new InputError(
        'E_SEGMENT_KEY',
        `"${input.key.slice(0, 128)}" is no segment key: use 1 to 128 letters, digits, "_", "-" and ".".`,
      );
    }
    const name = checkName(input.name ?? input.key);
    const definition = definitionOf(input);
    return this.change(async (tx, segments) => {
      if (segments.has(input.key))
        throw new ConflictError('E_SEGMENT_EXISTS', `There is already a segment "${input.key}".`);
      const reads = await this.check(tx, segments, input.key, definition);
      const now = tx.clock.now();
      await tx.run(
        `INSERT INTO marketing_segments (tenant_id, segment_key, name, kind, definition, ${readsColumn(tx.dialect)}, created_at, updated_at)
         VALUES (:tenant, :key, :name, :kind, :definition, ${json(tx, ':reads')}, :now, :now)`,
        {
          key: input.key,
          name,
          kind: input.kind,
          definition: JSON.stringify(definition),
          reads: JSON.stringify(reads),
          now,
        },
      );
      return this.read(tx, input.key);
    });
  }

  /** See `Segments.update`. */
  async update(key: string, version: number, change: SegmentChange): Promise<Segment> {
    return this.change(async (tx, segments) => {
      const before = segments.get(key)?.segment;
      if (!before) throw unknownSegment(key);
      if (before.version !== version) throw outdated(before, version);
      const definition = changed(before, change);
      const redefined = change.condition !== undefined || change.composition !== undefined;
      const reads = redefined ? await this.check(tx, segments, key, definition) : before.reads;
      const done = await tx.run(
        `UPDATE marketing_segments SET name = :name, definition = :definition, ${readsColumn(tx.dialect)} = ${json(tx, ':reads')}, version = version + 1,
                refreshed_at = ${redefined ? 'NULL' : 'refreshed_at'}, updated_at = :now
          WHERE tenant_id = :tenant AND segment_key = :key AND version = :version`,
        {
          name: checkName(change.name ?? before.name),
          definition: JSON.stringify(definition),
          reads: JSON.stringify(reads),
          now: tx.clock.now(),
          key,
          version,
        },
      );
      if (done === 0) throw outdated(before, version);
      if (redefined) await this.rewriteReads(tx, key);
      return this.read(tx, key);
    });
  }

  /** See `Segments.get`. */
  async get(key: string): Promise<Segment> {
    return this.read(this.scope, key);
  }

  /** See `Segments.list`. */
  async list(): Promise<Segment[]> {
    const rows = await this.scope.all<SegmentRow>(
      `SELECT ${segmentColumns(this.scope.dialect)} FROM marketing_segments WHERE tenant_id = :tenant ORDER BY segment_key`,
    );
    return rows.map(segmentOf);
  }

  /** See `Segments.remove`. */
  async remove(key: string): Promise<void> {
    const used = [...((await this.deps.usedBy?.(key)) ?? [])];
    const id = await this.change(async (tx, segments) => {
      const { segment } = segments.get(key) ?? {};
      if (!segment) throw unknownSegment(key);
      for (const other of segments.values()) {
        if (other.segment.kind === 'composed' && keysOf(other.segment.composition).includes(key))
          used.push(`the segment "${other.segment.key}"`);
      }
      if (used.length > 0) {
        throw new ConflictError(
          'E_SEGMENT_IN_USE',
          `The segment "${key}" is used by ${used.slice(0, 5).join(', ')}: change those first.`,
          {
            details: { key, usedBy: used },
          },
        );
      }
      await tx.run('DELETE FROM marketing_segments WHERE tenant_id = :tenant AND id = :id', { id: segment.id });
      return segment.id;
    });
    await this.scope.background((db) =>
      db.run('DELETE FROM marketing_segment_members WHERE tenant_id = :tenant AND segment_id = :id', { id }),
    );
  }

  /** Checks a definition and says what it reads. */
  private async check(
    tx: Scope,
    segments: ReadonlyMap<string, Loaded>,
    key: string,
    definition: SegmentDefinition,
  ): Promise<string[]> {
    switch (definition.kind) {
      case 'static':
        return [];
      case 'dynamic':
        return readsOf(compileCondition(definition.condition, await this.deps.leads.schema(tx)));
      case 'composed': {
        const parts = keysOf(definition.composition);
        for (const part of parts) {
          if (
            part === key ||
            (segments.has(key) && ancestorsOf(segments, key).some(({ segment }) => segment.key === part))
          ) {
            throw new InputError(
              'E_SEGMENT_CYCLE',
              `The segment "${key}" would contain itself through "${part}": leave that out.`,
            );
          }
          usable(segments, part);
        }
        // Written once to see that it is not too large for a statement.
        new PredicateWriter(this.scope, segments, 'l', 0).composition(definition.composition);
        return composedReads(segments, definition.composition);
      }
    }
  }

  /** What the containers of a redefined segment read has changed with it. */
  private async rewriteReads(tx: Scope, key: string): Promise<void> {
    this.catalogue.touch();
    const segments = new Map(await this.catalogue.current(tx));
    for (const { segment } of ancestorsOf(segments, key)) {
      if (segment.kind !== 'composed') continue;
      await tx.run(
        `UPDATE marketing_segments SET ${readsColumn(tx.dialect)} = ${json(tx, ':reads')}, version = version + 1 WHERE tenant_id = :tenant AND id = :id`,
        {
          reads: JSON.stringify(composedReads(segments, segment.composition)),
          id: segment.id,
        },
      );
    }
  }

  private async change<T>(work: (tx: Scope, segments: ReadonlyMap<string, Loaded>) => Promise<T>): Promise<T> {
    try {
      return await this.scope.transaction(async (tx) => work(tx, new Map(await this.catalogue.current(tx))));
    } finally {
      // Whether it was committed or not: what was read inside it may not be true.
      this.catalogue.forget();
    }
  }

  private async read(scope: Scope, key: string): Promise<Segment> {
    const row = await scope.get<SegmentRow>(
      `SELECT ${segmentColumns(scope.dialect)} FROM marketing_segments WHERE tenant_id = :tenant AND segment_key = :key`,
      { key },
    );
    if (!row) throw unknownSegment(key);
    return segmentOf(row);
  }
}
