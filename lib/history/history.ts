import type { Actor, Permission } from '../access';
import { ForbiddenError, InputError } from '../errors';
import { parseJson, type Scope, type SqlValue } from '../store';
import type { Timers } from '../timers';
import { historyColumns, type ChainHead, type HistoryRow } from './chain';
import { sealHistory } from './seal';
import { verifyHistory, type HistoryVerdict } from './verify';
import { onHistory } from './wake';

/** Something that was done. */
export interface HistoryRecord {
  readonly id: number;
  readonly event: string;
  readonly campaign?: number;
  readonly actor: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly payload?: unknown;
  /** Ms since 1970. */
  readonly at: number;
  /** Its place in the chain; absent for some seconds. */
  readonly seq?: number;
  readonly hash?: string;
}

/** What to list. Filters are joined by AND. */
export interface HistoryQuery {
  campaign?: number;
  /** `campaign.launched`, or a group: `campaign.*`. */
  event?: string;
  actor?: string;
  /** What was done at this moment or later, ms since 1970. */
  from?: number;
  /** What was done before this moment. */
  to?: number;
  /** 1 to 100, default 20. */
  limit?: number;
  cursor?: string;
}

/** What the history needs from its surroundings. */
export interface HistoryDeps {
  /**
   * Throws when somebody may not do this: `authorise` of lib/access, which writes history itself and so cannot be imported
   * here. Without it, only programs that are trusted anyway may read.
   */
  authorise(actor: Actor | undefined, permission: Permission): void;
}

const TRUSTED_ONLY: HistoryDeps = {
  authorise(actor, permission) {
    if (typeof actor !== 'object') return;
    throw new ForbiddenError('E_FORBIDDEN', 'Nobody was told who may read this history: only its own program does.', {
      details: { permission },
    });
  },
};

/** The timer's kind, and how long rows wait to be sealed together. */
const KIND = 'history-seal';
const LINGER_MS = 10_000;

/** The history of a tenant: read, sealed, verified. It is written by {@link record}, in the transactions of what is done. */
export class History {
  constructor(
    private readonly scope: Scope,
    private readonly deps: HistoryDeps = TRUSTED_ONLY,
  ) {}

  /**
   * Entries, the latest first.
   * @throws InputError `E_LIMIT`, `E_CURSOR`; ForbiddenError `E_FORBIDDEN`
   */
  async list({ by, ...query }: HistoryQuery & { by?: Actor } = {}): Promise<{
    items: HistoryRecord[];
    cursor?: string;
  }> {
    this.deps.authorise(by, 'history:read');
    const { limit = 20 } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
      throw new InputError('E_LIMIT', `A page has 1 to 100 entries, not ${limit}.`);
    }
    const { where, values } = filters(query);
    const text = `SELECT ${historyColumns(this.scope)} FROM marketing_history WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ${limit + 1}`;
    // Events, actors and times have no index: finding the last few of them may mean reading far back.
    const searches = query.event !== undefined || query.actor !== undefined || query.from !== undefined;
    const rows = searches
      ? await this.scope.background((db) => db.all<HistoryRow>(text, values))
      : await this.scope.all<HistoryRow>(text, values);
    const items = rows.slice(0, limit).map(recordOf);
    const last = items.at(-1);
    return rows.length > limit && last ? { items, cursor: String(last.id) } : { items };
  }

  /** Seals what is not sealed yet. Done by itself while {@link attach}ed timers run. @returns how many rows */
  seal(): Promise<number> {
    return sealHistory(this.scope);
  }

  /**
   * Seals, then reads the whole chain and computes it again.
   * @param known a head that was kept elsewhere: it must lie on the chain
   * @throws ForbiddenError `E_FORBIDDEN`
   */
  async verify({ by, known }: { by?: Actor; known?: ChainHead } = {}): Promise<HistoryVerdict> {
    this.deps.authorise(by, 'history:read');
    await sealHistory(this.scope);
    return verifyHistory(this.scope, known);
  }

  /** Sets the timer for what was left unsealed; call it when the timers have started. */
  async wake(timers: Pick<Timers, 'wake'>): Promise<void> {
    await timers.wake(KIND, 'seal', this.scope.clock.now() + LINGER_MS);
  }

  /** Lets a timer seal what this process writes. Before the timers start; the returned function ends it. */
  attach(timers: Pick<Timers, 'on' | 'wake'>, onError: (error: unknown) => void): () => void {
    timers.on(KIND, async (_timer, touch) => void (await sealHistory(this.scope, touch)));
    return onHistory(this.scope, () => {
      this.wake(timers).catch(onError);
    });
  }
}

/** The history of a scope's tenant. */
export function createHistory(scope: Scope, deps: HistoryDeps = TRUSTED_ONLY): History {
  return new History(scope, deps);
}

function filters({ campaign, event, actor, from, to, cursor }: HistoryQuery): {
  where: string[];
  values: Record<string, SqlValue>;
} {
  const where = ['tenant_id = :tenant'];
  const values: Record<string, SqlValue> = {};
  const add = (part: string, name: string, value: SqlValue | undefined): void => {
    if (value === undefined) return;
    where.push(part);
    values[name] = value;
  };
  add('campaign_id = :campaign', 'campaign', campaign);
  if (event?.endsWith('.*')) {
    add('event >= :group', 'group', event.slice(0, -1));
    // The next text behind everything that begins with "group.".
    add('event < :group_end', 'group_end', `${event.slice(0, -2)}/`);
  } else add('event = :event', 'event', event);
  add('actor = :actor', 'actor', actor);
  add('at >= :from', 'from', from);
  add('at < :to', 'to', to);
  if (cursor !== undefined) {
    if (!/^\d{1,16}$/.test(cursor)) {
      throw new InputError('E_CURSOR', 'This cursor is not one that the history has given out: start without one.');
    }
    add('id < :cursor', 'cursor', Number(cursor));
  }
  return { where, values };
}

function recordOf(row: HistoryRow): HistoryRecord {
  const [before, after, payload] = [row.was, row.is_now, row.payload].map((value) =>
    parseJson<unknown>(value, undefined),
  );
  return {
    id: row.id,
    event: row.event,
    ...(row.campaign_id === null ? {} : { campaign: row.campaign_id }),
    actor: row.actor,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(payload === undefined ? {} : { payload }),
    at: row.at,
    ...(row.seq === null ? {} : { seq: row.seq }),
    ...(row.hash === null ? {} : { hash: row.hash }),
  };
}
