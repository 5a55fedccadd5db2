/** A tenant with campaigns and definitions by name, without a ledger; somebody subscribes to every announcement. */
import { VirtualClock } from '../../lib/clock';
import { Campaigns, type Campaign, type CampaignDefinition, type CampaignDeps } from '../../lib/campaigns';
import type { Principal, Role } from '../../lib/access';
import { NotFoundError } from '../../lib/errors';
import type { Scope, Store } from '../../lib/store';
import type { TestDatabase } from '../kit/databases';

export const NOON = Date.UTC(2026, 2, 1, 12);

/** What a definition is when a test does not say otherwise: no flow, only a lifecycle. */
export function definition(more: Partial<CampaignDefinition> = {}): CampaignDefinition {
  return { name: 'Generic', entry: 'start', entryMode: 'none', onUnknown: 'hold', deployed: true, ...more };
}

export function person(id: string, ...roles: Role[]): Principal {
  return { id, roles };
}

export class House {
  readonly definitions = new Map<string, CampaignDefinition>([['generic', definition()]]);
  readonly segments = new Set(['pros', 'vips', 'trolls']);
  readonly campaigns: Campaigns;

  private constructor(
    readonly store: Store,
    readonly scope: Scope,
    readonly clock: VirtualClock,
    deps: Partial<CampaignDeps>,
  ) {
    this.campaigns = new Campaigns({
      scope,
      definition: (key) => Promise.resolve(this.definitions.get(key)),
      checkSegment: (key) =>
        this.segments.has(key)
          ? Promise.resolve()
          : Promise.reject(new NotFoundError('E_UNKNOWN_SEGMENT', `There is no segment "${key}".`)),
      changed: () => undefined,
      ...deps,
    });
  }

  static async open(db: TestDatabase, deps: Partial<CampaignDeps> = {}): Promise<House> {
    const clock = new VirtualClock(NOON);
    const store = await db.open({ clock });
    const scope = store.tenant('acme');
    await scope.run(
      `INSERT INTO marketing_subscriptions
         (tenant_id, kind, subscription_key, events, enabled, created_by, created_at, updated_at)
       VALUES (:tenant, 'webhook', 'all', '["*"]', 1, 'test', 0, 0)`,
    );
    return new House(store, scope, clock, deps);
  }

  /** A campaign in a state, got there by its actions. */
  async at(state: Campaign['state'], key: string): Promise<Campaign> {
    const ways: Record<Campaign['state'], string[]> = {
      draft: [],
      scheduled: ['schedule'],
      queued: ['queue'],
      active: ['launch'],
      paused: ['launch', 'pause'],
      completed: ['launch', 'complete'],
      cancelled: ['cancel'],
    };
    let campaign = await this.campaigns.create({ key });
    for (const action of ways[state]) campaign = await this.campaigns.act(key, action);
    return campaign;
  }

  async count(table: string, where = '1 = 1'): Promise<number> {
    const row = await this.scope.get<{ n: number }>(
      `SELECT COUNT(*) AS n FROM marketing_${table} WHERE tenant_id = :tenant AND ${where}`,
    );
    return Number(row?.n ?? 0);
  }

  /** The history: events with who did it. */
  async history(campaign?: number): Promise<string[]> {
    const rows = await this.scope.all<{ event: string; actor: string; campaign_id: number }>(
      `SELECT event, actor, campaign_id FROM marketing_history WHERE tenant_id = :tenant ORDER BY id`,
    );
    return rows
      .filter((row) => campaign === undefined || row.campaign_id === campaign)
      .map(({ event, actor }) => `${event} by ${actor}`);
  }

  /** Types that were announced. */
  async announced(): Promise<string[]> {
    const rows = await this.scope.all<{ type: string }>(
      `SELECT type FROM marketing_outbox WHERE tenant_id = :tenant ORDER BY id`,
    );
    return rows.map(({ type }) => type.replace('marketing.campaign.', ''));
  }

  /** Everything that a change may touch, to see that nothing was. */
  async everything(): Promise<unknown> {
    const tables = ['campaigns', 'campaign_channels', 'history', 'outbox', 'assignments', 'metrics', 'comments'];
    const rows: unknown[] = [];
    for (const table of tables) {
      rows.push(await this.scope.all(`SELECT * FROM marketing_${table} WHERE tenant_id = :tenant`));
    }
    return rows;
  }
}
