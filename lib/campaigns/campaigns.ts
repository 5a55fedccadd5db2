import { ConflictError, InputError, NotFoundError } from '../errors';
import { record } from '../history';
import type { Scope } from '../store';
import { holdCampaigns, releaseCampaigns } from './holds';
import { nextState } from './lifecycle';
import { isOver, lockCampaigns } from '../ledger';
import { endPeople, parkPeople } from './people';
import { CAMPAIGN_COLUMNS, campaignOf, type CampaignRow } from './rows';
import type { ActionOptions, Campaign, CampaignAction, CampaignState, NewCampaign } from './types';

/** What campaigns need from their surroundings. */
export interface CampaignDeps {
  scope: Scope;
  /** The definition's entry, or undefined when it is not known. */
  definition(key: string): Promise<CampaignDefinition | undefined>;
  /** Throws when there is no such segment. */
  checkSegment(key: string): Promise<void>;
  /** Called after a change that gives the ledger something to do. */
  changed(campaign: Campaign, action: CampaignAction): void;
}

/** What a campaign needs to know of its definition. */
export interface CampaignDefinition {
  name: string;
  entry: string;
  entryMode: 'launch' | 'event';
  segment?: string;
  onUnknown: 'hold' | 'resend';
  deployed: boolean;
}

/** Campaigns as data: created, launched, paused, resumed, completed, cancelled; every change in the history. */
export class Campaigns {
  private readonly scope: Scope;
  constructor(private readonly deps: CampaignDeps) {
    this.scope = deps.scope;
  }

  /** Creates a draft. @throws InputError `E_CAMPAIGN_KEY`, ConflictError `E_CAMPAIGN_EXISTS`, NotFoundError `E_UNKNOWN_DEFINITION` */
  async create(input: NewCampaign, { actor = 'system' }: ActionOptions = {}): Promise<Campaign> {
    if (!/^[\p{L}\p{N}_.-]{1,128}$/u.test(input.key)) {
      throw new InputError(
        'E_CAMPAIGN_KEY',
        `"${input.key}" is no campaign key: use 1 to 128 letters, digits, "_", "-" or ".".`,
      );
    }
    const definition = await this.definitionOf(input.definition);
    if (input.segment !== undefined) await this.deps.checkSegment(input.segment);
    return this.scope.transaction(async (tx) => {
      if (await find(tx, input.key)) {
        throw new ConflictError('E_CAMPAIGN_EXISTS', `There is already a campaign "${input.key}". Choose another key.`);
      }
      const now = tx.clock.now();
      const id = await tx.insert(
        `INSERT INTO marketing_campaigns
           (tenant_id, campaign_key, name, definition_key, segment_key, own_segment, data, state, on_unknown, own_policy,
            created_at, updated_at)
         VALUES (:tenant, :key, :name, :definition, :segment, :ownSegment, :data, 'draft', :onUnknown, :ownPolicy, :now, :now)`,
        {
          key: input.key,
          name: input.name ?? (input.key === input.definition ? definition.name : input.key),
          definition: input.definition,
          segment: input.segment ?? definition.segment ?? null,
          ownSegment: input.segment === undefined ? 0 : 1,
          data: JSON.stringify(input.data ?? {}),
          onUnknown: input.onUnknown ?? definition.onUnknown,
          ownPolicy: input.onUnknown === undefined ? 0 : 1,
          now,
        },
      );
      const campaign = await this.get(id, tx);
      await record(tx, {
        event: 'campaign.created',
        campaign: id,
        actor,
        after: { key: campaign.key, state: campaign.state },
      });
      return campaign;
    });
  }

  /** The campaign that a definition's button launches: the one with the definition's own key, created when missing. */
  async ensure(definition: string, options: ActionOptions = {}): Promise<Campaign> {
    const known = await find(this.scope, definition);
    if (known && known.definition_key === definition) return this.followDefinition(known, options);
    return this.create({ key: definition, definition }, options);
  }

