import { authorise, nameOf, type Actor } from '../access';
import { ConflictError, NotFoundError } from '../errors';
import { record } from '../history';
import { lockCampaigns } from '../ledger';
import type { Scope } from '../store';
import type { Campaigns } from './campaigns';
import { takeAsSent, type OnTaken } from './reconcile';
import { standingOf } from './standing';
import type { ActionOptions, CampaignReport } from './types';
import { storiesWhere, storyOfEnrollment, type StoryLine, type StorySource, type Why } from './why';

/** Somebody who could not be served, with the cause. */
export interface DeadLetter {
  step: number;
  lead: number;
  station: string;
  reason: string;
  at: number;
}

/** How many could not be served for the same reason, at the same step. */
export interface DeadCause {
  station: string;
  reason: string;
  people: number;
  /** The latest, ms. */
  at: number;
}

/** Whom to put back into the queue: everybody, or these, or those of one cause. */
interface Chosen {
  steps?: readonly number[];
  reason?: string;
}

/** A message of which nobody knows whether it went out. */
export interface UnknownMessage {
  step: number;
  lead: number;
  station: string;
  address: string | null;
  /** Message-ID or idempotency key, to look it up at the provider. */
  messageKey: string;
  since: number;
}

/** Who looks, or decides; held to their roles. */
type ReadBy = Pick<ActionOptions, 'actor'>;

/** What people look at and decide about a campaign under way: its report, its stuck people, anybody's story. */
export class CampaignDesk {
  constructor(
    private readonly scope: Scope,
    private readonly campaigns: Campaigns,
    /** Called when people go on. */
    private readonly woken: () => void,
    /** What others know of somebody's way. */
    private readonly storySources: readonly StorySource[] = [],
    private readonly onTaken?: OnTaken,
  ) {}

  /** How a campaign's people fare, counted from the rows. */
  async report(key: number | string, { actor }: ReadBy = {}): Promise<CampaignReport> {
    authorise(actor, 'analytics:read');
    const campaign = await this.campaigns.get(key);
    const values = { id: campaign.id };
    return this.scope.background(async (db) => {
      const { endedBy, under, stuckBy } = await standingOf(db, campaign);
      const messages = await db.all<{ state: string; in_doubt: number; count: number }>(
        `SELECT m.state, m.in_doubt, COUNT(*) AS count FROM marketing_messages m
         WHERE m.tenant_id = :tenant AND m.campaign_id = :id GROUP BY m.state, m.in_doubt`,
        values,
      );
      const stations = await db.all<{ id: number; step: string; kind: string }>(
        `SELECT t.id, t.step, t.kind FROM marketing_stations t
         WHERE t.tenant_id = :tenant AND t.definition_key = :definition ORDER BY t.id`,
        { definition: campaign.definition },
      );
      const counters = await db.all<{ station_id: number; name: string; count: number }>(
        `SELECT station_id, name, count FROM marketing_counters WHERE tenant_id = :tenant AND campaign_id = :id`,
        values,
      );
      const waiting = await db.all<{ station_id: number; people: number }>(
        `SELECT s.station_id, COUNT(*) AS people FROM marketing_steps s
         WHERE s.tenant_id = :tenant AND s.campaign_id = :id AND s.state IN ('waiting', 'working', 'paused')
           AND s.station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.definition_key = :definition)
         GROUP BY s.station_id`,
        { ...values, definition: campaign.definition },
      );
      const messagesBy: Record<string, number> = {};
      for (const { state, count } of messages) messagesBy[state] = (messagesBy[state] ?? 0) + Number(count);
      const byStation = (id: number): Record<string, number> =>
        Object.fromEntries(
          counters.filter((row) => row.station_id === id).map(({ name, count }) => [name, Number(count)]),
        );
      return {
        campaign,
        audience: under + Object.values(endedBy).reduce((sum, people) => sum + people, 0),
        waiting: under - stuckBy.unknown - stuckBy.dead - stuckBy.orphaned,
        dead: stuckBy.dead,
        unknown: stuckBy.unknown,
        orphaned: stuckBy.orphaned,
        ended: endedBy,
        messages: messagesBy,
        possiblyTwice: messages
          .filter(({ state, in_doubt }) => state === 'sent' && in_doubt === 1)
          .reduce((sum, { count }) => sum + Number(count), 0),
        suppressedAtSend: counters
          .filter(({ name }) => name === 'suppressed')
          .reduce((sum, row) => sum + Number(row.count), 0),
        stations: stations.map(({ id, step, kind }) => ({
          step,
          kind,
          waiting: Number(waiting.find((row) => row.station_id === id)?.people ?? 0),
          counters: byStation(id),
        })),
      };
    });
  }

