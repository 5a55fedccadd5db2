import type { Tokens } from '../access';
import type { Dashboards } from '../analytics';
import type { Clock } from '../clock';
import type { UnsubscribePayload } from '../compliance';
import type { Conversions } from '../conversions';
import type { DefinitionCatalogue, Definitions, Documents } from '../definitions';
import type { Events } from '../events';
import type { ControlGroups, Experiments } from '../experiments';
import type { Approvals, Compensations, Delegations, Escalations, Roi } from '../governance';
import type { History } from '../history';
import type { Engagements, Leads } from '../leads';
import type { Ledger, LedgerLog, StationWork } from '../ledger';
import type { CustomMetrics, Metrics } from '../metrics';
import type { Notes } from '../notes';
import type { Outbox, Webhooks } from '../outbox';
import type { SendRulesService } from '../pacing';
import type { PricingService } from '../pricing';
import type { ScheduleService } from '../schedules';
import type { Scoring } from '../scoring';
import type { Segments } from '../segments';
import type { SendOptions } from '../sending';
import type { Scope, Store } from '../store';
import type { Templates } from '../templates';
import type { Timers } from '../timers';
import type { Triggers } from '../triggers';
import type { Waiting } from '../waiting';
import type { CampaignService } from './campaign-service';
import type { ConditionService } from './condition-service';

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
  /** Lets webhooks reach private addresses: for tests and closed networks. Default false. */
  allowPrivateWebhooks?: boolean;
  clock?: Clock;
  logger?: Partial<LedgerLog>;
  /** Brings the schema up to date. Default true. */
  migrate?: boolean;
  /** False: only looks at and changes rows (CLI, API); stations, timers and the watchdog do not run here. Default true. */
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

/** Everything about one tenant's marketing in one process. Made by `openMarketing`. */
export interface Marketing {
  readonly tenant: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly scope: Scope;
  readonly timers: Timers;
  readonly leads: Leads;
  readonly engagements: Engagements;
  readonly segments: Segments;
  readonly conditions: ConditionService;
  /** What flows have deployed. */
  readonly definitions: Definitions;
  /** Definitions written as JSON. */
  readonly documents: Documents;
  /** Both, put together. */
  readonly catalogue: DefinitionCatalogue;
  readonly campaigns: CampaignService;
  readonly schedules: ScheduleService;
  readonly escalations: Escalations;
  readonly experiments: Experiments;
  /** Leads who get no message of any campaign, for comparison. */
  readonly controlGroup: ControlGroups;
  readonly delegations: Delegations;
  readonly roi: Roi;
  /** Undoing what was done, in reverse. */
  readonly compensations: Compensations;
  readonly approvals: Approvals;
  readonly sendRules: SendRulesService;
  readonly templates: Templates;
  readonly promotions: PricingService;
  readonly metrics: Metrics;
  readonly customMetrics: CustomMetrics;
  readonly scoring: Scoring;
  readonly conversions: Conversions;
  readonly dashboards: Dashboards;
  readonly history: History;
  readonly notes: Notes;
  readonly tokens: Tokens;
  readonly webhooks: Webhooks;
  readonly outbox: Outbox;
  readonly ledger: Ledger;
  readonly events: Events;
  readonly triggers: Triggers;
  /** People who wait until something happens. */
  readonly waiting: Waiting;
  readonly unsubscribe: UnsubscribeLinks;
  /** The work of a send node. @throws ContentError when its content cannot be read */
  sendStation(options: SendOptions): StationWork & { readonly inFlightBound: number };
  /** Another tenant's data over the same connections: rows only, nothing is worked for it here. */
  forTenant(tenant: string): Promise<Marketing>;
  health(): Promise<MarketingHealth>;
  close(): Promise<void>;
}
