import { randomUUID } from 'node:crypto';
import { InputError, MarketingError } from '../errors';
import { engagementOf, fromMicros, moveMetrics, toMicros, type MetricDelta } from '../metrics';
import type { Scope } from '../store';
import { announceEngagements } from './engagement-announcements';
import { lockLeads } from './lock';
import type { NewEngagement, Reactions } from './reactions';

/** Something a lead did. */
export interface Engagement {
  readonly leadId: number;
  /** `email_opened`, `purchase` …: a letter, then letters, digits, "_", "-", "." or ":", at most 96. */
  readonly type: string;
  /** What makes it one event: recording it again changes nothing. Without one, every call is a new event. */
  readonly eventId?: string;
  /** What it is counted for; a campaign that is not there (any more) is left out. */
  readonly campaignId?: number;
  readonly channel?: string;
  /** Variant of an experiment that brought it, at most 32 characters. */
  readonly variant?: string;
  /**
   * `value`, a number from 0 to a thousand million, is what it brought: the campaign's revenue. With a `currency` that is
   * not the campaign's it is kept, but not counted: amounts are never converted.
   */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** When it happened, milliseconds since 1970; default now. */
  readonly at?: number;
}

/** What became of one engagement. */
export interface RecordedEngagement {
  readonly eventId: string;
  /** `known`: an event with this id was recorded before. `unknown_lead`: nobody has this id; nothing was written. */
  readonly outcome: 'new' | 'known' | 'unknown_lead';
}

const TYPE = /^[a-z][\w.:-]{0,95}$/i;
const LONGEST_METADATA = 65_536;
const LONGEST_CHANNEL = 32;
const LONGEST_VARIANT = 32;
/** In JSON: NUL, and half a character (a lone surrogate). PostgreSQL takes neither. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;
const MOST_TRIES = 5;

interface Look {
  n: number;
  lead: number | null;
  event: number | null;
  campaign: number | null;
  currency: string | null;
}

/**
 * Records engagements in one transaction with their counters and announcements, each event id once. One result per
 * engagement, in order.
 * @throws InputError `E_ENGAGEMENT` for a type, event id or metadata that cannot be stored; then nothing is written
 */
export async function recordEngagements(
  scope: Scope,
  list: readonly Engagement[],
  reactions?: Reactions,
): Promise<RecordedEngagement[]> {
  const items = list.map((one) => ({ ...one, eventId: one.eventId ?? randomUUID(), json: checkEngagement(one) }));
  if (items.length === 0) return [];
  for (let attempt = 1; ; attempt++) {
    try {
      return await scope.transaction((tx) => recordIn(tx, items, reactions));
    } catch (error) {
      if (!(error instanceof Overtaken) || attempt >= MOST_TRIES) throw error;
    }
  }
}

/** Another transaction recorded one of the events between our look and our write. Rolls ours back; it looks again. */
class Overtaken extends MarketingError {
  constructor() {
    super(
      'E_ENGAGEMENT_RACE',
      'The same events are being recorded by somebody else at the same moment: record them again.',
      {
        retryable: true,
      },
    );
  }
}

type Item = Engagement & { eventId: string; json: string };
/** An engagement that is written: its moment, its campaign where there is one, and what it is worth to that. */
type Fresh = Omit<Item, 'campaignId' | 'at'> & { at: number; campaign: number | null; valueMicros: number };