  /** Messages of which nobody knows whether they went out. They name addresses, which takes `lead:read`. */
  unknown(key: number | string, { actor, limit = 1_000 }: ReadBy & { limit?: number } = {}): Promise<UnknownMessage[]> {
    return this.stuck(key, actor, async (id, definition) =>
      this.scope.all<UnknownMessage & object>(
        `SELECT s.id AS step, s.lead_id AS lead, t.step AS station, m.address, m.message_key AS ${this.scope.dialect.quote('messageKey')},
                s.updated_at AS since
         FROM marketing_steps s
         JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant AND t.definition_key = :definition
         JOIN marketing_messages m ON m.step_id = s.id AND m.tenant_id = :tenant
         WHERE s.tenant_id = :tenant AND s.campaign_id = :id AND s.state = 'unknown' ORDER BY s.id LIMIT ${Math.floor(limit)}`,
        { id, definition },
      ),
    );
  }

  /** The dead-letter list of a campaign. */
  deadLetters(key: number | string, { actor, limit = 1_000 }: ReadBy & { limit?: number } = {}): Promise<DeadLetter[]> {
    return this.stuck(key, actor, async (id, definition) =>
      this.scope.all<DeadLetter & object>(
        `SELECT s.id AS step, s.lead_id AS lead, t.step AS station, s.reason, s.updated_at AS at FROM marketing_steps s
         JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant AND t.definition_key = :definition
         WHERE s.tenant_id = :tenant AND s.campaign_id = :id AND s.state = 'failed' ORDER BY s.id LIMIT ${Math.floor(limit)}`,
        { id, definition },
      ),
    );
  }

  /** The dead-letter list by its causes, the most frequent first. */
  deadCauses(key: number | string, { actor }: ReadBy = {}): Promise<DeadCause[]> {
    return this.stuck(key, actor, async (id, definition) => {
      const rows = await this.scope.all<DeadCause & object>(
        `SELECT t.step AS station, s.reason, COUNT(*) AS people, MAX(s.updated_at) AS at FROM marketing_steps s
         JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant AND t.definition_key = :definition
         WHERE s.tenant_id = :tenant AND s.campaign_id = :id AND s.state = 'failed'
         GROUP BY t.step, s.reason ORDER BY COUNT(*) DESC, t.step, s.reason LIMIT 200`,
        { id, definition },
      );
      return rows.map((row) => ({ ...row, reason: row.reason ?? '', people: Number(row.people), at: Number(row.at) }));
    });
  }

  /**
   * Puts everybody in the dead-letter list (or the given steps, or those with one reason) back into the queue.
   * @throws ConflictError `E_CAMPAIGN_STATE`, when the campaign is neither active nor paused
   */
  retry(key: number | string, { actor, ...chosen }: ReadBy & Chosen = {}): Promise<number> {
    return this.putBack(key, 'failed', 'campaign.retried', chosen, actor);
  }

  /**
   * Decides about messages in doubt: `sent` = take them as sent and go on, `resend` = send them again with the same
   * Message-ID (they may arrive twice). Sending again takes a campaign under way; taking as sent is always possible.
   * @throws ConflictError `E_CAMPAIGN_STATE`
   */
  async reconcile(
    key: number | string,
    as: 'sent' | 'resend',
    { steps, actor }: ReadBy & { steps?: readonly number[] } = {},
  ): Promise<number> {
    if (as === 'resend') return this.putBack(key, 'unknown', 'campaign.resent', steps ? { steps } : {}, actor);
    authorise(actor, 'campaign:launch');
    const campaign = await this.campaigns.get(key);
    let total = 0;
    for (;;) {
      const count = await this.scope.transaction(async (tx) => {
        const rows = await this.pick(tx, campaign.id, campaign.definition, 'unknown', steps ? { steps } : {});
        if (rows.length === 0) return 0;
        const taken = await takeAsSent(
          tx,
          rows.map(({ id }) => id),
          this.onTaken,
        );
        await record(tx, {
          event: 'campaign.reconciled',
          campaign: campaign.id,
          actor: nameOf(actor),
          payload: { as, people: taken },
        });
        return taken;
      });
      total += count;
      if (count === 0) break;
    }
    this.woken();
    return total;
  }

