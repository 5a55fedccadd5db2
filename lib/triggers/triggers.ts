import { randomUUID } from 'node:crypto';
import type { StoryLine, StoryOf } from '../campaigns';
import { InputError, messageOf, NotFoundError } from '../errors';
import type { LeadInput, LeadReaction, Leads, NewEngagement } from '../leads';
import type { LedgerLog } from '../ledger';
import type { MembershipChange } from '../segments';
import type { Scope } from '../store';
import type { Timers } from '../timers';
import { admit } from './admission';
import type { EntryCause, EntryOutcome } from './contract';
import { scanDates } from './date-scan';
import { entrancesOf, triggersWhere, type TriggerRow } from './entrances';
import type { JudgeDeps } from './judge';
import { TriggerReactions } from './reaction';
import { counterOf, readRefusals, type Refusal } from './refusals';
import { REFUSALS, type RefusalReason, type TriggerConfig } from './types';

/** Timers' kind of triggers that look at dates: one timer for each, every hour. */
const DATES = 'trigger-date';
const HOURLY = { cron: '0 * * * *' };

/** What the triggers of a tenant need from others. */
export interface TriggersDeps {
  readonly judge: JudgeDeps;
  readonly leads: Leads;
  readonly timers: Timers;
  readonly log: LedgerLog;
  /** Has a station look for who has come. */
  wake(station: number): void;
  /** The zone of leads that have none and whose country has none. */
  tenantZone?(): Promise<string | undefined>;
}

/** A trigger of a campaign, and how many it has let in and kept out. */
export interface TriggerReport {
  readonly definition: string;
  readonly step: string;
  readonly config: TriggerConfig;
  /** Why its configuration cannot be used, if it cannot. */
  readonly broken?: string;
  readonly entered: number;
  /** By reason; those that never kept anybody out are absent. */
  readonly refused: Partial<Record<RefusalReason, number>>;
}

/** What lets people into campaigns by themselves. */
export class Triggers {
  private readonly reactions: TriggerReactions;
  /** Triggers whose dates are being looked through in this process. */
  private readonly looking = new Map<number, Promise<void>>();

  constructor(
    private readonly scope: Scope,
    private readonly deps: TriggersDeps,
  ) {
    this.reactions = new TriggerReactions(deps.judge, (station) => deps.wake(station));
    deps.timers.on(DATES, async ({ key }) => this.look(Number(key)));
  }

  /** What follows from what leads do and become. */
  reaction(): LeadReaction {
    return this.reactions.reaction();
  }

  /** What follows from coming into a segment and leaving it, in the transaction that writes the members. */
  membership(tx: Scope, change: MembershipChange): Promise<void> {
    return this.reactions.membership(tx, change);
  }

  /** How many campaigns a lead came into by an engagement: ask after the reactions have run. */
  enteredBy(engagement: NewEngagement): number {
    return this.reactions.enteredBy(engagement);
  }

  /**
   * Lets a lead into the launched campaigns of a definition by its trigger's rules: for custom triggers, and by hand.
   * @throws InputError `E_TRIGGER`, what is wrong with the lead; NotFoundError `E_UNKNOWN_LEAD`
   */
  async enter(definition: string, who: number | string | LeadInput, cause: EntryCause = {}): Promise<EntryOutcome> {
    const { key = randomUUID(), metadata = {} } = cause;
    if (typeof key !== 'string' || key === '' || key.length > 64)
      throw new InputError('E_TRIGGER', 'The key of a cause is a text of 1 to 64 characters.');
    const lead = await this.leadOf(who);
    const entered = await this.scope.transaction(async (tx) => {
      const coming = (await entrancesOf(tx, { definition })).map((entrance) => {
        const { listens } = entrance.config;
        const type = listens.on === 'custom' ? listens.contract : 'entry';
        const event = Object.assign(
          Object.create(null) as Record<string, unknown>,
          { type, at: tx.clock.now() },
          metadata,
        );
        return { entrance, candidates: [{ lead, key: `custom:${key}`, event }] };
      });
      return admit(tx, this.deps.judge, coming, { repeats: true });
    });
    for (const { station } of entered) this.deps.wake(station);
    return { lead, entered: entered.length };
  }

