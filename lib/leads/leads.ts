import type { ConditionSchema } from '../conditions';
import type { Scope } from '../store';
import { declareAttributes, readAttributes, undeclareAttribute } from './attributes';
import {
  consentsOf,
  setConsents,
  unknownLead,
  type Consent,
  type ConsentChange,
  type ConsentOptions,
  type ConsentState,
} from './consents';
import { recordEngagements, type Engagement, type RecordedEngagement } from './engagements';
import type { Said } from './normalise';
import { countLeads, getLead, idsByKey, listLeads, removeLead, type LeadKey } from './read';
import type { Reactions } from './reactions';
import { sendability, type Sendability, type SendabilityRules } from './sendability';
import { suppressAll, suppressionOf, unsuppress, type Suppression } from './suppressions';
import type {
  Attribute,
  AttributeType,
  LeadInput,
  LeadPage,
  LeadQuery,
  LeadView,
  OnLeadsChanged,
  Rejection,
  UpsertOptions,
  UpsertResult,
} from './types';
import { storeLeads, updateLead, upsertLeads, type LeadHooks } from './upsert';
import { leadViews } from './view';

/** What the leads of a tenant need from others. */
export interface LeadsDeps {
  /** Told after each committed change, before the call that changed them resolves: segments follow. */
  onChanged?: OnLeadsChanged;
  /** What follows from changes and engagements within their transactions. */
  reactions?: Reactions;
  /** What reads an attribute (names of segments): while there is any, it cannot be undeclared. */
  attributeUsedBy?: (name: string) => Promise<readonly string[]>;
}

/** Inputs up to this many are written on the calling thread's connection; more go to the background. */
const FEW = 100;

/** The leads of one tenant. Make it with {@link createLeads}. */
export class Leads {
  constructor(
    readonly scope: Scope,
    private readonly deps: LeadsDeps = {},
  ) {}

  /**
   * Declares an attribute. Declaring it again with the same type changes nothing.
   * @throws InputError `E_ATTRIBUTE_NAME`, `E_ATTRIBUTE_TYPE`; ConflictError `E_ATTRIBUTE_EXISTS`
   */
  async declare(name: string, type: AttributeType): Promise<void> {
    await declareAttributes(this.scope, [{ name, type }]);
  }

  /** Declares several attributes, all or none. Throws as {@link declare}. */
  async declareAll(attributes: readonly Attribute[]): Promise<void> {
    await declareAttributes(this.scope, attributes);
  }

  /**
   * Takes a declaration back and removes its values from all leads.
   * @throws NotFoundError `E_UNKNOWN_ATTRIBUTE`; ConflictError `E_ATTRIBUTE_IN_USE`
   */
  async undeclare(name: string): Promise<void> {
    await undeclareAttribute(this.scope, name, this.deps.attributeUsedBy ?? (() => Promise.resolve([])));
  }

  /** The declared attributes by name. */
  async attributes(): Promise<Attribute[]> {
    return Array.from(await readAttributes(this.scope), ([name, type]) => ({ name, type }));
  }

  /** What a condition may read of a lead, for `compileCondition`. Inside a transaction, give it. */
  async schema(scope = this.scope): Promise<ConditionSchema> {
    return { lead: Object.fromEntries(await readAttributes(scope)) };
  }

  /** Creates or updates one lead. See {@link upsertAll}. */
  async upsert(input: LeadInput, options: UpsertOptions = {}): Promise<UpsertResult> {
    const [result] = await this.upsertAll([input], options);
    // One input, one result.
    return result as UpsertResult;
  }

  /** Changes the lead with this id; its keys, too. Rejected with `E_UNKNOWN_LEAD` when nobody has it. */
  async update(id: number, input: LeadInput, options: UpsertOptions = {}): Promise<UpsertResult> {
    return updateLead(this.scope, id, input, options, this.deps);
  }

  /**
   * Creates or updates leads, in order; one result per input, nothing is thrown for a bad one.
   *
   * Whom an input means: the lead with its external id; if nobody has that (or none is given), the lead with its
   * e-mail address. It is rejected when the two belong to different leads, or the address to a lead with another
   * external id. A field that is absent is kept; `null` (or an empty text in a built-in field) removes it.
   */
  async upsertAll(inputs: readonly LeadInput[], options: UpsertOptions = {}): Promise<UpsertResult[]> {
    if (inputs.length <= FEW) return upsertLeads(this.scope, inputs, options, this.deps);
    return this.inBackground((db, hooks) => upsertLeads(db, inputs, options, hooks));
  }

  /**
   * The second half of {@link upsertAll}, for inputs that this folder has normalised already (its import does so while the
   * batch before is being written).
   * @internal
   */
  async store(said: readonly (Said | Rejection)[], options: UpsertOptions = {}): Promise<UpsertResult[]> {
    if (said.length <= FEW) return storeLeads(this.scope, said, options, this.deps);
    return this.inBackground((db, hooks) => storeLeads(db, said, options, hooks));
  }

