import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { CampaignDesk, Campaigns, campaignViews, parkUnfinished, type Campaign, type StoryLine } from './campaigns';
import { SystemClock, type Clock } from './clock';
import { createUnsubscribeSigner, type UnsubscribePayload, type UnsubscribeSigner } from './compliance';
import { compileCondition, type Condition, type ConditionSchema, type JsonCondition } from './conditions';
import { Definitions } from './definitions';
import { MarketingError, messageOf, NotFoundError } from './errors';
import { Events } from './events';
import { Ledger, type LedgerLog, type StationWork } from './ledger';
import { createLeads, leadViews, sendability, type Leads } from './leads';
import { createSegments, type Segments } from './segments';
import { SendStation, type SendOptions } from './sending';
import { openStore, type Scope, type Store } from './store';
import { ClockTimers, openTimers, type Timers } from './timers';

/** Timers' kinds that the facade uses. */
const STATION = 'station';

/** How to open marketing data. */
export interface MarketingOptions {
  database: { url: string; password?: string };
  /** `postgres://`, `redis://` or `mongodb://` for Agenda's official back ends; default: the same database. */
  timersUrl?: string;
  timersPassword?: string;
  /** Whose data. Default `default`. */
  tenant?: string;
  /** Where the public pages are reached from outside, for links in messages. Default http://127.0.0.1:1880/marketing. */
  baseUrl?: string;
  /** Signs links. Default: one that is made once and kept in the database. */
  signingSecret?: string;
  /** Former secrets whose links stay valid. */
  formerSecrets?: readonly string[];
  clock?: Clock;
  logger?: Partial<LedgerLog>;
  /** Brings the schema up to date. Default true. */
  migrate?: boolean;
  /** False: only looks at and changes rows (CLI); stations, timers and the watchdog do not run here. Default true. */
  work?: boolean;
  /** See LedgerOptions. */
  leaseMs?: number;
  sweepMs?: number;
  transitMs?: number;
}

/** What a health check sees. */
export interface MarketingHealth {
  ok: boolean;
  /** `ok`, or what the database answered. */
  database: string;
  timers: 'ok' | 'down' | 'off';
  ledger: 'open' | 'closed' | 'off';
}

/** Links that unsubscribe, made and read. */
export interface UnsubscribeLinks {
  /** The link that stands in a message. With the message's step, the address that it went to can be found even when the lead is gone. */
  url(lead: number, campaign: number, channel: string, step?: number): string;
  /** What a link's token says, or undefined when it was not made here (or for another tenant). */
  verify(token: string): UnsubscribePayload | undefined;
}

/** Everything about one tenant's marketing in one process. Made by {@link openMarketing}. */
export interface Marketing {
  readonly tenant: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly scope: Scope;
  readonly timers: Timers;
  readonly leads: Leads;
  readonly segments: Segments;
  readonly conditions: ConditionService;
  readonly definitions: Definitions;
  readonly campaigns: CampaignService;
  readonly ledger: Ledger;
  readonly events: Events;
  readonly unsubscribe: UnsubscribeLinks;
  /** The work of a send node. @throws ContentError when its content cannot be read */
  sendStation(options: SendOptions): StationWork & { readonly inFlightBound: number };
  health(): Promise<MarketingHealth>;
  close(): Promise<void>;
}

/** Conditions, compiled against the tenant's declared attributes. */
export class ConditionService {
  constructor(
    private readonly leads: Leads,
    private readonly segments: Segments,
  ) {}

  async schema(): Promise<ConditionSchema> {
    return { ...(await this.leads.schema()), campaign: {} };
  }

  /** @throws ConditionError with the position */
  async compile(source: string | JsonCondition): Promise<Condition> {
    return compileCondition(source, await this.schema());
  }

  /** Which of these leads a condition is true of, by what the database holds now: one statement. */
  async matching(
    leadIds: readonly number[],
    condition: Condition,
    campaign?: Record<string, unknown>,
  ): Promise<Set<number>> {
    return this.segments.matchesCondition(leadIds, condition, campaign && { campaign });
  }
}

/** Campaigns with what needs the rest of the house: estimates, reports, decisions about stuck people. */
export class CampaignService extends Campaigns {
  constructor(
    deps: ConstructorParameters<typeof Campaigns>[0],
    private readonly house: { desk: CampaignDesk; segments: Segments; leads: Leads; definitions: Definitions },
  ) {
    super(deps);
  }