  /**
   * Somebody's stories in a campaign, one per enrollment: each decision with the values that were looked at, each hold and step, in order.
   * @throws NotFoundError `E_NOT_ENROLLED`
   */
  async stories(key: number | string, lead: number, { actor }: ReadBy = {}): Promise<Why[]> {
    authorise(actor, 'lead:read');
    const campaign = await this.campaigns.get(key, asked(actor));
    const where = 'e.campaign_id = :campaign AND e.lead_id = :lead';
    const stories = await storiesWhere(this.scope, where, { campaign: campaign.id, lead }, this.storySources);
    if (stories.length > 0) return stories;
    throw new NotFoundError(
      'E_NOT_ENROLLED',
      `Lead ${lead} never entered the campaign "${campaign.key}": it was not in its audience when the campaign was launched, or its trigger has not let it in.`,
    );
  }

  /** {@link stories} in one list. */
  async why(key: number | string, lead: number, by: ReadBy = {}): Promise<StoryLine[]> {
    return (await this.stories(key, lead, by)).flatMap(({ lines }) => lines);
  }

  /** The story of one enrollment. @throws NotFoundError `E_UNKNOWN_ENROLLMENT` */
  async whyEnrollment(enrollment: number, { actor }: ReadBy = {}): Promise<Why> {
    authorise(actor, 'lead:read');
    return storyOfEnrollment(this.scope, enrollment, this.storySources);
  }

  private async stuck<T>(
    key: number | string,
    actor: Actor | undefined,
    read: (id: number, definition: string) => Promise<T[]>,
  ): Promise<T[]> {
    authorise(actor, 'lead:read');
    const campaign = await this.campaigns.get(key, asked(actor));
    return read(campaign.id, campaign.definition);
  }

  private async putBack(
    key: number | string,
    state: 'failed' | 'unknown',
    event: string,
    chosen: Chosen,
    actor: Actor | undefined,
  ): Promise<number> {
    authorise(actor, 'campaign:launch');
    const campaign = await this.campaigns.get(key);
    let total = 0;
    for (;;) {
      const count = await this.scope.transaction(async (tx) => {
        // Held until the commit: nobody is put back into a campaign that is completed at this moment.
        mustBeUnderWay(campaign.key, (await lockCampaigns(tx, [campaign.id])).get(campaign.id));
        const rows = await this.pick(tx, campaign.id, campaign.definition, state, chosen);
        if (rows.length === 0) return 0;
        await tx.run(
          `UPDATE marketing_steps SET state = 'waiting', due_at = :now, crashes = 0, reason = NULL, updated_at = :now
           WHERE tenant_id = :tenant AND state = :state AND id IN (SELECT r.step FROM ${tx.dialect.rows('rows', { step: 'int' }, 'r')})`,
          { now: tx.clock.now(), state, rows: JSON.stringify(rows.map(({ id }) => [id])) },
        );
        await record(tx, { event, campaign: campaign.id, actor: nameOf(actor), payload: { people: rows.length } });
        return rows.length;
      });
      total += count;
      if (count === 0) break;
    }
    this.woken();
    return total;
  }

  private pick(
    tx: Scope,
    id: number,
    definition: string,
    state: string,
    { steps, reason }: Chosen,
  ): Promise<{ id: number; station_id: number }[]> {
    const some = [
      ...(steps ? [`AND s.id IN (SELECT r.step FROM ${tx.dialect.rows('steps', { step: 'int' }, 'r')})`] : []),
      ...(reason === undefined ? [] : [`AND s.reason = :reason`]),
    ].join(' ');
    return tx.all<{ id: number; station_id: number }>(
      `SELECT s.id, s.station_id FROM marketing_steps s
       WHERE s.tenant_id = :tenant AND s.campaign_id = :id AND s.state = :state ${some}
         AND s.station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.definition_key = :definition)
       ORDER BY s.id LIMIT 2000`,
      {
        id,
        definition,
        state,
        ...(steps ? { steps: JSON.stringify(steps.map((step) => [step])) } : {}),
        ...(reason === undefined ? {} : { reason }),
      },
    );
  }
}

function asked(actor: Actor | undefined): ReadBy {
  return actor === undefined ? {} : { actor };
}

function mustBeUnderWay(key: string, state: string | undefined): void {
  if (state === 'active' || state === 'paused') return;
  const advice =
    state === 'completed'
      ? 'Launch it again for its next run; messages in doubt can still be taken as sent.'
      : 'Create another campaign for those people; messages in doubt can still be taken as sent.';
  throw new ConflictError(
    'E_CAMPAIGN_STATE',
    `The campaign "${key}" is ${state ?? 'gone'}: nobody of it can be served any more. ${advice}`,
    { details: { campaign: key, state } },
  );
}