  private async inBackground<T>(work: (db: Scope, hooks: LeadHooks) => Promise<T>): Promise<T> {
    const changes: [readonly number[], readonly string[]][] = [];
    const result = await this.scope.background((db) =>
      work(db, {
        ...this.deps,
        onChanged: (ids, fields) => {
          changes.push([ids, fields]);
          return Promise.resolve();
        },
      }),
    );
    // Changes are told when the background connection is free again: who listens may need it.
    const { onChanged } = this.deps;
    if (onChanged) for (const [ids, fields] of changes) await onChanged(ids, fields);
    return result;
  }

  /** One lead, or undefined. */
  async get(key: LeadKey): Promise<LeadView | undefined> {
    return getLead(this.scope, key);
  }
  /** One lead. @throws NotFoundError `E_UNKNOWN_LEAD` */
  async require(id: number): Promise<LeadView> {
    return (await getLead(this.scope, id)) ?? Promise.reject(unknownLead(id));
  }
  /** The views of many leads, in one statement. */
  async views(ids: readonly number[]): Promise<Map<number, LeadView>> {
    return leadViews(this.scope, ids);
  }
  /** The ids behind e-mail addresses and external ids. */
  async ids(keys: Parameters<typeof idsByKey>[1]): ReturnType<typeof idsByKey> {
    return idsByKey(this.scope, keys);
  }
  /** A page of leads. @throws InputError `E_LIMIT`, `E_CURSOR` */
  async list(query: LeadQuery = {}): Promise<LeadPage> {
    return listLeads(this.scope, query);
  }
  /** How many leads match; those of all pages. */
  async count(query: LeadQuery = {}): Promise<number> {
    return countLeads(this.scope, query);
  }
  /** Removes a lead with its memberships, consents and engagements; suppressions of its addresses stay. False when nobody has this id. */
  async remove(id: number): Promise<boolean> {
    const removed = await removeLead(this.scope, id, this.deps.reactions);
    if (removed) await this.deps.onChanged?.([id], ['*']);
    return removed;
  }

  /**
   * Records what a lead allows or forbids on a channel (`*`: on all). True when it was not on record already.
   * @throws InputError `E_CHANNEL`; NotFoundError `E_UNKNOWN_LEAD`
   */
  async setConsent(
    leadId: number,
    channel: string,
    state: ConsentState,
    how: { source: string; at?: number },
  ): Promise<boolean> {
    return (await setConsents(this.scope, [{ leadId, channel, state, ...how }])) > 0;
  }
  /** Records many decisions in one transaction; how many were new. Throws as {@link setConsent}. */
  async setConsents(changes: readonly ConsentChange[], options: ConsentOptions = {}): Promise<number> {
    return setConsents(this.scope, changes, options);
  }
  /** What a lead allows and forbids, channel by channel. */
  async consentsOf(leadId: number): Promise<Consent[]> {
    return consentsOf(this.scope, leadId);
  }
  /** What is on record for exactly this channel. */
  async consentOf(leadId: number, channel: string): Promise<Consent | undefined> {
    return (await consentsOf(this.scope, leadId)).find((consent) => consent.channel === channel);
  }

  /**
   * Forbids sending to an address (`*`: on all channels). True when it was not forbidden already.
   * @throws InputError `E_ADDRESS`, `E_CHANNEL`
   */
  async suppress(
    address: string,
    channel: string,
    reason: string,
    how: { source?: string; at?: number } = {},
  ): Promise<boolean> {
    return (await suppressAll(this.scope, [{ address, channel, reason, ...how }])) > 0;
  }
  /** Forbids many addresses in one transaction; how many were new. Throws as {@link suppress}. */
  async suppressAll(list: readonly Suppression[]): Promise<number> {
    return suppressAll(this.scope, list);
  }
  /** Takes an address off the list, for this channel only. False when it was not on it. */
  async unsuppress(address: string, channel: string, source: string): Promise<boolean> {
    return unsuppress(this.scope, address, channel, source);
  }
  /** Whether an address is suppressed on a channel (or on all). */
  async isSuppressed(address: string, channel: string): Promise<boolean> {
    return (await suppressionOf(this.scope, address, channel)) !== undefined;
  }
  /** Who may be sent something on this channel now, and why not. One statement. */
  async sendability(
    leadIds: readonly number[],
    channel: string,
    rules: SendabilityRules = {},
  ): Promise<Map<number, Sendability>> {
    return sendability(this.scope, leadIds, channel, rules);
  }

  /**
   * Records what leads did, each event id once; one result per engagement, in order. Those that were new are told to
   * `onChanged` as `did:<type>`.
   * @throws InputError `E_ENGAGEMENT`
   */
  async engage(list: readonly Engagement[]): Promise<RecordedEngagement[]> {
    const results = await recordEngagements(this.scope, list, this.deps.reactions);
    const { onChanged } = this.deps;
    if (!onChanged) return results;
    const byType = new Map<string, Set<number>>();
    list.forEach(({ type, leadId }, index) => {
      if (results[index]?.outcome === 'new') byType.set(type, (byType.get(type) ?? new Set()).add(leadId));
    });
    for (const [type, ids] of byType) await onChanged([...ids], [`did:${type}`]);
    return results;
  }
}

/** The leads of a scope's tenant. */
export function createLeads(scope: Scope, deps: LeadsDeps = {}): Leads {
  return new Leads(scope, deps);
}
