import { authorise, nameOf } from '../access';
import { ConflictError } from '../errors';
import { record } from '../history';
import type { Scope } from '../store';
import { changedMeanwhile, mustBeVersion } from './refusals';
import { PURGED, readCampaign } from './rows';
import { announceCampaign } from './telling';
import type { ActionOptions, Campaign } from './types';

/** For how long a deleted campaign can be restored, ms: 30 days. */
export const KEPT_MS = 30 * 86_400_000;

/** Rows that are deleted in one transaction. */
const CHUNK = 1_000;

/** Takes campaigns away, gives them back, and in the end deletes them for good. */
export class Removal {
  constructor(private readonly scope: Scope) {}

  /** See `Campaigns.remove`. */
  remove(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    return this.mark(key, options, {
      type: 'marketing.campaign.deleted',
      event: 'campaign.deleted',
      deletedAt: this.scope.clock.now(),
    });
  }

  /** See `Campaigns.restore`. */
  restore(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    return this.mark(key, options, {
      type: 'marketing.campaign.restored',
      event: 'campaign.restored',
      deletedAt: undefined,
    });
  }

  /** See `Campaigns.purgeDeleted`. */
  async purge(before: number, { actor }: ActionOptions = {}): Promise<number> {
    authorise(actor, 'campaign:delete');
    const rows = await this.scope.all<{ id: number }>(
      `SELECT id FROM marketing_campaigns WHERE tenant_id = :tenant AND deleted_at < :before ORDER BY deleted_at, id`,
      { before },
    );
    let purged = 0;
    for (const { id } of rows) if (await this.purgeOne(id, before, nameOf(actor))) purged++;
    return purged;
  }

  private async mark(
    key: number | string,
    options: ActionOptions,
    {
      type,
      event,
      deletedAt,
    }: {
      type: 'marketing.campaign.deleted' | 'marketing.campaign.restored';
      event: string;
      deletedAt: number | undefined;
    },
  ): Promise<Campaign> {
    authorise(options.actor, 'campaign:delete');
    return this.scope.transaction(async (tx) => {
      const campaign = await readCampaign(tx, key);
      mustBeVersion(campaign, options.version);
      if ((campaign.deletedAt === undefined) === (deletedAt === undefined)) return campaign;
      if (campaign.state === 'active') {
        throw new ConflictError(
          'E_CAMPAIGN_STATE',
          `The campaign "${campaign.key}" is active and cannot be deleted. Pause it first.`,
          { details: { campaign: campaign.key, state: campaign.state } },
        );
      }
      const changed = await tx.run(
        `UPDATE marketing_campaigns SET deleted_at = :deletedAt, version = version + 1, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND version = :seen`,
        { id: campaign.id, deletedAt: deletedAt ?? null, now: tx.clock.now(), seen: campaign.version },
      );
      if (changed === 0) throw changedMeanwhile(campaign.key);
      const actor = nameOf(options.actor);
      const reason = options.reason === undefined ? {} : { payload: { reason: options.reason } };
      await record(tx, { event, campaign: campaign.id, actor, ...reason });
      const after = await readCampaign(tx, campaign.id);
      await announceCampaign(tx, type, after, actor);
      return after;
    });
  }

  private async purgeOne(id: number, before: number, actor: string): Promise<boolean> {
    // From here on nobody sees it, and nobody restores half of it; whoever comes after a crash goes on.
    const marked = await this.scope.run(
      `UPDATE marketing_campaigns SET deleted_at = ${PURGED} WHERE tenant_id = :tenant AND id = :id AND deleted_at < :before`,
      { id, before },
    );
    if (marked === 0) return false;
    await this.purgePeople(id);
    for (const [table, where] of OWN_ROWS) await this.purgeRows(table, where, id);
    for (const [table, where] of SMALL) {
      await this.scope.run(`DELETE FROM ${table} WHERE tenant_id = :tenant AND ${where}`, { id });
    }
    return this.scope.transaction(async (tx) => {
      const gone = await tx.run(`DELETE FROM marketing_campaigns WHERE tenant_id = :tenant AND id = :id`, { id });
      if (gone > 0) await record(tx, { event: 'campaign.purged', campaign: id, actor });
      return gone > 0;
    });
  }

