import { authorise, type Actor, type Principal } from '../access';
import type { CampaignState } from '../campaigns';
import { InputError } from '../errors';
import type { Scope } from '../store';
import { businessIds, filterOf, whoseOf, type Filter, type Whose } from './business';
import { Lately } from './lately';
import { campaignsOf, pageIds } from './page';
import { totalsOfAll, totalsOfFew } from './totals';
import type {
  DashboardPage,
  DashboardQuery,
  DashboardTotals,
  SalesDashboard,
  TenantDashboard,
  UserDashboard,
} from './types';

/** Up to so many campaigns, totals are added up whenever they are asked for. */
const HANDFUL = 100;
/** Up to so many, the first totals are waited for. */
const FEW = 1_000;
const SORTS = ['createdAt', '-createdAt', 'name', '-name'];
const MOST_HELD = 20;

/** What dashboards need from their surroundings. */
export interface DashboardDeps {
  /** Told when totals could not be counted in the background. */
  onError?: (error: unknown) => void;
}

/** The dashboards of one tenant. */
export class Dashboards {
  private readonly totals: Lately<DashboardTotals>;
  private readonly states: Lately<TenantDashboard['campaigns']>;

  /** `MarketingDashboard.forUser(id).activeCampaigns(…)`: the campaigns that are somebody's business, with their figures. */
  readonly MarketingDashboard = {
    /** A user's name, or a principal with roles and teams. */
    forUser: (user: string | Principal): UserDashboard => ({
      activeCampaigns: (query) => this.page(whoseOf(user), query),
    }),
  };

  /** `SmDashboard.forUser(id).active(…)`: the same in the words of sales. */
  readonly SmDashboard = {
    forUser: (user: string | Principal): SalesDashboard => ({ active: (query) => this.page(whoseOf(user), query) }),
  };

  constructor(
    private readonly scope: Scope,
    { onError = () => undefined }: DashboardDeps = {},
  ) {
    this.totals = new Lately(scope.clock, onError);
    this.states = new Lately(scope.clock, onError);
  }

  /** The tenant at a glance. @throws ForbiddenError `E_FORBIDDEN` */
  async dashboard({ actor }: { actor?: Actor } = {}): Promise<TenantDashboard> {
    authorise(actor, 'campaign:read');
    authorise(actor, 'analytics:read');
    const { scope } = this;
    const filter = filterOf({});
    const few = await scope.all<{ id: number; state: CampaignState }>(
      `SELECT c.id, c.state FROM marketing_campaigns c WHERE c.tenant_id = :tenant AND c.deleted_at IS NULL LIMIT ${FEW + 1}`,
    );
    const held = await scope.all<{ id: number; key: string; reason: string }>(
      `SELECT c.id, c.campaign_key AS ${scope.dialect.quote('key')}, c.hold_reason AS reason FROM marketing_campaigns c
       WHERE c.tenant_id = :tenant AND c.state = 'active' AND c.deleted_at IS NULL AND c.hold_since > 0
       ORDER BY c.hold_since DESC, c.id LIMIT ${MOST_HELD}`,
    );
    if (few.length <= FEW) {
      const active = few.filter(({ state }) => state === 'active').map(({ id }) => id);
      const totals = await this.totalsOf('', active, (db) => totalsOfAll(db, undefined, filter));
      return { campaigns: tally(few), held, ...(totals ? { active: totals } : {}) };
    }
    const campaigns = this.states.ask('', () => scope.background(countStates)) ?? {};
    const active = await this.totalsOf('', undefined, (db) => totalsOfAll(db, undefined, filter));
    return { campaigns, held, ...(active ? { active } : {}) };
  }

  /** Resolves when nothing is being counted in the background. */
  async idle(): Promise<void> {
    await Promise.all([this.totals.idle(), this.states.idle()]);
  }

  private async page(whose: Whose, query: DashboardQuery = {}): Promise<DashboardPage> {
    const { actor, sort = '-createdAt', limit = 20, cursor } = query;
    authorise(actor, 'campaign:read');
    authorise(actor, 'analytics:read');
    if (!SORTS.includes(sort)) throw new InputError('E_QUERY', `A dashboard is sorted by one of ${SORTS.join(', ')}.`);
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new InputError('E_LIMIT', `A page has 1 to 100 campaigns, not ${limit}.`);
    }
    const { scope } = this;
    const filter = filterOf(query);
    const question = JSON.stringify([whose, filter]);
    const many = (this.totals.last(question)?.campaigns ?? 0) > FEW;
    const few = many ? undefined : await this.fewOf(whose, filter);
    const { ids, cursor: next } = await pageIds(scope, whose, filter, { sort, limit, cursor, few });
    const totals = await this.totalsOf(question, few, (db) => totalsOfAll(db, whose, filter));
    return {
      items: await campaignsOf(scope, ids),
      ...(next === undefined ? {} : { cursor: next }),
      ...(totals ? { totals } : {}),
    };
  }

  /** All ids, where there are few. */
  private async fewOf(whose: Whose, filter: Filter): Promise<number[] | undefined> {
    const ids = await businessIds(this.scope, whose, filter, { way: 'DESC', limit: FEW + 1 });
    return ids.length > FEW ? undefined : ids;
  }

  private async totalsOf(
    question: string,
    few: readonly number[] | undefined,
    count: (db: Scope) => Promise<DashboardTotals>,
  ): Promise<DashboardTotals | undefined> {
    if (few && few.length <= HANDFUL) return totalsOfFew(this.scope, few);
    const find = (): Promise<DashboardTotals> =>
      this.scope.background((db) => (few ? totalsOfFew(db, few) : count(db)));
    return few ? this.totals.first(question, find) : this.totals.ask(question, find);
  }
}

/** The dashboards of a scope's tenant. */
export function createDashboards(scope: Scope, deps: DashboardDeps = {}): Dashboards {
  return new Dashboards(scope, deps);
}

function tally(rows: readonly { state: CampaignState }[]): TenantDashboard['campaigns'] {
  const counts: Partial<Record<CampaignState, number>> = {};
  for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

async function countStates(db: Scope): Promise<TenantDashboard['campaigns']> {
  const rows = await db.all<{ state: CampaignState; campaigns: number }>(
    `SELECT c.state, COUNT(*) AS campaigns FROM marketing_campaigns c
     WHERE c.tenant_id = :tenant AND c.deleted_at IS NULL GROUP BY c.state`,
  );
  return Object.fromEntries(rows.map(({ state, campaigns }) => [state, Number(campaigns)]));
}
