import { authorise, Tokens } from '../access';
import { createDashboards } from '../analytics';
import {
  AudienceReader,
  CampaignDesk,
  campaignsUsing,
  campaignViews,
  parkUnfinished,
  type Campaign,
  type StorySource,
} from '../campaigns';
import type { Clock } from '../clock';
import type { JsonCondition } from '../conditions';
import { DefinitionCatalogue, Definitions, Documents, factsFrom } from '../definitions';
import { messageOf } from '../errors';
import { Events } from '../events';
import { controlGroupGate, ControlGroups, exposureStory } from '../experiments';
import { Delegations, Escalations, undoStory } from '../governance';
import { createHistory } from '../history';
import { createEngagements, createLeads, leadViews, Reactions, sendability } from '../leads';
import { Ledger, type LedgerLog } from '../ledger';
import { createMetrics, CustomMetrics } from '../metrics';
import { createNotes, Notes } from '../notes';
import { Dispatcher, Outbox, Webhooks } from '../outbox';
import { SendRulesService } from '../pacing';
import { PricingService } from '../pricing';
import { ScheduleService } from '../schedules';
import { createSegments, type Segments } from '../segments';
import { SendStation, type SendGate } from '../sending';
import type { Scope, Store } from '../store';
import { createTemplates } from '../templates';
import { waitStory } from '../waiting';
import { CampaignService, type CampaignHouse } from './campaign-service';
import { ConditionService } from './condition-service';
import { healthOf } from './health';
import { compensationOf, forgetsWays } from './parts/compensation';
import { scoringOf } from './parts/scoring';
import { domainOf, linkRoot, unsubscribeLinks } from './links';
import { waitingOf } from './parts/waiting';
import { moneyOf } from './parts/money';
import { pauseWhenPoisoned } from './poison';
import { startPurging } from './purge';
import { experimentReaction, experimentsOf, variantSource } from './parts/experiments';
import { approvalsOf, followCampaigns, governing } from './parts/governance';
import { triggersOf } from './parts/triggers';
import { timersOf } from './timers';
import type { Marketing, MarketingOptions } from './types';

/** Timers' kind of stations that wake up. */
const STATION = 'station';

/** What all tenants of one open database share. */
export interface House {
  store: Store;
  clock: Clock;
  log: LedgerLog;
  options: MarketingOptions;
}