  /**
   * Sets the timers of triggers that look at dates, and looks at once. Call it when the runtime starts and after each deploy; a
   * trigger that is gone loses its timer when it rings.
   */
  async listen(): Promise<void> {
    for (const { station } of await triggersWhere(this.scope, { on: 'date' })) {
      await this.deps.timers.every(DATES, String(station), HOURLY);
      await this.look(station);
    }
  }

  /** The deployed triggers of a definition. @throws NotFoundError `E_UNKNOWN_DEFINITION` when no flow of it is deployed */
  async of(definition: string): Promise<TriggerRow[]> {
    const triggers = await triggersWhere(this.scope, { definition });
    if (triggers.length > 0) return triggers;
    throw new NotFoundError('E_UNKNOWN_DEFINITION', `No flow of the definition "${definition}" is deployed.`);
  }

  /** The triggers of a campaign, with what they have let in and kept out. */
  async report({ id, definition }: { id: number; definition: string }): Promise<TriggerReport[]> {
    const triggers = await triggersWhere(this.scope, { definition });
    const rows = await this.scope.all<{ station: number; name: string; n: number }>(
      `SELECT k.station_id AS station, k.name, k.count AS n FROM marketing_counters k
       WHERE k.tenant_id = :tenant AND k.campaign_id = :id`,
      { id },
    );
    return triggers.map(({ station, ...trigger }) => {
      const counts = new Map(rows.filter((row) => row.station === station).map(({ name, n }) => [name, Number(n)]));
      const refused = REFUSALS.flatMap((reason) => {
        const count = counts.get(counterOf(reason)) ?? 0;
        return count > 0 ? [[reason, count] as const] : [];
      });
      return { ...trigger, entered: counts.get('entered') ?? 0, refused: Object.fromEntries(refused) };
    });
  }

  /** Whom a campaign's triggers have not let in, and why: the latest first, a hundred at most. */
  async refusals(query: { campaign: number; lead?: number; limit?: number }): Promise<Refusal[]> {
    return readRefusals(this.scope, query);
  }

  /** Lines for the story of an enrollment: what the triggers have kept the lead out for while it was under way. */
  async story(scope: Scope, { campaign, lead, from, until }: StoryOf): Promise<StoryLine[]> {
    const refusals = await readRefusals(scope, { campaign, lead });
    return refusals
      .filter(({ firstAt, lastAt }) => lastAt >= from && firstAt <= until)
      .map(({ step, reason, times, cause, saw, lastAt }) => ({
        at: Math.min(lastAt, until),
        ...{ step, kind: 'trigger', state: 'refused' },
        text: times > 1 ? `not let in once more, ${times} times` : 'not let in once more',
        because: `${reason} (${cause})`,
        ...(saw ? { saw } : {}),
      }));
  }

  /** Looks through a trigger's dates; one look after another in this process. */
  private async look(station: number): Promise<void> {
    const look = (this.looking.get(station) ?? Promise.resolve()).then(() => this.scan(station));
    this.looking.set(station, look);
    await look;
    if (this.looking.get(station) === look) this.looking.delete(station);
  }

  private async scan(station: number): Promise<void> {
    const { judge, tenantZone = () => Promise.resolve(undefined), timers, log } = this.deps;
    try {
      const listening = await triggersWhere(this.scope, { on: 'date' });
      if (!listening.some((trigger) => trigger.station === station)) {
        await timers.cancel(DATES, String(station));
        return;
      }
      const entered = await scanDates(this.scope, { ...judge, tenantZone }, station);
      if (entered.length > 0) this.deps.wake(station);
    } catch (error) {
      log.warn(`The dates of a trigger could not be looked through, and are with the next hour: ${messageOf(error)}`);
    }
  }

  private async leadOf(who: number | string | LeadInput): Promise<number> {
    const { leads } = this.deps;
    if (typeof who === 'object') {
      const result = await leads.upsert(who, { source: 'trigger' });
      if (result.outcome === 'rejected') throw new InputError(result.reason.code, result.reason.message);
      return result.id;
    }
    const found = await leads.get(typeof who === 'number' ? who : { email: who });
    if (found) return found.id;
    throw new NotFoundError('E_UNKNOWN_LEAD', `There is no lead "${who}". Create it first, or give its fields.`);
  }
}