  /** How many people a launch would enter now. */
  async estimate(key: number | string): Promise<{ audience: number }> {
    return this.estimateSegment((await this.get(key)).segment);
  }
  /** The size of an audience: a saved segment's, or everybody. */
  async estimateSegment(segment: string | undefined): Promise<{ audience: number }> {
    if (segment === undefined) return { audience: await this.house.leads.count() };
    return { audience: (await this.house.segments.preview({ key: segment })).count };
  }

  report(key: number | string): ReturnType<CampaignDesk['report']> {
    return this.house.desk.report(key);
  }
  unknown(key: number | string): ReturnType<CampaignDesk['unknown']> {
    return this.house.desk.unknown(key);
  }
  deadLetters(key: number | string): ReturnType<CampaignDesk['deadLetters']> {
    return this.house.desk.deadLetters(key);
  }
  retry(...args: Parameters<CampaignDesk['retry']>): Promise<number> {
    return this.house.desk.retry(...args);
  }
  reconcile(...args: Parameters<CampaignDesk['reconcile']>): Promise<number> {
    return this.house.desk.reconcile(...args);
  }
  /** Somebody's story. @throws NotFoundError `E_UNKNOWN_LEAD`, `E_NOT_ENROLLED` */
  async why(key: number | string, lead: number | string): Promise<StoryLine[]> {
    if (typeof lead === 'number') return this.house.desk.why(key, lead);
    const found = await this.house.leads.get({ email: lead });
    if (!found) throw new NotFoundError('E_UNKNOWN_LEAD', `There is no lead "${lead}".`);
    return this.house.desk.why(key, found.id);
  }
  orphans(): ReturnType<Definitions['orphans']> {
    return this.house.definitions.orphans();
  }
  move(args: Parameters<Definitions['move']>[0]): Promise<number> {
    return this.house.definitions.move(args);
  }
}

const QUIET: LedgerLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/**
 * Opens a tenant's marketing data and puts its ledger to work.
 * @throws InputError `E_DATABASE_URL`, `E_TENANT`; MarketingError `E_DATABASE_UNREACHABLE` (retryable), `E_DRIVER_MISSING` …
 */
