import { announce } from '../outbox';
import type { Engagement, LeadReaction, NewEngagement } from '../leads';
import { conversionOf, fromMicros, moveMetrics } from '../metrics';
import type { Scope } from '../store';
import { authorise, type Actor } from '../access';
import { didSinceEntry, goalEngagements, type ReachedGoal } from './goals';
import { conversionPage, conversionReport, type ConversionPage } from './report';
import { rowsOfNamed, rowsOfTouches, type ConversionRow } from './rows';
import { countedTypes, termsOfNamed, touchesBefore } from './touches';
import { WHOLE, type Attributed, type ConversionReport, type OnAttributed } from './types';

const ROW = {
  campaign: 'int',
  lead: 'int',
  event_key: 'text',
  did: 'text',
  by_model: 'text',
  is_chosen: 'int',
  of_variant: 'text',
  on_channel: 'text',
  touch_kind: 'text',
  touched: 'int',
  touched_at: 'int',
  part_of: 'int',
  micros: 'int',
  counts: 'int',
  counts_micros: 'int',
  happened_at: 'int',
} as const;

/** Conversions of one tenant: attributed to campaigns in the transaction that records them. */
export class Conversions {
  private readonly listeners: OnAttributed[] = [];

  /** @param record writes engagements, with all that follows from them */
  constructor(
    private readonly scope: Scope,
    private readonly record: (engagements: readonly Engagement[]) => Promise<unknown> = () => Promise.resolve(),
  ) {}

  /** What follows from engagements. Add it to the reactions. */
  get reaction(): LeadReaction {
    return {
      onlyWhere: {
        exists: 'SELECT 1 FROM marketing_conversion_events WHERE tenant_id = :tenant',
        // A conversion by its name that names its campaign needs no terms.
        concerns: (list) => list.some(({ campaign }) => campaign !== undefined),
      },
      engaged: (tx, list) => this.attribute(tx, list),
      removed: (tx, lead) => forget(tx, lead),
    };
  }

  /** Hears of conversions as campaigns have them, by the model that each goes by. The returned function ends that. */
  onAttributed(listener: OnAttributed): () => void {
    this.listeners.push(listener);
    return () => {
      const at = this.listeners.indexOf(listener);
      if (at >= 0) this.listeners.splice(at, 1);
    };
  }

  /**
   * The conversions of one campaign, with what each model makes of them.
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`; ForbiddenError
   */
  async report(
    campaign: number,
    query: { from?: number; to?: number } = {},
    { actor }: { actor?: Actor } = {},
  ): Promise<ConversionReport> {
    authorise(actor, 'analytics:read');
    return conversionReport(this.scope, campaign, query);
  }

  /**
   * The single conversions of a campaign, the latest first, as its model shares them.
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`; InputError `E_PAGE`; ForbiddenError
   */
  async list(
    campaign: number,
    page: { before?: number; limit?: number } = {},
    { actor }: { actor?: Actor } = {},
  ): Promise<ConversionPage> {
    authorise(actor, 'analytics:read');
    return conversionPage(this.scope, campaign, page);
  }

  /** Records that people have reached goals: conversions of their campaigns, each key once. @throws InputError `E_ENGAGEMENT` */
  async reach(reached: readonly ReachedGoal[]): Promise<void> {
    if (reached.length > 0) await this.record(await goalEngagements(this.scope, reached));
  }

  /** Which of these enrollments belong to leads who have done something since they entered. */
  async didSinceEntry(enrollments: readonly number[], event: string): Promise<Set<number>> {
    return didSinceEntry(this.scope, enrollments, event);
  }

  private async attribute(tx: Scope, list: readonly NewEngagement[]): Promise<void> {
    const counted = await countedTypes(
      tx,
      list.map(({ type }) => type),
    );
    const rows = [...(await this.named(tx, list)), ...(await unnamed(tx, list, counted))];
    if (rows.length === 0) return;
    const fresh = await insertRows(tx, rows);
    await moveMetrics(
      tx,
      fresh.flatMap(({ campaign, variant, channel, at, counted: times, countedMicros }) =>
        conversionOf({ campaign, variant, channel, at, valueMicros: countedMicros }, times),
      ),
    );
    const attributed = attributedOf(fresh);
    await announce(
      tx,
      attributed.map(({ campaign, lead, event, model, share, valueMicros, at }) => ({
        type: 'marketing.conversion.attributed',
        data: { campaign, lead, event, model, share: share / WHOLE, value: fromMicros(valueMicros), at },
      })),
    );
    for (const listener of this.listeners) await listener(tx, attributed);
  }