  /** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  async get(idOrKey: number | string, scope: Scope = this.scope): Promise<Campaign> {
    const row = await find(scope, idOrKey);
    if (!row) throw new NotFoundError('E_UNKNOWN_CAMPAIGN', `There is no campaign "${idOrKey}".`);
    return campaignOf(row);
  }

  /** Campaigns in the order of their ids. */
  async list(filter: { state?: CampaignState; definition?: string } = {}): Promise<Campaign[]> {
    const rows = await this.scope.all<CampaignRow>(
      `SELECT ${CAMPAIGN_COLUMNS} FROM marketing_campaigns WHERE tenant_id = :tenant
       ${filter.state ? 'AND state = :state' : ''} ${filter.definition ? 'AND definition_key = :definition' : ''} ORDER BY id`,
      {
        ...(filter.state ? { state: filter.state } : {}),
        ...(filter.definition ? { definition: filter.definition } : {}),
      },
    );
    return rows.map(campaignOf);
  }

  /** Starts a run: the audience is written by the ledger in the background. Event campaigns start to listen. */
  async launch(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    const draft = await this.get(key);
    nextState(draft.key, draft.state, 'launch');
    const definition = await this.definitionOf(draft.definition);
    if (!definition.deployed) {
      throw new ConflictError(
        'E_DEFINITION_NOT_DEPLOYED',
        `The flow of the definition "${draft.definition}" is not deployed. Deploy it, then launch.`,
      );
    }
    if (draft.segment !== undefined) await this.deps.checkSegment(draft.segment);
    // Whoever is left of the former run would walk on with the new one.
    if (isOver(draft.state)) await endPeople(this.scope, draft);
    const enter = async (tx: Scope, campaign: Campaign): Promise<void> => {
      const station = await tx.get<{ id: number }>(
        `SELECT id FROM marketing_stations WHERE tenant_id = :tenant AND definition_key = :definition AND step = :step`,
        { definition: campaign.definition, step: definition.entry },
      );
      const now = tx.clock.now();
      await tx.run(
        `UPDATE marketing_campaigns SET run = run + 1, expanding_from = :from, expand_station_id = :station,
                started_at = :now, ended_at = NULL, hold_reason = NULL, hold_since = NULL
         WHERE tenant_id = :tenant AND id = :id`,
        {
          id: campaign.id,
          now,
          from: definition.entryMode === 'launch' ? 0 : null,
          station: definition.entryMode === 'launch' ? (station?.id ?? null) : null,
        },
      );
    };
    return this.act(draft.id, 'launch', { version: draft.version, ...options }, { also: enter });
  }

  /** Everybody stays where they are; nothing new is begun. What is being sent at this moment is finished. */
  pause(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    return this.act(key, 'pause', options);
  }

  /** Goes on where it stood: nobody is skipped, nobody repeated. */
  resume(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    return this.act(key, 'resume', options);
  }

  /** Ends the campaign; whoever is still under way ends with it. */
  complete(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    return this.act(key, 'complete', options);
  }

  /** Stops the campaign for good; nobody gets anything any more. */
  cancel(key: number | string, options: ActionOptions = {}): Promise<Campaign> {
    return this.act(key, 'cancel', options);
  }

