import { nameOf } from '../access';
import type { Campaign, Campaigns } from '../campaigns';
import type { Clock } from '../clock';
import type { DefinitionCatalogue, Documents } from '../definitions';
import { ConflictError, InputError } from '../errors';
import { record, type History, type HistoryRecord } from '../history';
import type { Scope } from '../store';
import type {
  CampaignDeclaration,
  ChangeSteps,
  Keeper,
  MarketingDeclaration,
  ModelCampaign,
  ModelHistoryEntry,
  ModelOptions,
} from './types';

/** What models need of an opened Marketing, which fits. */
export interface ModelStore {
  readonly clock: Clock;
  readonly campaigns: Pick<Campaigns, 'act' | 'can' | 'create' | 'get' | 'list' | 'update'>;
  readonly history: Pick<History, 'list'>;
  readonly documents: Pick<Documents, 'save'>;
  readonly catalogue: Pick<DefinitionCatalogue, 'definitionFor'>;
}

/** Between the parts of a campaign's key: class, id and name. */
const SEPARATOR = '.';

/** Keeps campaigns of a model in the database. What the model had kept in its own attribute is taken over first. */
export class InStoreKeeper implements Keeper {
  private takenOver: Promise<void> | undefined;

  constructor(
    private readonly model: object,
    private readonly store: ModelStore,
    private readonly declared: () => MarketingDeclaration,
    private readonly former: Keeper,
  ) {}

  async all(): Promise<ModelCampaign[]> {
    await this.takeOver();
    const found = await this.mine();
    return found.map((campaign) => this.viewOf(campaign));
  }

  async history(): Promise<ModelHistoryEntry[]> {
    await this.takeOver();
    const entries = await this.former.history();
    for (const campaign of await this.mine()) {
      const own: ModelHistoryEntry[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await this.store.history.list({
          campaign: campaign.id,
          limit: 100,
          ...(cursor ? { cursor } : {}),
        });
        own.push(...page.items.map((entry) => entryOf(entry, this.nameOf(campaign))));
        cursor = page.cursor;
        if (cursor === undefined) break;
      }
      entries.push(...own.reverse());
    }
    return entries.sort((a, b) => a.at - b.at);
  }

  async change(name: string, action: string, options: ModelOptions, steps: ChangeSteps): Promise<ModelCampaign> {
    await this.takeOver();
    const campaign = await this.ensure(name, steps.declaration);
    return this.changeStored(campaign, action, options, steps);
  }

  async mustAllow(campaign: ModelCampaign, action: string, declaration: CampaignDeclaration): Promise<void> {
    const stored = (await this.mine()).find((one) => this.nameOf(one) === campaign.name);
    if (!stored) return this.former.mustAllow(campaign, action, declaration);
    const { allowed, reason = 'it is not possible now' } = await this.store.campaigns.can(stored.id, action);
    if (!allowed) throw new ConflictError('E_CAMPAIGN_STATE', reason);
  }

  private async changeStored(
    campaign: Campaign,
    action: string,
    { actor = 'system', reason }: ModelOptions,
    steps: ChangeSteps,
  ): Promise<ModelCampaign> {
    const how = { actor, version: campaign.version, ...(reason === undefined ? {} : { reason }) };
    const data = steps.data && { ...campaign.data, ...steps.data };
    const budget = data && typeof data['budget'] === 'number' ? data['budget'] : campaign.budget;
    if (action === 'edit') {
      const fields = { ...(data ? { data } : {}), ...(budget === undefined ? {} : { budget }) };
      return this.viewOf(
        await this.store.campaigns.update(campaign.id, fields, how, {
          before: (_tx, one) => steps.before(this.viewOf({ ...one, ...fields })),
          after: (_tx, one) => steps.after(this.viewOf(one)),
        }),
      );
    }
    return this.viewOf(
      await this.store.campaigns.act(campaign.id, action, how, {
        ...(data ? { first: (tx: Scope) => writeData(tx, campaign, { data, budget, actor: nameOf(actor) }) } : {}),
        before: (_tx, one) => steps.before(this.viewOf(one)),
        after: (_tx, one) => steps.after(this.viewOf(one)),
      }),
    );
  }