  /** Enrollments with their steps: steps have no index by campaign. */
  private async purgePeople(id: number): Promise<void> {
    for (let gone = CHUNK; gone === CHUNK;) {
      gone = await this.scope.transaction(async (tx) => {
        const rows = await tx.all<{ id: number }>(
          `SELECT id FROM marketing_enrollments WHERE tenant_id = :tenant AND campaign_id = :id LIMIT ${CHUNK}`,
          { id },
        );
        const chosen = `(SELECT r.enrollment FROM ${tx.dialect.rows('rows', { enrollment: 'int' }, 'r')})`;
        const bound = { rows: JSON.stringify(rows.map((row) => [row.id])) };
        await tx.run(`DELETE FROM marketing_steps WHERE tenant_id = :tenant AND enrollment_id IN ${chosen}`, bound);
        await tx.run(`DELETE FROM marketing_enrollments WHERE tenant_id = :tenant AND id IN ${chosen}`, bound);
        return rows.length;
      });
    }
  }

  private async purgeRows(table: string, where: string, id: number): Promise<void> {
    for (let gone = CHUNK; gone === CHUNK;) {
      gone = await this.scope.transaction(async (tx) => {
        const rows = await tx.all<{ id: number }>(
          `SELECT id FROM ${table} WHERE tenant_id = :tenant AND ${where} LIMIT ${CHUNK}`,
          { id },
        );
        if (rows.length === 0) return 0;
        return tx.run(
          `DELETE FROM ${table} WHERE tenant_id = :tenant
             AND id IN (SELECT r.gone FROM ${tx.dialect.rows('rows', { gone: 'int' }, 'r')})`,
          { rows: JSON.stringify(rows.map((row) => [row.id])) },
        );
      });
    }
  }
}

const PROMOTIONS = `(SELECT p.id FROM marketing_promotions p WHERE p.tenant_id = :tenant AND p.campaign_id = :id)`;
const COUPONS = `(SELECT k.id FROM marketing_coupons k WHERE k.tenant_id = :tenant AND k.promotion_id IN ${PROMOTIONS})`;
const APPROVALS = `(SELECT a.id FROM marketing_approvals a WHERE a.tenant_id = :tenant AND a.campaign_id = :id)`;
const ENGAGEMENTS = `(SELECT g.id FROM marketing_engagements g WHERE g.tenant_id = :tenant AND g.campaign_id = :id)`;

/** Rows of a campaign, of which there may be many; what hangs on others goes before them. */
const OWN_ROWS: readonly (readonly [table: string, where: string])[] = [
  ['marketing_messages', 'campaign_id = :id'],
  ['marketing_comments', `entity = 'engagement' AND entity_id IN ${ENGAGEMENTS}`],
  ['marketing_attachments', `entity = 'engagement' AND entity_id IN ${ENGAGEMENTS}`],
  ['marketing_engagements', 'campaign_id = :id'],
  ['marketing_comments', `entity = 'campaign' AND entity_id = :id`],
  ['marketing_attachments', `entity = 'campaign' AND entity_id = :id`],
  ['marketing_schedule_runs', 'campaign_id = :id'],
  ['marketing_escalations', 'campaign_id = :id'],
  ['marketing_approval_seats', `approval_id IN ${APPROVALS}`],
  ['marketing_approvals', 'campaign_id = :id'],
  ['marketing_redemptions', `coupon_id IN ${COUPONS}`],
  ['marketing_coupons', `promotion_id IN ${PROMOTIONS}`],
  ['marketing_promotions', 'campaign_id = :id'],
  ['marketing_exposures', 'campaign_id = :id'],
  [
    'marketing_variants',
    `experiment_id IN (SELECT e.id FROM marketing_experiments e WHERE e.tenant_id = :tenant AND e.campaign_id = :id)`,
  ],
  ['marketing_experiments', 'campaign_id = :id'],
  ['marketing_assignments', 'campaign_id = :id'],
  ['marketing_conversions', 'campaign_id = :id'],
  ['marketing_costs', 'campaign_id = :id'],
  ['marketing_waits', 'campaign_id = :id'],
  ['marketing_undos', 'campaign_id = :id'],
  ['marketing_undo_runs', 'campaign_id = :id'],
];

/** Rows without an id of their own: a few per hour or station. */
const SMALL: readonly (readonly [table: string, where: string])[] = [
  ['marketing_counters', 'campaign_id = :id'],
  ['marketing_metrics', 'campaign_id = :id'],
  ['marketing_paces', 'campaign_id = :id'],
  ['marketing_trigger_marks', 'campaign_id = :id'],
  ['marketing_trigger_refusals', 'campaign_id = :id'],
  ['marketing_campaign_channels', 'campaign_id = :id'],
  ['marketing_conversion_events', 'campaign_id = :id'],
  ['marketing_reservations', 'campaign_id = :id'],
  ['marketing_roi', 'campaign_id = :id'],
];
