import { authorise, type Actor } from '../access';
import { InputError, NotFoundError } from '../errors';
import { fromMicros } from '../metrics';
import { parseJson, type Scope, type SqlValue } from '../store';

/** An engagement as it was recorded. */
export interface EngagementView {
  readonly id: number;
  /** Absent: the lead was removed since. */
  readonly leadId?: number;
  readonly campaignId?: number;
  readonly type: string;
  readonly channel?: string;
  readonly variant?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What it brought, in the campaign's currency. */
  readonly value?: number;
  /** When it happened, ms since 1970. */
  readonly at: number;
}

/** What to list. Filters are joined by AND. */
export interface EngagementQuery {
  leadId?: number;
  campaignId?: number;
  type?: string | readonly string[];
  channel?: string;
  /** What happened at this moment or later, ms since 1970. */
  from?: number;
  /** What happened before this moment. */
  to?: number;
  /**
   * A text of at most 200 characters that stands in the metadata, whatever its case (beyond A to Z: where the database's
   * locale knows the letter).
   */
  text?: string;
  /** 1 to 100, default 20. */
  limit?: number;
  /** Where the last page ended. */
  cursor?: string;
}

/**
 * Rows that are looked at for one page at most, where the index does not know whether they match. A page may then be short,
 * or empty, and still have a cursor: going on there searches on.
 */
const MOST_LOOKED_AT = 20_000;
const LONGEST_TEXT = 200;

interface Row {
  id: number;
  lead_id: number;
  campaign_id: number | null;
  type: string;
  channel: string | null;
  variant: string;
  metadata: unknown;
  value_micros: number;
  tracked_at: number;
}

/** The engagements of a tenant, to look at. They are recorded with {@link Leads.engage}. */
export class Engagements {
  constructor(private readonly scope: Scope) {}

  /** @throws NotFoundError `E_UNKNOWN_ENGAGEMENT`; ForbiddenError `E_FORBIDDEN` */
  async get(id: number, { actor }: { actor?: Actor } = {}): Promise<EngagementView> {
    authorise(actor, 'lead:read');
    const row = await this.scope.get<Row>(
      `SELECT ${COLUMNS} FROM marketing_engagements e WHERE e.tenant_id = :tenant AND e.id = :id`,
      { id },
    );
    if (!row) throw new NotFoundError('E_UNKNOWN_ENGAGEMENT', `There is no engagement ${id}.`);
    return viewOf(row);
  }

  /**
   * Engagements, the latest first.
   * @throws InputError `E_LIMIT`, `E_CURSOR`, `E_SEARCH`; ForbiddenError `E_FORBIDDEN`
   */
  async list({ actor, ...query }: EngagementQuery & { actor?: Actor } = {}): Promise<{
    items: EngagementView[];
    cursor?: string;
  }> {
    authorise(actor, 'lead:read');
    const { limit = 20 } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new InputError('E_LIMIT', `A page has 1 to 100 engagements, not ${limit}.`);
    }
    const { where, values } = indexed(query);
    const filter = filters(this.scope, query);
    const looked = filter.where.length > 0;
    const window = `SELECT ${COLUMNS} FROM marketing_engagements e WHERE ${where.join(' AND ')}
      ORDER BY e.tracked_at DESC, e.id DESC LIMIT ${looked ? MOST_LOOKED_AT : limit + 1}`;
    const text = looked
      ? `SELECT * FROM (${window}) AS w WHERE ${filter.where.join(' AND ')} ORDER BY w.tracked_at DESC, w.id DESC LIMIT ${limit + 1}`
      : window;
    const rows = await this.scope.all<Row>(text, { ...values, ...filter.values });
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : looked ? await this.endOfWindow(where, values) : undefined;
    return { items: items.map(viewOf), ...(last ? { cursor: `${last.tracked_at}.${last.id}` } : {}) };
  }

  /** The last row that was looked at, when there are more behind it. */
  private endOfWindow(
    where: readonly string[],
    values: Readonly<Record<string, SqlValue>>,
  ): Promise<Pick<Row, 'tracked_at' | 'id'> | undefined> {
    return this.scope.get(
      `SELECT e.tracked_at, e.id FROM marketing_engagements e WHERE ${where.join(' AND ')}
       ORDER BY e.tracked_at DESC, e.id DESC LIMIT 1 OFFSET ${MOST_LOOKED_AT - 1}`,
      values,
    );
  }
}

