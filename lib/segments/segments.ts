import type { Condition } from '../conditions';
import { InputError } from '../errors';
import type { Scope } from '../store';
import { Catalogue } from './catalogue';
import { CatalogueChanges } from './catalogue-changes';
import { behavioursOf } from './matching';
import type { Predicate } from './predicate';
import { Questions } from './questions';
import { StaticLists } from './static-lists';
import type {
  MembershipChange,
  OnMembership,
  Preview,
  PreviewInput,
  RecalculationResult,
  Segment,
  SegmentChange,
  SegmentInput,
  SegmentsDeps,
  Who,
} from './types';
import { Upkeep } from './upkeep';

/** The segments of one tenant. Make it with {@link createSegments}. */
export class Segments {
  private readonly catalogue: Catalogue;
  private readonly changes: CatalogueChanges;
  private readonly upkeep: Upkeep;
  private readonly lists: StaticLists;
  private readonly questions: Questions;

  constructor(
    private readonly scope: Scope,
    deps: SegmentsDeps,
  ) {
    this.catalogue = new Catalogue(scope, (within) => deps.leads.schema(within));
    this.changes = new CatalogueChanges(scope, this.catalogue, deps);
    this.upkeep = new Upkeep(scope, this.catalogue, deps);
    this.questions = new Questions(scope, this.catalogue, deps);
    this.lists = new StaticLists(scope, deps, (ids, key) => this.leadsChanged(ids, [`segment:${key}`]));
  }

  /**
   * Saves a new segment. A dynamic or composed one has no members until it is recalculated.
   * @throws InputError `E_SEGMENT_KEY`, `E_SEGMENT_NAME`, `E_COMPOSITION`; ConditionError; NotFoundError `E_UNKNOWN_SEGMENT` for a
   * part of a composition; ConflictError `E_SEGMENT_EXISTS`
   */
  async create(input: SegmentInput): Promise<Segment> {
    return this.changes.create(input);
  }

  /**
   * Changes a segment that is still at `version`. A changed definition takes effect on its members with the next recalculation.
   * @throws as {@link create}; ConflictError `E_VERSION` when somebody else changed it first; InputError `E_SEGMENT_KIND`
   */
  async update(key: string, version: number, change: SegmentChange): Promise<Segment> {
    return this.changes.update(key, version, change);
  }

  /** @throws NotFoundError `E_UNKNOWN_SEGMENT` */
  async get(key: string): Promise<Segment> {
    return this.changes.get(key);
  }

  /** All segments, by key. */
  async list(): Promise<Segment[]> {
    return this.changes.list();
  }

  /**
   * Removes a segment and its memberships; nobody "leaves" it.
   * @throws NotFoundError `E_UNKNOWN_SEGMENT`; ConflictError `E_SEGMENT_IN_USE`
   */
  async remove(key: string): Promise<void> {
    await this.changes.remove(key);
  }

  /** Keys of the segments whose conditions read an attribute: they keep it from being undeclared. */
  async readersOf(attribute: string): Promise<string[]> {
    return [...(await this.catalogue.current()).values()]
      .filter(({ segment }) => segment.kind === 'dynamic' && segment.reads.includes(attribute))
      .map(({ segment }) => `the segment "${segment.key}"`);
  }

  /** Keys of the segments whose members change by the passing of time alone: recalculate them now and then. */
  async timeDependent(): Promise<string[]> {
    return [...(await this.catalogue.current()).values()]
      .filter(({ condition }) => condition?.usesNow)
      .map(({ segment }) => segment.key);
  }

  /** Members page by page, in the order of their ids: those behind `after`. */
  async members(key: string, page: { after?: number; limit?: number } = {}): Promise<number[]> {
    const { id } = await this.get(key);
    const limit = page.limit ?? 1_000;
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
      throw new InputError('E_LIMIT', 'A page has 1 to 10,000 members.');
    const rows = await this.scope.all<{ lead_id: number }>(
      `SELECT lead_id FROM marketing_segment_members WHERE tenant_id = :tenant AND segment_id = :id AND lead_id > :after ORDER BY lead_id LIMIT ${limit}`,
      { id, after: page.after ?? 0 },
    );
    return rows.map((row) => row.lead_id);
  }