export async function openMarketing(options: MarketingOptions): Promise<Marketing> {
  const clock = options.clock ?? new SystemClock();
  const log: LedgerLog = { ...QUIET, ...bound(options.logger) };
  const store = await openStore({
    ...options.database,
    clock,
    sqliteExtensions: [path.join(__dirname, 'conditions', `sqlite-functions${path.extname(__filename)}`)],
  });
  try {
    if (options.migrate !== false) await store.migrate();
    return await assemble(store, clock, log, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function assemble(store: Store, clock: Clock, log: LedgerLog, options: MarketingOptions): Promise<Marketing> {
  const tenant = options.tenant ?? 'default';
  const scope = store.tenant(tenant);
  const working = options.work !== false;
  const changed = async (ids: readonly number[], fields: readonly string[]): Promise<void> => {
    await segments.leadsChanged(ids, fields);
  };
  const leads = createLeads(scope, { onChanged: changed, attributeUsedBy: (name) => segments.readersOf(name) });
  const definitions = new Definitions(scope);
  const segments: Segments = createSegments(scope, { leads, usedBy: (key) => campaignsUsing(scope, key) });
  const timers = await timersOf(scope, clock, log, options, working);
  // The ledger is made below and these are called after that only.
  const desk: CampaignDesk = new CampaignDesk(
    scope,
    new Campaigns({
      scope,
      definition: (key) => definitions.get(key),
      checkSegment: () => Promise.resolve(),
      changed: () => undefined,
    }),
    () => ledger.pokeAll(),
  );
  const campaigns = new CampaignService(
    {
      scope,
      definition: (key) => definitions.get(key),
      checkSegment: async (key) => {
        // Where the database cannot decide by itself who belongs, the audience is who belongs at the launch.
        if (!(await segments.answersLive(key))) await segments.recalculate(key);
      },
      changed: (campaign: Campaign) => {
        if (!ledger.open || campaign.state !== 'active') return;
        ledger.expand();
        ledger.pokeAll();
      },
    },
    { desk, segments, leads, definitions },
  );
  const unsubscribe = await unsubscribeLinks(scope, options);
  const ledger = new Ledger({
    scope,
    clock,
    log,
    wake: (station, due) => timers.wake(STATION, String(station), due),
    leads: leadViews,
    campaigns: campaignViews,
    audience: (segment, after, limit) => audiencePage(scope, segments, segment, { after, limit }),
    finished: (campaign) => campaigns.finish(campaign),
    upkeep: () => parkUnfinished(scope),
    ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    ...(options.transitMs === undefined ? {} : { transitMs: options.transitMs }),
  });
  timers.on(STATION, (timer) => {
    ledger.wakeStation(Number(timer.key));
    return Promise.resolve();
  });
  if (working) {
    await timers.start();
    await ledger.start();
  }
  const events = new Events({
    scope,
    leads,
    changed,
    entered: (stations) => stations.forEach((id) => ledger.wakeStation(id)),
  });
  let closing: Promise<void> | undefined;
  return {
    tenant,
    clock,
    store,
    scope,
    timers,
    leads,
    segments,
    conditions: new ConditionService(leads, segments),
    definitions,
    campaigns,
    ledger,
    events,
    unsubscribe,
    sendStation: (send) =>
      new SendStation(send, {
        scope,
        clock,
        log,
        leads: leadViews,
        campaigns: campaignViews,
        maySend: (tx, ids, channel) => sendability(tx, ids, channel, { requireConsent: 'none' }),
        unsubscribeUrl: ({ lead, campaign, channel, step }) => unsubscribe.url(lead, campaign, channel, step),
        messageDomain: domainOf(options.baseUrl),
        hold: (ids, reason) => campaigns.hold(ids, reason),
        died: (campaign) => pauseWhenPoisoned(scope, campaigns, campaign, log),
      }),
    health: () => healthOf(scope, timers, ledger, working),
    close: () => {
      closing ??= (async () => {
        await ledger.close();
        await timers.stop();
        await store.close();
      })();
      return closing;
    },
  };
}

function bound(logger: Partial<LedgerLog> | undefined): Partial<LedgerLog> {
  if (!logger) return {};
  const names = ['debug', 'info', 'warn', 'error'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const log = logger[name];
      return log ? [[name, (text: string) => log.call(logger, text)]] : [];
    }),
  );
}

async function timersOf(
  scope: Scope,
  clock: Clock,
  log: LedgerLog,
  options: MarketingOptions,
  working: boolean,
): Promise<Timers> {
  // Agenda lives on the machine's clock; a program that brings its own clock gets timers on that.
  if (!(clock instanceof SystemClock)) return new ClockTimers(clock);
  const url = options.timersUrl ? withPassword(options.timersUrl, options.timersPassword) : undefined;
  const timers = await openTimers({
    scope,
    clock,
    ...(url === undefined ? {} : { url }),
    logger: { warn: (_details, message) => log.warn(message) },
  });
  if (working) timers.onError((error) => log.warn(`Timers: ${messageOf(error)}`));
  return timers;
}

function withPassword(url: string, password: string | undefined): string {
  if (!password) return url;
  const parsed = new URL(url);
  parsed.password = encodeURIComponent(password);
  return parsed.href;
}

async function unsubscribeLinks(scope: Scope, options: MarketingOptions): Promise<UnsubscribeLinks> {
  const kept = await keptSecret(scope);
  const former = await formerSecrets(scope, options.signingSecret);
  const signer: UnsubscribeSigner = createUnsubscribeSigner({
    current: options.signingSecret ?? kept,
    previous: [...(options.formerSecrets ?? []), ...former, kept],
  });
  const base = (options.baseUrl ?? 'http://127.0.0.1:1880/marketing').replace(/\/+$/, '');
  return {
    url: (lead, campaign, channel, step) =>
      `${base}/u/${signer.sign({ tenant: scope.tenant, lead, campaign, channel, ...(step === undefined ? {} : { message: step }) })}`,
    verify: (token) => {
      const payload = signer.verify(token);
      return payload?.tenant === scope.tenant ? payload : undefined;
    },
  };
}

const SECRET = 'signing_secret';

/** The tenant's own secret, made once: links in mails must stay valid for years. */
async function keptSecret(scope: Scope): Promise<string> {
  const { dialect } = scope;
  await scope.run(
    `${dialect.insertIgnore} INTO marketing_settings (tenant_id, name, value, updated_at)
     VALUES (:tenant, :name, :value, :now) ${dialect.ignoreTail}`,
    { name: SECRET, value: randomBytes(32).toString('base64url'), now: scope.clock.now() },
  );
  const row = await scope.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
    { name: SECRET },
  );
  if (!row) throw new MarketingError('E_SECRET', 'The signing secret could not be kept. Set one in the store node.');
  return row.value;
}

