import { createHash } from 'node:crypto';
import type { Condition } from '../conditions';
import type { AudiencePage } from '../ledger';
import type { Scope, SqlValue, SqlValues } from '../store';
import { readCampaign } from './rows';
import type { Campaign } from './types';

/** A text that is true or false (never NULL) of a lead, and its named values. */
export interface AudiencePredicate {
  readonly text: string;
  readonly values: SqlValues;
}

/** What resolving an audience needs from segments and conditions. */
export interface AudienceDeps {
  scope: Scope;
  /** Who belongs to a saved segment at this moment, over `marketing_leads` under an alias; names of values begin with the prefix. */
  segmentSql(key: string, alias: string, prefix: string): Promise<AudiencePredicate>;
  compile(condition: string | object): Promise<Condition>;
  /** Those of some leads of whom a condition is true: for what this database cannot decide. */
  matching(
    leads: readonly number[],
    condition: Condition,
    constants: Readonly<Record<string, unknown>>,
  ): Promise<Set<number>>;
}

/** Who an audience is, counted. */
export interface AudienceEstimate {
  /** People whom a launch would enter. */
  audience: number;
  /** People who get nothing, for comparison. */
  heldOut: number;
}

type Who = Pick<Campaign, 'id' | 'key' | 'name' | 'data' | 'segment' | 'audience'>;

/** Leads that are looked at in one statement when they are counted one by one. */
const SCAN = 5_000;

/** Finds out who the audience of a campaign is: at the moment of asking, never stored. */
export class AudienceReader {
  constructor(private readonly deps: AudienceDeps) {}

  /**
   * A page of a campaign's audience in the order of lead ids, after lead `after`: for the ledger. The last lead that was looked
   * at says where to go on; how many of the page are in the audience says nothing.
   */
  async page(campaign: number | Who, after: number, limit: number): Promise<AudiencePage> {
    const who = typeof campaign === 'number' ? await readCampaign(this.deps.scope, campaign) : campaign;
    const { text, values, rest } = await this.predicate(who);
    // In the background: where few leads match, finding a page may mean looking at many.
    const rows = await this.deps.scope.background((db) =>
      db.all<{ id: number }>(
        `SELECT l.id FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.id > :after AND ${text} ORDER BY l.id LIMIT :limit`,
        { ...values, after, limit },
      ),
    );
    const last = rows.length < limit ? undefined : rows.at(-1)?.id;
    const found = await this.filter(
      rows.map(({ id }) => id),
      rest,
      who,
    );
    const leads = found.filter((lead) => !isHeldOut(who, lead));
    return last === undefined ? { leads } : { leads, last };
  }

  /** How many people a launch would enter now. Those held out are the holdout's share: who they are is decided one by one. */
  async estimate(campaign: Who): Promise<AudienceEstimate> {
    const { text, values, rest } = await this.predicate(campaign);
    const all = rest ? await this.scan(campaign) : await this.count(text, values);
    const heldOut = Math.round((all * (campaign.audience?.holdout ?? 0)) / 100);
    return { audience: all - heldOut, heldOut };
  }

  private async count(text: string, values: SqlValues): Promise<number> {
    const row = await this.deps.scope.background((db) =>
      db.get<{ people: number }>(
        `SELECT COUNT(*) AS people FROM marketing_leads l WHERE l.tenant_id = :tenant AND ${text}`,
        values,
      ),
    );
    return Number(row?.people ?? 0);
  }

  private async scan(campaign: Who): Promise<number> {
    const everybody = { ...campaign, audience: { ...campaign.audience, holdout: 0 } };
    let all = 0;
    for (let after: number | undefined = 0; after !== undefined;) {
      const page: AudiencePage = await this.page(everybody, after, SCAN);
      all += page.leads.length;
      after = page.last;
    }
    return all;
  }

  /** The audience as SQL; what this database cannot decide is left as `rest`. */
  private async predicate({
    segment,
    audience = {},
    ...campaign
  }: Who): Promise<AudiencePredicate & { rest?: Condition }> {
    const { scope } = this.deps;
    const values: Record<string, SqlValue> = {};
    let parts = 0;
    const segmentSql = async (key: string): Promise<string> => {
      const predicate = await this.deps.segmentSql(key, 'l', `a${parts++}s`);
      Object.assign(values, predicate.values);
      return `(${predicate.text})`;
    };
    const all: string[] = ['(1 = 1)'];
    if (segment !== undefined) all.push(await segmentSql(segment));
    const included: string[] = [];
    for (const key of audience.include ?? []) included.push(await segmentSql(key));
    if (included.length > 0) all.push(`(${included.join(audience.match === 'all' ? ' AND ' : ' OR ')})`);
    for (const key of audience.exclude ?? []) all.push(`NOT ${await segmentSql(key)}`);
    if (audience.condition === undefined) return { text: all.join(' AND '), values };
    const condition = await this.deps.compile(audience.condition);
    if (!condition.sqlExactOn(scope.dialect)) return { text: all.join(' AND '), values, rest: condition };
    const own = condition.toSql(scope.dialect, {
      alias: 'l',
      prefix: 'own',
      now: scope.clock.now(),
      constants: constantsOf(campaign),
    });
    Object.assign(values, own.values);
    all.push(`((${own.text}) IS TRUE)`);
    return { text: all.join(' AND '), values };
  }

  private async filter(leads: readonly number[], rest: Condition | undefined, who: Who): Promise<readonly number[]> {
    if (!rest || leads.length === 0) return leads;
    const matching = await this.deps.matching(leads, rest, constantsOf(who));
    return leads.filter((lead) => matching.has(lead));
  }
}

/** What a condition may read of the campaign. */
function constantsOf({ id, key, name, data }: Pick<Who, 'id' | 'key' | 'name' | 'data'>): Record<string, unknown> {
  return { campaign: { id, key, name, data } };
}

/**
 * Whether somebody belongs to the part of an audience that gets nothing. The same answer in every run and at every time, for
 * comparing later; another part of the people in each campaign.
 */
export function isHeldOut({ id, audience }: Pick<Campaign, 'id' | 'audience'>, lead: number): boolean {
  const holdout = audience?.holdout ?? 0;
  if (holdout <= 0) return false;
  const share = createHash('sha256').update(`${id}:${lead}`).digest().readUInt32BE(0) / 2 ** 32;
  return share * 100 < holdout;
}