/** The engagements of a scope's tenant. */
export function createEngagements(scope: Scope): Engagements {
  return new Engagements(scope);
}

const COLUMNS =
  'e.id, e.lead_id, e.campaign_id, e.type, e.channel, e.variant, e.metadata, e.value_micros, e.tracked_at';

interface Conditions {
  where: string[];
  values: Record<string, SqlValue>;
}

/** What indexes answer: of whom or of which campaign, when, and where the last page ended. */
function indexed({ leadId, campaignId, from, to, cursor }: EngagementQuery): Conditions {
  const where = ['e.tenant_id = :tenant'];
  const values: Record<string, SqlValue> = {};
  const add = (part: string, name: string, value: number | undefined): void => {
    if (value === undefined) return;
    where.push(part);
    values[name] = value;
  };
  add('e.lead_id = :lead', 'lead', leadId);
  add('e.campaign_id = :campaign', 'campaign', campaignId);
  add('e.tracked_at >= :from', 'from', from);
  add('e.tracked_at < :to', 'to', to);
  if (cursor !== undefined) {
    const found = /^(-?\d{1,16})\.(\d{1,16})$/.exec(cursor);
    if (!found) {
      throw new InputError(
        'E_CURSOR',
        'This cursor is not one that a list of engagements has given out: start without one.',
      );
    }
    where.push('e.tracked_at <= :before', '(e.tracked_at < :before OR e.id < :before_id)');
    values['before'] = Number(found[1]);
    values['before_id'] = Number(found[2]);
  }
  return { where, values };
}

/** What has to be looked for, over the rows `w` that the indexes gave. */
function filters({ dialect }: Scope, { type, channel, text }: EngagementQuery): Conditions {
  const where: string[] = [];
  const values: Record<string, SqlValue> = {};
  if (type !== undefined) {
    where.push(`w.type IN (SELECT r.wanted FROM ${dialect.rows('types', { wanted: 'text' }, 'r')})`);
    values['types'] = JSON.stringify((typeof type === 'string' ? [type] : type).map((one) => [one]));
  }
  if (channel !== undefined) {
    where.push('w.channel = :channel');
    values['channel'] = channel;
  }
  if (text !== undefined && text.trim() !== '') {
    if (text.length > LONGEST_TEXT) {
      throw new InputError('E_SEARCH', `A text to search for has at most ${LONGEST_TEXT} characters.`);
    }
    const metadata = dialect.name === 'postgres' ? 'w.metadata::text' : 'w.metadata';
    const lower = dialect.name === 'sqlite' ? 'nm_lower' : 'LOWER';
    where.push(`(${metadata} LIKE :text ESCAPE '!' OR ${lower}(${metadata}) LIKE :lower_text ESCAPE '!')`);
    const pattern = `%${text.trim().replace(/[!%_]/g, '!$&')}%`;
    values['text'] = pattern;
    values['lower_text'] = pattern.toLowerCase();
  }
  return { where, values };
}

function viewOf(row: Row): EngagementView {
  return {
    id: row.id,
    ...(row.lead_id === 0 ? {} : { leadId: row.lead_id }),
    ...(row.campaign_id === null ? {} : { campaignId: row.campaign_id }),
    type: row.type,
    ...(row.channel === null ? {} : { channel: row.channel }),
    ...(row.variant === '' ? {} : { variant: row.variant }),
    metadata: parseJson<Record<string, unknown>>(row.metadata, {}),
    ...(Number(row.value_micros) === 0 ? {} : { value: fromMicros(Number(row.value_micros)) }),
    at: row.tracked_at,
  };
}
