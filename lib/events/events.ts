import { randomUUID } from 'node:crypto';
import { InputError, NotFoundError } from '../errors';
import { Batcher } from '../ledger';
import { checkEngagement, createLeads, Reactions, type LeadInput, type Leads, type NewEngagement } from '../leads';
import type { Scope } from '../store';

/** Something a lead did. */
export interface EventInput {
  /** The event's name: `signed_up`, `cart_abandoned`, `email_opened` … */
  type: string;
  /** Whose it is: a lead id, an e-mail address, or a lead to be created or updated first. */
  lead: number | string | LeadInput;
  /** The sender's id of the event: the same id is recorded, and enters, once. Default: a new one. */
  eventId?: string;
  channel?: string;
  metadata?: Readonly<Record<string, unknown>>;
  /** When it happened, ms since 1970. Default: now. */
  at?: number;
}

/** What recording an event did. */
export interface EventOutcome {
  lead: number;
  /** False when this event id had been recorded before. */
  fresh: boolean;
  /** Campaigns that the lead entered by it. */
  entered: number;
}

interface EventsDeps {
  scope: Scope;
  leads: Leads;
  /** What follows from engagements within their transaction: triggers let people in, among other things. */
  reactions?: Reactions;
  /** How many campaigns a lead came into by an engagement, once the reactions have run. */
  enteredBy?(engagement: NewEngagement): number;
  /** Told after engagements were committed: segments follow. */
  changed(ids: readonly number[], fields: readonly string[]): Promise<void>;
}

/** Records events. The engagement and the enrollments it causes are one transaction: an event is never half taken in. */
export class Events {
  private readonly batcher: Batcher<EventInput & { leadId: number; eventId: string }, EventOutcome>;

  constructor(private readonly deps: EventsDeps) {
    this.batcher = new Batcher((events) => this.write(events), 200);
  }

  /**
   * Records an event and enters the lead wherever an active campaign's trigger listens to it (paused ones hold the lead
   * until they go on).
   * @throws InputError `E_EVENT`, what is wrong with the lead; NotFoundError `E_UNKNOWN_LEAD`
   */
  async record(event: EventInput): Promise<EventOutcome> {
    const checked = checkEvent(event);
    const leadId = await this.leadOf(event.lead);
    return this.batcher.add({ ...checked, leadId });
  }

  /** Names of the events that were recorded or that triggers listen to, for pickers. */
  async names(): Promise<string[]> {
    const rows = await this.deps.scope.background((db) =>
      db.all<{ type: string }>(
        `SELECT DISTINCT type FROM marketing_engagements WHERE tenant_id = :tenant
         UNION SELECT t.entry_event AS type FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.entry_event IS NOT NULL
         ORDER BY type LIMIT 200`,
      ),
    );
    return rows.map(({ type }) => type);
  }

  private async leadOf(lead: EventInput['lead']): Promise<number> {
    if (typeof lead === 'object') {
      const result = await this.deps.leads.upsert(lead, { source: 'event' });
      if (result.outcome === 'rejected') throw new InputError(result.reason.code, result.reason.message);
      return result.id;
    }
    const found = await this.deps.leads.get(typeof lead === 'number' ? lead : { email: lead });
    if (!found) throw unknownLead(lead);
    return found.id;
  }

  private async write(events: (EventInput & { leadId: number; eventId: string })[]): Promise<(EventOutcome | Error)[]> {
    const outcomes = await this.deps.scope.transaction(async (tx) => {
      const entered = new Map<string, number>();
      const { reactions = new Reactions(), enteredBy = () => 0 } = this.deps;
      const counting = reactions.and({
        engaged: (_tx, list) => {
          for (const engagement of list) entered.set(engagement.eventId, enteredBy(engagement));
          return Promise.resolve();
        },
      });
      const recorded = await createLeads(tx, { reactions: counting }).engage(
        events.map(({ leadId, type, eventId, channel, metadata, at }) => ({
          leadId,
          type,
          eventId,
          ...(channel === undefined ? {} : { channel }),
          ...(metadata === undefined ? {} : { metadata }),
          ...(at === undefined ? {} : { at }),
        })),
      );
      return events.map(({ leadId, eventId }, index): EventOutcome | Error => {
        const outcome = recorded[index]?.outcome;
        if (outcome === undefined || outcome === 'unknown_lead') return unknownLead(leadId);
        const fresh = outcome === 'new';
        return { lead: leadId, fresh, entered: fresh ? (entered.get(eventId) ?? 0) : 0 };
      });
    });
    const byType = new Map<string, number[]>();
    for (const [index, { type, leadId }] of events.entries()) {
      const outcome = outcomes[index];
      if (outcome && !(outcome instanceof Error) && outcome.fresh)
        byType.set(type, [...(byType.get(type) ?? []), leadId]);
    }
    for (const [type, ids] of byType) await this.deps.changed(ids, [`did:${type}`]);
    return outcomes;
  }
}

/**
 * What of an event is written, checked by itself: one that the database refuses would take its whole group with it.
 * The metadata are a copy, because the sender may go on changing its own.
 * @throws InputError `E_EVENT`
 */
function checkEvent({ type, eventId, channel, metadata, at, lead }: EventInput): EventInput & { eventId: string } {
  if (typeof type !== 'string' || !/^[a-z][\w.:-]{0,95}$/i.test(type)) {
    throw new InputError(
      'E_EVENT',
      `"${String(type).slice(0, 100)}" is no event name: use a letter, then up to 95 letters, digits, "_", "-", ".", ":".`,
    );
  }
  const event = {
    type,
    eventId: typeof eventId === 'string' ? eventId.slice(0, 128) : (eventId ?? randomUUID()),
    ...(channel === undefined ? {} : { channel }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(at === undefined ? {} : { at }),
  };
  try {
    const json = checkEngagement(event);
    return {
      ...event,
      lead,
      ...(metadata === undefined ? {} : { metadata: JSON.parse(json) as Record<string, unknown> }),
    };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError('E_EVENT', `The event "${type}" cannot be recorded: ${error.message}`, { cause: error });
  }
}

function unknownLead(lead: number | string): NotFoundError {
  return new NotFoundError(
    'E_UNKNOWN_LEAD',
    `There is no lead "${lead}". Create it first, or give its fields with the event.`,
  );
}