const FORMER_SECRETS = 'former_signing_secrets';
/** Secrets that are remembered; more than anybody sets in a lifetime. */
const MOST_FORMER = 50;

/** All secrets that were ever configured: what was signed with one of them lies in inboxes, and must go on working. */
async function formerSecrets(scope: Scope, configured: string | undefined): Promise<string[]> {
  return scope.transaction(async (tx) => {
    const row = await tx.get<{ value: string }>(
      `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
      { name: FORMER_SECRETS },
    );
    const known = row ? (JSON.parse(row.value) as string[]) : [];
    if (configured === undefined || known.includes(configured)) return known;
    const all = [...known, configured].slice(-MOST_FORMER);
    await tx.run(
      `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
       ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
      { name: FORMER_SECRETS, value: JSON.stringify(all), now: tx.clock.now() },
    );
    return all;
  });
}

function domainOf(baseUrl: string | undefined): string {
  const host = baseUrl && URL.canParse(baseUrl) ? new URL(baseUrl).hostname : 'localhost';
  return /^[a-z0-9.-]+$/i.test(host) ? host : 'localhost';
}

/**
 * One page of an audience, in the order of lead ids. Read in the background: where few leads match, finding a page may
 * mean looking at many.
 */
async function audiencePage(
  scope: Scope,
  segments: Segments,
  segment: string | undefined,
  { after, limit }: { after: number; limit: number },
): Promise<number[]> {
  const { text, values } = await segments.audienceSql(segment, 'l', 'seg');
  const rows = await scope.background((db) =>
    db.all<{ id: number }>(
      `SELECT l.id FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.id > :after AND ${text} ORDER BY l.id LIMIT :limit`,
      { ...values, after, limit },
    ),
  );
  return rows.map(({ id }) => id);
}

async function campaignsUsing(scope: Scope, segment: string): Promise<string[]> {
  const rows = await scope.all<{ campaign_key: string }>(
    `SELECT campaign_key FROM marketing_campaigns
     WHERE tenant_id = :tenant AND segment_key = :segment AND state IN ('draft', 'active', 'paused') ORDER BY id`,
    { segment },
  );
  return rows.map(({ campaign_key }) => campaign_key);
}

/** People in the dead-letter list from which a campaign is taken for broken, and their share of those served. */
const POISON_COUNT = 20;
const POISON_SHARE = 0.2;

/** Pauses a campaign in which many people cannot be served: better to look at it than to go on. */
async function pauseWhenPoisoned(scope: Scope, campaigns: Campaigns, id: number, log: LedgerLog): Promise<void> {
  const rows = await scope.all<{ name: string; total: number }>(
    `SELECT name, SUM(count) AS total FROM marketing_counters
     WHERE tenant_id = :tenant AND campaign_id = :id AND name IN ('dead', 'sent') GROUP BY name`,
    { id },
  );
  const total = (name: string): number => Number(rows.find((row) => row.name === name)?.total ?? 0);
  const dead = total('dead');
  if (dead < POISON_COUNT || dead < POISON_SHARE * (dead + total('sent'))) return;
  const campaign = await campaigns.get(id);
  if (campaign.state !== 'active') return;
  const reason = `${dead} people could not be served; look at the dead-letter list, mend the cause, then retry and resume`;
  await campaigns.pause(id, { actor: 'system', reason });
  await campaigns.hold([id], reason);
  log.error(`The campaign "${campaign.key}" was paused: ${reason}.`);
}

async function healthOf(scope: Scope, timers: Timers, ledger: Ledger, working: boolean): Promise<MarketingHealth> {
  let database = 'ok';
  try {
    await scope.get(`SELECT id FROM marketing_runtimes WHERE tenant_id = :tenant LIMIT 1`);
  } catch (error) {
    database = messageOf(error);
  }
  const health: MarketingHealth = {
    ok: false,
    database,
    timers: working ? (timers.healthy ? 'ok' : 'down') : 'off',
    ledger: working ? (ledger.open ? 'open' : 'closed') : 'off',
  };
  health.ok = database === 'ok' && health.timers !== 'down' && health.ledger !== 'closed';
  return health;
}