  private async named(tx: Scope, list: readonly NewEngagement[]): Promise<ConversionRow[]> {
    const naming = list.flatMap((one) => (one.campaign === undefined ? [] : [{ one, campaign: one.campaign }]));
    const terms = await termsOfNamed(
      tx,
      naming.map(({ one, campaign }) => ({ campaign, type: one.type })),
    );
    return naming.flatMap(({ one, campaign }) => rowsOfNamed(one, campaign, terms.get(`${campaign} ${one.type}`)));
  }
}

async function unnamed(
  tx: Scope,
  list: readonly NewEngagement[],
  counted: ReadonlySet<string>,
): Promise<ConversionRow[]> {
  const open = list.filter(({ campaign, type }) => campaign === undefined && counted.has(type));
  const found = await touchesBefore(tx, open);
  return open.flatMap((engagement, index) =>
    rowsOfTouches(
      engagement,
      found.filter(({ n }) => n === index),
    ),
  );
}

/** Writes rows; those that were not there. An event that was recorded, forgotten and recorded again is attributed once. */
async function insertRows(tx: Scope, rows: readonly ConversionRow[]): Promise<readonly ConversionRow[]> {
  const { dialect } = tx;
  const known = await tx.all<{ event_id: string; campaign_id: number }>(
    `SELECT DISTINCT c.event_id, c.campaign_id FROM ${dialect.rows('rows', { event_key: 'text' }, 'r')}
     ${dialect.join} marketing_conversions c ON c.tenant_id = :tenant AND c.event_id = r.event_key`,
    { rows: JSON.stringify([...new Set(rows.map(({ eventId }) => eventId))].map((id) => [id])) },
  );
  const there = new Set(known.map((row) => `${row.campaign_id} ${row.event_id}`));
  const fresh = rows.filter(({ campaign, eventId }) => !there.has(`${campaign} ${eventId}`));
  if (fresh.length === 0) return fresh;
  await tx.run(
    `INSERT INTO marketing_conversions (tenant_id, campaign_id, lead_id, event_id, event, model, chosen, variant, channel, touch, touch_id,
            touch_at, share, value_micros, counted, counted_micros, converted_at)
     SELECT :tenant, r.campaign, r.lead, r.event_key, r.did, r.by_model, r.is_chosen, r.of_variant, r.on_channel, r.touch_kind, r.touched,
            r.touched_at, r.part_of, r.micros, r.counts, r.counts_micros, r.happened_at
     FROM ${dialect.rows('rows', ROW, 'r')} WHERE 1 = 1`,
    {
      rows: JSON.stringify(
        fresh.map((row) => [
          row.campaign,
          row.lead,
          row.eventId,
          row.event,
          row.model,
          row.chosen ? 1 : 0,
          row.variant,
          row.channel,
          row.touch,
          row.touchId,
          row.touchAt,
          row.share,
          row.valueMicros,
          row.counted,
          row.countedMicros,
          row.at,
        ]),
      ),
    },
  );
  return fresh;
}

/** What conversions are to each campaign, by its own model; its touches together. */
function attributedOf(rows: readonly ConversionRow[]): Attributed[] {
  const found = new Map<string, Attributed>();
  for (const row of rows) {
    if (!row.chosen) continue;
    const { campaign, lead, variant, channel, event, eventId, at, model, machine } = row;
    const key = `${campaign} ${eventId}`;
    const before = found.get(key);
    found.set(key, {
      campaign,
      lead,
      variant,
      channel,
      event,
      eventId,
      at,
      model,
      machine,
      share: (before?.share ?? 0) + row.share,
      valueMicros: (before?.valueMicros ?? 0) + row.valueMicros,
      named: row.touch === 'named',
    });
  }
  return [...found.values()];
}

/** Takes a lead that is removed out of its conversions; what campaigns count stays. Event ids come from others and may say whose they were. */
async function forget(tx: Scope, lead: number): Promise<void> {
  const forgotten = tx.dialect.name === 'mysql' ? `CONCAT('forgotten:', id)` : `'forgotten:' || id`;
  await tx.run(
    `UPDATE marketing_conversions SET lead_id = 0, event_id = ${forgotten} WHERE tenant_id = :tenant AND lead_id = :lead`,
    { lead },
  );
}