  /**
   * Puts leads on a static list.
   * @returns how many were added, were on it already, and which keys belong to nobody
   * @throws NotFoundError `E_UNKNOWN_SEGMENT`; ConflictError `E_SEGMENT_KIND` when it is no static one
   */
  async add(key: string, who: Who): Promise<{ added: number; already: number; unknown: (string | number)[] }> {
    const { moved: added, same: already, unknown } = await this.lists.edit(await this.get(key), who, true);
    return { added, already, unknown };
  }

  /** Takes leads off a static list. Throws as {@link add}. */
  async takeOff(key: string, who: Who): Promise<{ removed: number; absent: number; unknown: (string | number)[] }> {
    const { moved: removed, same: absent, unknown } = await this.lists.edit(await this.get(key), who, false);
    return { removed, absent, unknown };
  }

  /**
   * Who belongs to a segment at this moment, as SQL over `marketing_leads` under an alias: for an audience or a filter of
   * another statement. Never NULL. The values' names begin with `prefix`.
   * @throws NotFoundError `E_UNKNOWN_SEGMENT`; MarketingError `E_SEGMENT_BROKEN`
   */
  async predicate(key: string, alias = 'l', prefix = 'seg'): Promise<Predicate> {
    return this.questions.predicate(key, alias, prefix);
  }

  /**
   * Whether {@link predicate} looks at the leads themselves. Where it cannot (a condition that this database does not
   * decide exactly), it goes by the members of the last recalculation.
   * @throws NotFoundError `E_UNKNOWN_SEGMENT`; MarketingError `E_SEGMENT_BROKEN`
   */
  async answersLive(key: string): Promise<boolean> {
    return this.questions.answersLive(key);
  }

  /** The same for an audience that may be everybody. */
  async audienceSql(key: string | undefined, alias = 'l', prefix = 'seg'): Promise<Predicate> {
    return key === undefined ? { text: '(1 = 1)', values: {} } : this.predicate(key, alias, prefix);
  }

  /** Those of the given leads who belong to a segment at this moment. One statement for the group. */
  async matching(leadIds: readonly number[], key: string, scope = this.scope): Promise<Set<number>> {
    return this.questions.matching(leadIds, key, scope);
  }

  /**
   * Those of the given leads of whom a condition is true, with what they did. One statement for the group.
   * @param constants what else it reads, such as `{ campaign }`
   */
  async matchesCondition(
    leadIds: readonly number[],
    condition: Condition,
    constants?: Readonly<Record<string, unknown>>,
    scope = this.scope,
  ): Promise<Set<number>> {
    return this.questions.matchesCondition(leadIds, condition, constants, scope);
  }

  /** Whether some leads did what a condition's `$did` ask for, by their indexes: for who tests the condition lead by lead. */
  async behaviours(
    leadIds: readonly number[],
    condition: Condition,
    scope = this.scope,
  ): Promise<(lead: number, index: number) => boolean> {
    return behavioursOf(scope, leadIds, condition, scope.clock.now());
  }

  /**
   * Makes a segment's members those who belong to it now, then does the same for the composed segments that contain it.
   * @param onPage hears who entered and left, slice by slice, inside each transaction (see {@link OnMembership})
   * @throws NotFoundError `E_UNKNOWN_SEGMENT`; MarketingError `E_SEGMENT_BROKEN`
   */
  async recalculate(
    key: string,
    options: { onPage?: OnMembership; dependents?: boolean } = {},
  ): Promise<RecalculationResult> {
    return this.upkeep.recalculate(key, options);
  }

  /** Recalculates every segment once, contained ones before those that contain them. Broken ones are left as they are. */
  async recalculateAll(options: { onPage?: OnMembership } = {}): Promise<RecalculationResult[]> {
    return this.upkeep.recalculateAll(options);
  }

  /**
   * Brings the members up to date for leads that changed: only in the segments that read one of the changed fields
   * (`*`: all of them). Give it to `createLeads` as `onChanged`.
   */
  async leadsChanged(ids: readonly number[], fields: readonly string[]): Promise<MembershipChange[]> {
    return this.upkeep.leadsChanged(ids, fields);
  }

  /**
   * How many leads belong to a segment, a condition or a composition at this moment, and the first few of them. Nothing is saved.
   * @throws ConditionError; InputError `E_COMPOSITION`; NotFoundError `E_UNKNOWN_SEGMENT`
   */
  async preview(input: PreviewInput, sample = 5): Promise<Preview> {
    return this.questions.preview(input, sample);
  }
}

/** The segments of a scope's tenant. */
export function createSegments(scope: Scope, deps: SegmentsDeps): Segments {
  return new Segments(scope, deps);
}