async function recordIn(tx: Scope, items: readonly Item[], reactions?: Reactions): Promise<RecordedEngagement[]> {
  const { dialect } = tx;
  if (reactions?.onEngagements)
    await lockLeads(
      tx,
      items.map(({ leadId }) => leadId),
    );
  const looks = await tx.all<Look>(
    `SELECT r.n, l.id AS lead, e.id AS event, c.id AS campaign, c.currency
       FROM ${dialect.rows('items', { n: 'int', lead_id: 'int', event_id: 'text', for_campaign: 'int' }, 'r')}
       LEFT JOIN marketing_leads l ON l.tenant_id = :tenant AND l.id = r.lead_id
       LEFT JOIN marketing_engagements e ON e.tenant_id = :tenant AND e.event_id = r.event_id
       LEFT JOIN marketing_campaigns c ON c.tenant_id = :tenant AND c.id = r.for_campaign`,
    { items: JSON.stringify(items.map((item, n) => [n, item.leadId, item.eventId, item.campaignId ?? null])) },
  );
  const found = new Map(looks.map((look) => [look.n, look]));
  const seen = new Set<string>();
  const results = items.map((item, n): RecordedEngagement => {
    const look = found.get(n);
    if (look?.event || seen.has(item.eventId)) return { eventId: item.eventId, outcome: 'known' };
    if (!look?.lead) return { eventId: item.eventId, outcome: 'unknown_lead' };
    seen.add(item.eventId);
    return { eventId: item.eventId, outcome: 'new' };
  });
  const now = tx.clock.now();
  const unnamed = items.flatMap((item, n): Fresh[] => {
    const look = found.get(n);
    if (results[n]?.outcome !== 'new' || !look) return [];
    const valueMicros = valueOf(item.metadata, look.currency);
    return [{ ...item, at: item.at ?? now, campaign: look.campaign, valueMicros }];
  });
  if (unnamed.length === 0) return results;
  const fresh = await withVariants(tx, unnamed, reactions);
  // Which rows an ignoring insert left out cannot be asked everywhere; that it left some out can.
  if ((await insert(tx, fresh)) !== fresh.length) throw new Overtaken();
  await moveMetrics(tx, fresh.flatMap(countedOf));
  await announceEngagements(
    tx,
    fresh.map(({ leadId, campaign, type, channel, at, valueMicros }) => ({
      lead: leadId,
      type,
      at,
      ...(campaign === null ? {} : { campaign }),
      ...(channel === undefined ? {} : { channel }),
      ...(valueMicros === 0 ? {} : { value: fromMicros(valueMicros) }),
    })),
  );
  await reactions?.engaged(tx, fresh.map(newEngagement));
  return results;
}

/** What people do in a campaign belongs to the variant that they were shown there, where the engagement names none. */
async function withVariants(tx: Scope, list: readonly Fresh[], reactions?: Reactions): Promise<Fresh[]> {
  const open = list.filter(({ campaign, variant }) => campaign !== null && (variant ?? '') === '');
  if (!reactions || open.length === 0) return [...list];
  const shown = await reactions.variants(
    tx,
    open.flatMap(({ campaign, leadId: lead }) => (campaign === null ? [] : [{ campaign, lead }])),
  );
  return list.map((one) => {
    const variant = (one.variant ?? '') === '' ? shown.get(`${one.campaign ?? ''}:${one.leadId}`) : undefined;
    return variant === undefined ? one : { ...one, variant };
  });
}

function newEngagement({
  leadId,
  type,
  eventId,
  campaign,
  channel,
  variant,
  at,
  valueMicros,
  json,
}: Fresh): NewEngagement {
  // As it was stored: the caller may go on changing its own.
  const metadata = JSON.parse(json) as Record<string, unknown>;
  return {
    leadId,
    type,
    eventId,
    ...(campaign === null ? {} : { campaign }),
    ...(channel === undefined ? {} : { channel }),
    variant: variant ?? '',
    at,
    valueMicros,
    metadata,
    machine: metadata['machine'] === true,
  };
}

/**
 * What an engagement is worth to a campaign with this currency, in millionths: 0 for another currency, and for what is no amount.
 * @param property which of the metadata says so
 */
export function valueOf(
  metadata: Engagement['metadata'],
  currency: string | null | undefined,
  property = 'value',
): number {
  const given = metadata?.['currency'];
  if (typeof given === 'string' && currency && given.toUpperCase() !== currency) return 0;
  return toMicros(metadata && Object.hasOwn(metadata, property) ? metadata[property] : undefined) ?? 0;
}

function countedOf({ campaign, variant = '', channel, type, at, valueMicros }: Fresh): MetricDelta[] {
  return campaign === null ? [] : engagementOf({ campaign, variant, channel: channel ?? null, type, at, valueMicros });
}

