import { randomUUID } from 'node:crypto';
import { InputError, MarketingError } from '../errors';
import type { Scope } from '../store';

/** Something a lead did. */
export interface Engagement {
  readonly leadId: number;
  /** `email_opened`, `purchase` …: a letter, then letters, digits, "_", "-", "." or ":", at most 96. */
  readonly type: string;
  /** What makes it one event: recording it again changes nothing. Without one, every call is a new event. */
  readonly eventId?: string;
  readonly campaignId?: number;
  readonly channel?: string;
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
/** In JSON: NUL, and half a character (a lone surrogate). PostgreSQL takes neither. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;
const MOST_TRIES = 5;

interface Look {
  n: number;
  lead: number | null;
  event: number | null;
}

/**
 * Records engagements in one transaction, each event id once. One result per engagement, in order.
 * @throws InputError `E_ENGAGEMENT` for a type, event id or metadata that cannot be stored; then nothing is written
 */
export async function recordEngagements(scope: Scope, list: readonly Engagement[]): Promise<RecordedEngagement[]> {
  const items = list.map((one) => ({ ...one, eventId: one.eventId ?? randomUUID(), json: checkEngagement(one) }));
  if (items.length === 0) return [];
  for (let attempt = 1; ; attempt++) {
    try {
      return await scope.transaction((tx) => recordIn(tx, items));
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

async function recordIn(tx: Scope, items: readonly Item[]): Promise<RecordedEngagement[]> {
  const { dialect } = tx;
  const looks = await tx.all<Look>(
    `SELECT r.n, l.id AS lead, e.id AS event
       FROM ${dialect.rows('items', { n: 'int', lead_id: 'int', event_id: 'text' }, 'r')}
       LEFT JOIN marketing_leads l ON l.tenant_id = :tenant AND l.id = r.lead_id
       LEFT JOIN marketing_engagements e ON e.tenant_id = :tenant AND e.event_id = r.event_id`,
    { items: JSON.stringify(items.map((item, n) => [n, item.leadId, item.eventId])) },
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
  const fresh = items.filter((_item, n) => results[n]?.outcome === 'new');
  if (fresh.length === 0) return results;
  // Which rows an ignoring insert left out cannot be asked everywhere; that it left some out can.
  if ((await insert(tx, fresh)) !== fresh.length) throw new Overtaken();
  return results;
}

async function insert(tx: Scope, items: readonly Item[]): Promise<number> {
  const { dialect } = tx;
  const json = dialect.name === 'postgres' ? 'r.metadata::jsonb' : 'r.metadata';
  const now = tx.clock.now();
  return tx.run(
    `${dialect.insertIgnore} INTO marketing_engagements (tenant_id, lead_id, type, event_id, campaign_id, channel, metadata, tracked_at)
     SELECT :tenant, r.lead_id, r.type, r.event_id, r.campaign_id, r.channel, ${json}, r.at
       FROM ${dialect.rows('items', { lead_id: 'int', type: 'text', event_id: 'text', campaign_id: 'int', channel: 'text', metadata: 'text', at: 'int' }, 'r')}
      WHERE 1 = 1 ${dialect.ignoreTail}`,
    {
      items: JSON.stringify(
        items.map((item) => [
          item.leadId,
          item.type,
          item.eventId,
          item.campaignId ?? null,
          item.channel ?? null,
          item.json,
          item.at ?? now,
        ]),
      ),
    },
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