  /** The campaign of this name; a draft is made of the declaration when there is none. */
  private async ensure(name: string, declaration: CampaignDeclaration): Promise<Campaign> {
    const known = (await this.mine()).find((campaign) => this.nameOf(campaign) === name);
    if (known) return known;
    const { type, id } = this.subject();
    const definition = declaration.definition ?? name;
    if (!(await this.store.catalogue.definitionFor(definition))) {
      // A lifecycle without a journey; as soon as somebody deploys a flow of this key, that is what runs.
      const { stages, transitions, dataSchema } = declaration;
      await this.store.documents.save(
        {
          id: definition,
          name: declaration.name ?? name,
          ...(stages ? { stages } : {}),
          ...(transitions ? { transitions } : {}),
          ...(dataSchema ? { dataSchema } : {}),
        },
        { actor: `model:${type}` },
      );
    }
    const key = [type, id, name].join(SEPARATOR).slice(0, 128);
    try {
      return await this.store.campaigns.create(
        {
          key,
          name: declaration.name ?? name,
          definition,
          subject: { type, id },
          ...(declaration.channels ? { channels: declaration.channels } : {}),
          ...(declaration.budget === undefined ? {} : { budget: declaration.budget }),
          ...(declaration.data ? { data: { ...declaration.data } } : {}),
        },
        { actor: `model:${type}` },
      );
    } catch (error) {
      if (!(error instanceof ConflictError) || error.code !== 'E_CAMPAIGN_EXISTS') throw error;
      // Another process made it at the same moment; or another model's id and name make the same key.
      const there = await this.store.campaigns.get(key);
      if (there.subject?.type === type && there.subject.id === id) return there;
      throw error;
    }
  }

  /** Campaigns that the model kept itself go on in the database, in the same states. */
  private takeOver(): Promise<void> {
    this.takenOver ??= this.takeOverNow().catch((error: unknown) => {
      this.takenOver = undefined;
      throw error;
    });
    return this.takenOver;
  }

  private async takeOverNow(): Promise<void> {
    const kept = await this.former.all();
    if (kept.length === 0) return;
    const there = new Set((await this.mine()).map((campaign) => this.nameOf(campaign)));
    for (const { name, state, data } of kept) {
      if (there.has(name)) continue;
      const declaration = this.declared().campaigns[name] ?? {};
      const { id } = await this.ensure(name, { ...declaration, data });
      const how = { actor: 'system', reason: 'taken over from the model' };
      for (const action of WAYS[state] ?? []) await this.store.campaigns.act(id, action, how);
    }
  }

  private async mine(): Promise<Campaign[]> {
    const subject = this.subject();
    const found: Campaign[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await this.store.campaigns.list({
        subject,
        limit: 100,
        sort: 'createdAt',
        ...(cursor ? { cursor } : {}),
      });
      found.push(...page.items);
      cursor = page.cursor;
      if (cursor === undefined) return found;
    }
  }

  private nameOf({ key }: Campaign): string {
    const { type, id } = this.subject();
    const prefix = [type, id, ''].join(SEPARATOR);
    return key.startsWith(prefix) ? key.slice(prefix.length) : key;
  }

  private viewOf(campaign: Campaign): ModelCampaign {
    const { name: title, state, stage, channels, budget, data, run, startedAt, endedAt } = campaign;
    return {
      name: this.nameOf(campaign),
      title,
      state,
      stage,
      channels,
      ...(budget === undefined ? {} : { budget }),
      data,
      run,
      isActive: state === 'active',
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(endedAt === undefined ? {} : { endedAt }),
    };
  }

  /** What the model is to the database: its class and its id. @throws InputError `E_MODEL_ID` */
  private subject(): { type: string; id: string } {
    const { id } = this.model as { id?: unknown };
    const type = this.model.constructor.name;
    if ((typeof id === 'string' && id !== '') || typeof id === 'number') return { type, id: String(id) };
    throw new InputError(
      'E_MODEL_ID',
      `A ${type} without an id cannot keep campaigns in the database: save it first, so that it has one.`,
    );
  }
}

function entryOf({ at, event, actor, before, after, payload }: HistoryRecord, campaign: string): ModelHistoryEntry {
  return {
    at,
    event,
    campaign,
    actor,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(payload === undefined ? {} : { metadata: payload }),
  };
}

/** Gives a campaign the data that it is launched with, in the transaction of the launch, which raises its version. */
async function writeData(
  tx: Scope,
  { id, data: before }: Campaign,
  { data, budget, actor }: { data: object; budget: number | undefined; actor: string },
): Promise<void> {
  await tx.run(
    `UPDATE marketing_campaigns SET data = :data, budget = :budget, updated_at = :now WHERE tenant_id = :tenant AND id = :id`,
    { id, data: JSON.stringify(data), budget: budget ?? null, now: tx.clock.now() },
  );
  await record(tx, { event: 'campaign.updated', campaign: id, actor, before: { data: before }, after: { data } });
}

/** How a draft gets to the state that the model had kept. */
const WAYS: Readonly<Partial<Record<ModelCampaign['state'], readonly string[]>>> = {
  active: ['launch'],
  paused: ['launch', 'pause'],
  completed: ['launch', 'complete'],
  cancelled: ['cancel'],
};