  /**
   * Completes a launched campaign in which nobody is under way any more. Does nothing when it changed meanwhile (it may
   * be in its next run by now), or when its trigger has come to listen to an event: then others may always come.
   */
  async finish(id: number): Promise<void> {
    const { definition } = await this.get(id);
    if ((await this.deps.definition(definition))?.entryMode === 'event') return;
    try {
      await this.act(
        id,
        'complete',
        { actor: 'system', reason: 'everybody is through' },
        { first: (tx) => mustBeThrough(tx, id) },
      );
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }

  /** Says why active campaigns stand still (or, with undefined, that they go on). Written to the history. */
  async hold(ids: readonly number[], reason: string | undefined): Promise<void> {
    await (reason === undefined ? releaseCampaigns(this.scope, { ids }) : holdCampaigns(this.scope, ids, reason));
  }

  private async act(
    key: number | string,
    action: CampaignAction,
    options: ActionOptions,
    hooks: { first?: (tx: Scope) => Promise<void>; also?: (tx: Scope, campaign: Campaign) => Promise<void> } = {},
  ): Promise<Campaign> {
    const after = await this.scope.transaction(async (tx) => {
      await hooks.first?.(tx);
      const before = await this.get(key, tx);
      if (options.version !== undefined && options.version !== before.version) throw changedMeanwhile(before.key);
      const state = nextState(before.key, before.state, action);
      const ends = isOver(state);
      const changed = await tx.run(
        `UPDATE marketing_campaigns SET state = :state, version = version + 1, updated_at = :now, parking = :parking
                ${ends ? ', ended_at = :now, expanding_from = NULL' : ''}
                ${action === 'resume' || ends ? ', hold_reason = NULL, hold_since = NULL' : ''}
         WHERE tenant_id = :tenant AND id = :id AND version = :version`,
        {
          id: before.id,
          state,
          now: tx.clock.now(),
          version: before.version,
          // What the people still have to be told: in chunks, after this. A crash in between is made up for.
          parking: action === 'launch' ? 0 : 1,
        },
      );
      if (changed === 0) throw changedMeanwhile(before.key);
      await hooks.also?.(tx, before);
      await record(tx, {
        event: `campaign.${PAST[action]}`,
        campaign: before.id,
        actor: options.actor ?? 'system',
        before: { state: before.state },
        after: { state },
        ...(options.reason === undefined ? {} : { payload: { reason: options.reason } }),
      });
      return this.get(before.id, tx);
    });
    if (isOver(after.state)) await endPeople(this.scope, after);
    else if (action !== 'launch') await parkPeople(this.scope, after);
    this.deps.changed(after, action);
    return after;
  }

  /** What a campaign has taken from its trigger node follows what the node says now; what is its own stays. */
  private async followDefinition(row: CampaignRow, { actor = 'system' }: ActionOptions): Promise<Campaign> {
    const campaign = campaignOf(row);
    const definition = await this.deps.definition(campaign.definition);
    if (!definition || (campaign.state !== 'draft' && campaign.state !== 'completed')) return campaign;
    const before = { segment: campaign.segment ?? null, onUnknown: campaign.onUnknown };
    const after = {
      segment: row.own_segment === 1 ? before.segment : (definition.segment ?? null),
      onUnknown: row.own_policy === 1 ? before.onUnknown : definition.onUnknown,
    };
    if (after.segment === before.segment && after.onUnknown === before.onUnknown) return campaign;
    return this.scope.transaction(async (tx) => {
      // Somebody who changed it meanwhile, or launched it, has decided on what was there.
      const changed = await tx.run(
        `UPDATE marketing_campaigns SET segment_key = :segment, on_unknown = :onUnknown, version = version + 1, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND version = :version AND state IN ('draft', 'completed')`,
        { ...after, id: campaign.id, version: campaign.version, now: tx.clock.now() },
      );
      if (changed > 0) await record(tx, { event: 'campaign.changed', campaign: campaign.id, actor, before, after });
      return this.get(campaign.id, tx);
    });
  }

  private async definitionOf(key: string): Promise<CampaignDefinition> {
    const definition = await this.deps.definition(key);
    if (!definition) {
      throw new NotFoundError(
        'E_UNKNOWN_DEFINITION',
        `There is no definition "${key}". It is the key of a trigger node; deploy the flow that contains it first.`,
      );
    }
    return definition;
  }
}

const PAST: Readonly<Record<CampaignAction, string>> = {
  launch: 'launched',
  pause: 'paused',
  resume: 'resumed',
  complete: 'completed',
  cancel: 'cancelled',
};

async function find(scope: Scope, idOrKey: number | string): Promise<CampaignRow | undefined> {
  return scope.get<CampaignRow>(
    `SELECT ${CAMPAIGN_COLUMNS} FROM marketing_campaigns
     WHERE tenant_id = :tenant AND ${typeof idOrKey === 'number' ? 'id' : 'campaign_key'} = :which`,
    { which: idOrKey },
  );
}

/** @throws ConflictError `E_CAMPAIGN_BUSY`, when a campaign's audience is not wholly in, or somebody is under way */
async function mustBeThrough(tx: Scope, id: number): Promise<void> {
  // Locked before anything is read: nobody launches it, or writes a page of its audience, until we are done.
  await lockCampaigns(tx, [id], 'update');
  const through = await tx.get(
    `SELECT c.id FROM marketing_campaigns c
     WHERE c.tenant_id = :tenant AND c.id = :id AND c.state = 'active'
       AND c.expanding_from IS NULL AND c.expand_station_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM marketing_enrollments e
                       WHERE e.tenant_id = :tenant AND e.campaign_id = c.id AND e.state = 'active')`,
    { id },
  );
  if (!through)
    throw new ConflictError('E_CAMPAIGN_BUSY', 'Somebody is still under way. Wait, or complete the campaign.');
}

function changedMeanwhile(key: string): ConflictError {
  return new ConflictError(
    'E_CONFLICT',
    `The campaign "${key}" was changed by somebody else. Look at it again, then decide.`,
    {
      retryable: true,
    },
  );
}