async function insert(tx: Scope, items: readonly Fresh[]): Promise<number> {
  const { dialect } = tx;
  const json = dialect.name === 'postgres' ? 'r.metadata::jsonb' : 'r.metadata';
  return tx.run(
    `${dialect.insertCounted} INTO marketing_engagements
            (tenant_id, lead_id, type, event_id, campaign_id, channel, variant, metadata, value_micros, tracked_at)
     SELECT :tenant, r.lead_id, r.type, r.event_id, r.campaign_id, r.channel, r.variant, ${json}, r.value_micros, r.at
       FROM ${dialect.rows('items', ROW, 'r')}
      WHERE 1 = 1 ${dialect.countedTail}`,
    {
      items: JSON.stringify(
        items.map((item) => [
          item.leadId,
          item.type,
          item.eventId,
          item.campaign,
          item.channel ?? null,
          item.variant ?? '',
          item.json,
          item.valueMicros,
          item.at,
        ]),
      ),
    },
  );
}

const ROW = {
  lead_id: 'int',
  type: 'text',
  event_id: 'text',
  campaign_id: 'int',
  channel: 'text',
  variant: 'text',
  metadata: 'text',
  value_micros: 'int',
  at: 'int',
} as const;

/**
 * Takes a lead that is removed out of its engagements, with all notes on them. Those that are counted for a campaign stay,
 * as nobody's and without their metadata: its figures are about messages and money, not about people.
 */
export async function forgetEngagements(tx: Scope, lead: number): Promise<void> {
  for (const table of ['marketing_comments', 'marketing_attachments']) {
    await tx.run(
      `DELETE FROM ${table} WHERE tenant_id = :tenant AND entity = 'engagement'
          AND entity_id IN (SELECT e.id FROM marketing_engagements e WHERE e.tenant_id = :tenant AND e.lead_id = :lead)`,
      { lead },
    );
  }
  await tx.run(
    'DELETE FROM marketing_engagements WHERE tenant_id = :tenant AND lead_id = :lead AND campaign_id IS NULL',
    { lead },
  );
  // Event ids come from others and may say whose they were.
  const forgotten = tx.dialect.name === 'mysql' ? 'CONCAT(:mark, id)' : ':mark || id';
  await tx.run(
    `UPDATE marketing_engagements SET lead_id = 0, metadata = '{}', event_id = ${forgotten}
      WHERE tenant_id = :tenant AND lead_id = :lead`,
    { lead, mark: `forgotten:${randomUUID()}:` },
  );
}

/**
 * Whether an engagement can be stored, whoever's it is.
 * @returns its metadata as JSON
 * @throws InputError `E_ENGAGEMENT`
 */
export function checkEngagement(one: Omit<Engagement, 'leadId'>): string {
  if (typeof one.type !== 'string' || !TYPE.test(one.type)) {
    throw new InputError(
      'E_ENGAGEMENT',
      `"${String(one.type).slice(0, 100)}" is no type of engagement: use a word such as email_opened or purchase.`,
    );
  }
  if (one.eventId !== undefined && !isText(one.eventId, 128)) {
    throw new InputError('E_ENGAGEMENT', 'An event id is a text of 1 to 128 characters, without NUL.');
  }
  if (one.channel !== undefined && !isText(one.channel, LONGEST_CHANNEL)) {
    throw new InputError('E_ENGAGEMENT', `A channel is a text of 1 to ${LONGEST_CHANNEL} characters, such as email.`);
  }
  if (one.variant !== undefined && one.variant !== '' && !isText(one.variant, LONGEST_VARIANT)) {
    throw new InputError('E_ENGAGEMENT', `A variant is a text of at most ${LONGEST_VARIANT} characters, such as B.`);
  }
  if (one.at !== undefined && !Number.isSafeInteger(one.at)) {
    throw new InputError('E_ENGAGEMENT', 'When it happened is a whole number: milliseconds since 1970.');
  }
  const json = one.metadata === undefined ? '{}' : jsonOf(one.metadata);
  if (json === undefined || json.length > LONGEST_METADATA || UNSTORABLE.test(json)) {
    throw new InputError(
      'E_ENGAGEMENT',
      `The metadata of an engagement must be a JSON object of at most ${LONGEST_METADATA} characters, without NUL.`,
    );
  }
  return json;
}

function isText(value: unknown, longest: number): boolean {
  return (
    typeof value === 'string' && value !== '' && value.length <= longest && !UNSTORABLE.test(JSON.stringify(value))
  );
}

/** An object as JSON; undefined for what is none (an array, something with a cycle or a BigInt in it). */
function jsonOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  try {
    const json: unknown = JSON.stringify(value);
    return typeof json === 'string' ? json : undefined;
  } catch {
    return undefined;
  }
}