/** Puts one tenant's services together, and to work if the options say so. */
export async function assemble(house: House, tenant: string, working: boolean): Promise<Marketing> {
  const { store, clock, log, options } = house;
  const scope = store.tenant(tenant);
  const changed = async (ids: readonly number[], fields: readonly string[]): Promise<void> => {
    await segments.leadsChanged(ids, await scoring.fieldsFor(ids, fields));
  };
  const reactions = new Reactions();
  /** What has a say before a message leaves, in this order: cheap and final refusals first, money last; then what is about those who go. */
  const gates: SendGate[] = [controlGroupGate()];
  const sendRules = new SendRulesService({
    scope,
    log,
    wake: (station) => ledger.wakeStation(station),
    campaign: (key) => campaigns.get(key),
    audienceOf: async (campaign) => (await campaigns.estimate(campaign)).audience,
  });
  gates.push(sendRules.gate);
  /** What parts of the product know of somebody's way through a campaign. */
  const stories: StorySource[] = [waitStory, exposureStory, undoStory];
  const leads = createLeads(scope, {
    onChanged: changed,
    reactions,
    attributeUsedBy: async (name) => [...(await segments.readersOf(name)), ...(await scoring.readersOf(name))],
  });
  const definitions = new Definitions(scope, {
    recompute: (by, people) => waiting.dueAgain(by, people),
  });
  const waiting = waitingOf(scope, {
    log,
    reactions,
    segments: () => segments,
    conditions: () => conditions,
    ledger: () => ledger,
  });
  const segments: Segments = createSegments(scope, {
    leads,
    onMembership: async (tx, change) => {
      await waiting.segmentEntered(tx, change.entered);
      await triggers.membership(tx, change);
    },
    usedBy: (key) => campaignsUsing(scope, key),
  });
  const conditions = new ConditionService(leads, segments);
  const documents = new Documents(scope);
  const catalogue = new DefinitionCatalogue({
    flow: (key) => definitions.get(key),
    document: (key, sql) => (sql && sql !== scope ? new Documents(sql) : documents).find(key),
  });
  const metrics = createMetrics(scope);
  const customMetrics = new CustomMetrics(scope);
  const audiences = new AudienceReader({
    scope,
    segmentSql: (key, alias, prefix) => segments.predicate(key, alias, prefix),
    compile: (condition) => conditions.compile(condition as JsonCondition),
    matching: (ids, condition, constants) => segments.matchesCondition(ids, condition, constants),
  });
  const holds = (definition: string, source: string | object, campaign: Campaign, sql?: Scope): Promise<boolean> =>
    catalogue.holds(definition, source, {
      campaign,
      now: clock.now(),
      facts: async () => factsFrom(await metrics.facts(campaign.id, sql)),
      customFacts: (names) =>
        customMetrics.named(names, async () => (await metrics.facts(campaign.id, sql)).figures, sql),
      ...(sql ? { sql } : {}),
    });
  const timers = await timersOf(scope, clock, log, options, working);
  const { scoring, conversions } = scoringOf({
    scope,
    reactions,
    timers,
    leads,
    segments,
    warn: (what) => log.warn(what),
  });
  const triggers = triggersOf(scope, {
    ...{ leads, segments, conditions, timers, reactions, log, stories },
    tenantZone: async () => (await sendRules.get()).timeZone,
    wake: (station) => ledger.wakeStation(station),
  });
  const links = await linkRoot(scope, options);
  const wakeStation = (station: number): void => ledger.wakeStation(station);
  const approvals = approvalsOf({ scope, timers, audiences, log, links, wakeStation });
  const campaigns = new CampaignService(
    {
      scope,
      definition: (key) => catalogue.definitionFor(key),
      checkSegment: async (key) => void (await segments.answersLive(key)),
      prepareSegment: async (key) => {
        // Where the database cannot decide by itself who belongs, the audience is who belongs at the launch.
        if (!(await segments.answersLive(key))) await segments.recalculate(key);
      },
      checkCondition: async (condition) => void (await conditions.compile(condition as JsonCondition)),
      validateData: (definition, data) => catalogue.validate(definition, data, { partial: true }),
      conditionHolds: (definition, source, campaign, tx) => holds(definition, source, campaign, tx),
      ...governing(approvals, audiences, scope),
      comment: async (tx, { campaign, author, body }) =>
        void (await new Notes(tx).comment({ kind: 'campaign', id: campaign }, body, { actor: author })),
      sendRulesChanged: (tx, campaign) => sendRules.changed(tx, campaign),
      changed: (campaign: Campaign) => {
        if (!ledger.open || campaign.state !== 'active') return;
        ledger.expand();
        ledger.pokeAll();
      },
    },
    (): CampaignHouse => ({ desk, audiences, segments, leads, definitions }),
  );
  // The ledger is made below, and this is called after that only.
  reactions.add(experimentReaction);
  reactions.add(forgetsWays);
  const experiments = experimentsOf({ scope, timers, campaigns, audiences });
  const desk = new CampaignDesk(
    scope,
    campaigns,
    () => ledger.pokeAll(),
    stories,
    (tx, messages) => roi.takenAsSent(tx, messages),
  );
  const roi = moneyOf({ scope, timers, log, campaigns, catalogue });
  gates.push(roi.gate);
  const schedules = new ScheduleService(scope, { timers, campaigns });
  const escalations = new Escalations(scope, {
    timers,
    rules: async (key) => {
      const document = (await catalogue.definitionFor(key))?.document;
      return document?.automation?.escalation ?? document?.entities?.['campaign']?.automation?.escalation ?? [];
    },
    conditionHolds: (definition, source, campaign) => holds(definition, source, campaign),
    campaigns,
  });
  campaigns.on('before', 'launch', (tx, campaign) => schedules.launches(tx, campaign));
  followCampaigns(campaigns, approvals);
  campaigns.on('before', 'launch', (tx, campaign) => sendRules.launches(tx, campaign.id));
  for (const stopping of ['pause', 'complete', 'cancel'])
    campaigns.on('after', stopping, (tx, { id }) => sendRules.stops(tx, id));
  // What came due while it was paused was passed over: it has its moment now.
  for (const going of ['launch', 'resume']) {
    campaigns.on('after', going, (tx, campaign) => {
      tx.afterCommit(() => {
        escalations
          .launched(campaign)
          .catch((error: unknown) => log.warn(`Escalations of "${campaign.key}" are not set yet: ${messageOf(error)}`));
      });
    });
  }
  const history = createHistory(scope, { authorise });
  const unsubscribe = unsubscribeLinks(scope, links);
  const ledger = new Ledger({
    scope,
    clock,
    log,
    wake: (station, due) => timers.wake(STATION, String(station), due),
    leads: leadViews,
    campaigns: campaignViews,
    audience: (campaign, after, limit) => audiences.page(campaign, after, limit),
    finished: (campaign) => campaigns.finish(campaign),
    upkeep: async () => {
      await parkUnfinished(scope);
      await waiting.tidy();
      await compensations.upkeep();
      await approvals.upkeep();
    },
    ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    ...(options.transitMs === undefined ? {} : { transitMs: options.transitMs }),
  });
  timers.on(STATION, (timer) => {
    ledger.wakeStation(Number(timer.key));
    return Promise.resolve();
  });
  const compensations = compensationOf(scope, { log, timers, gates, campaigns, ledger: () => ledger });
  const warn = (what: string) => (error: unknown) => log.warn(`${what}: ${messageOf(error)}`);
  const endpoints = { allowPrivate: options.allowPrivateWebhooks ?? false };
  const dispatcher = new Dispatcher(scope, { ...endpoints, log });
  const outbox = new Outbox(scope, { log });
  const tokens = new Tokens(scope, store.system);
  let closing: Promise<void> | undefined;
  const detach = working ? history.attach(timers, warn('The history is not sealed yet')) : () => undefined;
  if (working) {
    const purging = startPurging(timers, campaigns, clock);
    await timers.start();
    await purging();
    await ledger.start();
    await history.wake(timers);
    dispatcher.start();
    // With very many campaigns this takes a while, and nothing else has to wait for it.
    const recoveries = [
      () => schedules.start(),
      () => escalations.recover(),
      () => approvals.recover(),
      () => scoring.start(),
      () => triggers.listen(),
      () => experiments.recover(),
      () => roi.start(),
    ];
    for (const recover of recoveries) {
      recover().catch((error: unknown) => {
        if (!closing) log.warn(`Planned runs are not all set yet: ${messageOf(error)}`);
      });
    }
  }
  const events = new Events({
    scope,
    leads,
    reactions,
    changed,
    enteredBy: (engagement) => triggers.enteredBy(engagement),
  });
  const neighbours = new Map<string, Promise<Marketing>>();
  const marketing: Marketing = {
    tenant,
    clock,
    store,
    scope,
    timers,
    leads,
    engagements: createEngagements(scope),
    segments,
    conditions,
    definitions,
    documents,
    catalogue,
    campaigns,
    schedules,
    escalations,
    experiments,
    controlGroup: new ControlGroups(scope),
    delegations: new Delegations(scope),
    roi,
    compensations,
    approvals,
    sendRules,
    templates: createTemplates(scope),
    promotions: new PricingService(scope),
    metrics,
    customMetrics,
    scoring,
    conversions,
    dashboards: createDashboards(scope, { onError: warn('The dashboard could not be counted') }),
    history,
    notes: createNotes(scope),
    tokens,
    webhooks: new Webhooks(scope, endpoints),
    outbox,
    ledger,
    events,
    triggers,
    waiting,
    unsubscribe,
    sendStation: (send) => {
      compensations.serve(send.account);
      return new SendStation(send, {
        scope,
        clock,
        log,
        leads: leadViews,
        campaigns: campaignViews,
        variants: variantSource(scope, experiments),
        gates,
        maySend: (tx, ids, channel) => sendability(tx, ids, channel, { requireConsent: 'none' }),
        unsubscribeUrl: ({ lead, campaign, channel, step }) => unsubscribe.url(lead, campaign, channel, step),
        messageDomain: domainOf(options.baseUrl),
        hold: (ids, reason) => campaigns.hold(ids, reason),
        died: (campaign) => pauseWhenPoisoned(scope, campaigns, campaign, log),
      });
    },
    forTenant: (other) => {
      if (other === tenant) return Promise.resolve(marketing);
      const known = neighbours.get(other) ?? assemble(house, other, false);
      neighbours.set(other, known);
      // One that could not be put together is tried again when it is next asked for.
      known.catch(() => neighbours.delete(other));
      return known;
    },
    health: () => healthOf(scope, timers, ledger, working),
    close: () => {
      closing ??= (async () => {
        await dispatcher.close();
        await compensations.close();
        await sendRules.idle();
        await ledger.close();
        detach();
        outbox.close();
        await tokens.idle();
        await timers.stop();
        for (const neighbour of neighbours.values()) await (await neighbour).timers.stop();
        await store.close();
      })();
      return closing;
    },
  };
  return marketing;
}
