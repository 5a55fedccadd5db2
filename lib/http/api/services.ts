import { heldTo, type Permits, type Principal } from '../../access';
import type { Marketing } from '../../marketing';

/** One tenant's services, as they are open. */
export type OpenServices = Pick<
  Marketing,
  | 'scope'
  | 'campaigns'
  | 'schedules'
  | 'experiments'
  | 'controlGroup'
  | 'leads'
  | 'engagements'
  | 'segments'
  | 'events'
  | 'triggers'
  | 'templates'
  | 'definitions'
  | 'documents'
  | 'promotions'
  | 'approvals'
  | 'delegations'
  | 'escalations'
  | 'sendRules'
  | 'compensations'
  | 'metrics'
  | 'scoring'
  | 'conversions'
  | 'customMetrics'
  | 'roi'
  | 'dashboards'
  | 'notes'
  | 'history'
  | 'tokens'
  | 'webhooks'
>;

/*
 * The services that do not ask who calls are held to this. Whoever changes something finds it first, and is shown it
 * afterwards: that is why several permissions let somebody look a single thing up.
 */
const LEADS = {
  get: ['lead:read', 'lead:write', 'lead:erase'],
  require: ['lead:read', 'lead:write'],
  views: ['lead:read'],
  list: ['lead:read'],
  count: ['lead:read'],
  upsert: ['lead:write'],
  update: ['lead:write'],
  remove: ['lead:erase'],
  attributes: ['lead:read'],
  declare: ['settings:manage'],
  undeclare: ['settings:manage'],
} as const satisfies Permits<string>;
const SEGMENTS = {
  get: ['segment:read', 'segment:write'],
  list: ['segment:read', 'segment:write'],
  // It shows leads, and whoever may ask anything about them learns everything.
  preview: ['lead:read'],
  create: ['segment:write'],
  update: ['segment:write'],
  remove: ['segment:write'],
  recalculate: ['segment:write'],
  add: ['segment:write'],
  takeOff: ['segment:write'],
} as const satisfies Permits<string>;
const TRIGGERS = {
  report: ['campaign:read'],
  // It shows what conditions have looked at.
  refusals: ['lead:read'],
  of: ['definition:read'],
} as const satisfies Permits<string>;
const EVENTS = { record: ['lead:write'], names: ['lead:read', 'definition:read'] } as const satisfies Permits<string>;
const DEFINITIONS = { list: ['definition:read'] } as const satisfies Permits<string>;

/** What the API works with: one tenant's services, held to what whoever asks may do. */
export type ApiServices = Omit<OpenServices, 'leads' | 'segments' | 'events' | 'triggers' | 'definitions'> & {
  readonly leads: Pick<OpenServices['leads'], keyof typeof LEADS>;
  readonly segments: Pick<OpenServices['segments'], keyof typeof SEGMENTS>;
  readonly events: Pick<OpenServices['events'], keyof typeof EVENTS>;
  readonly triggers: Pick<OpenServices['triggers'], keyof typeof TRIGGERS>;
  readonly definitions: Pick<OpenServices['definitions'], keyof typeof DEFINITIONS>;
};

/** The services as somebody may use them: the roles are checked here as well as at the door (SR-001). */
export function servicesFor(actor: Principal, open: OpenServices): ApiServices {
  return {
    ...open,
    leads: heldTo(actor, open.leads, LEADS),
    segments: heldTo(actor, open.segments, SEGMENTS),
    events: heldTo(actor, open.events, EVENTS),
    triggers: heldTo(actor, open.triggers, TRIGGERS),
    definitions: heldTo(actor, open.definitions, DEFINITIONS),
  };
}
