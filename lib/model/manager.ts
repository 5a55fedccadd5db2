import { nameOf } from '../access';
import { Lifecycle } from '../campaigns';
import { dataValidator } from '../definitions';
import { ConflictError, InputError, MarketingError, NotFoundError } from '../errors';
import { toJson } from './json';
import type {
  CampaignDeclaration,
  GuardContext,
  Keeper,
  MarketingDeclaration,
  ModelCampaign,
  ModelGuard,
  ModelHistoryEntry,
  ModelHook,
  ModelOptions,
} from './types';
import { freshCampaign, viewOf } from './views';

/** What a manager needs. */
export interface ManagerDeps {
  readonly model: object;
  declared(): MarketingDeclaration;
  keeper(): Keeper;
}

/** The campaigns of one model: `product.marketing()`. The same calls wherever they are kept. */
export class MarketingManager {
  constructor(private readonly deps: ManagerDeps) {}

  /**
   * Starts a campaign that the class declares.
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`; InputError `E_CAMPAIGN_DATA`; ConflictError `E_CAMPAIGN_STATE`, `E_GUARD`;
   *   whatever a hook throws. Nothing has changed then
   */
  async launchCampaign(
    name: string,
    data: Readonly<Record<string, unknown>> = {},
    options: ModelOptions = {},
  ): Promise<ModelCampaign> {
    const declaration = this.declaration(name);
    return this.change(name, 'launch', options, checkedData(declaration, toJson(data)));
  }

  pauseCampaign(name: string, options: ModelOptions = {}): Promise<ModelCampaign> {
    return this.act(name, 'pause', options);
  }
  resumeCampaign(name: string, options: ModelOptions = {}): Promise<ModelCampaign> {
    return this.act(name, 'resume', options);
  }
  completeCampaign(name: string, options: ModelOptions = {}): Promise<ModelCampaign> {
    return this.act(name, 'complete', options);
  }
  cancelCampaign(name: string, options: ModelOptions = {}): Promise<ModelCampaign> {
    return this.act(name, 'cancel', options);
  }

  /** Does any action of the campaign's lifecycle, also one that its declaration names. Throws as {@link launchCampaign}. */
  async act(name: string, action: string, options: ModelOptions = {}): Promise<ModelCampaign> {
    return this.change(name, action, options);
  }

  /** Changes a campaign's data. Guards of `edit` decide. Throws as {@link launchCampaign}. */
  async editCampaign(
    name: string,
    data: Readonly<Record<string, unknown>>,
    options: ModelOptions = {},
  ): Promise<ModelCampaign> {
    const known = await this.campaign(name);
    checkEditable(known);
    const all = checkedData(this.declaration(name), { ...known.data, ...toJson(data) });
    return this.change(name, 'edit', options, all);
  }

  /**
   * Whether something may be done now: `launch`, `pause`, `edit`, an action of the declaration. Asks the lifecycle and the
   * guards, and changes nothing. Without a name: whether it may be done to any of the model's campaigns.
   */
  async can(action: string, name?: string, options: ModelOptions = {}): Promise<boolean> {
    const names = name === undefined ? Object.keys(this.deps.declared().campaigns) : [name];
    for (const one of names) if ((await this.check(action, one, options)).allowed) return true;
    return false;
  }

  /** Like {@link can}, with the reason. */
  async check(
    action: string,
    name: string,
    options: ModelOptions = {},
  ): Promise<{ allowed: boolean; reason?: string }> {
    try {
      const declaration = this.declaration(name);
      const campaign = await this.campaign(name);
      if (action === 'edit') checkEditable(campaign);
      else await this.deps.keeper().mustAllow(campaign, action, declaration);
      await this.askGuards(campaign, action, options);
      return { allowed: true };
    } catch (error) {
      // Only what says no on purpose is an answer; a guard that breaks is a mistake in it, and says so.
      if (!(error instanceof MarketingError)) throw error;
      return { allowed: false, reason: error.message };
    }
  }

  /** Who did what when, oldest first; of one campaign, or of all. */
  async history(name?: string): Promise<ModelHistoryEntry[]> {
    const entries = await this.deps.keeper().history();
    return name === undefined ? entries : entries.filter(({ campaign }) => campaign === name);
  }

  /** All campaigns that were ever launched. */
  campaigns(): Promise<ModelCampaign[]> {
    return this.deps.keeper().all();
  }

  async activeCampaigns(): Promise<ModelCampaign[]> {
    return (await this.campaigns()).filter(({ isActive }) => isActive);
  }

  /** One campaign; as it would start, when it was never launched. @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  async campaign(name: string): Promise<ModelCampaign> {
    const declaration = this.declaration(name);
    const known = (await this.campaigns()).find((campaign) => campaign.name === name);
    return known ?? viewOf(name, declaration, freshCampaign(declaration, Lifecycle.of(declaration)));
  }

  private change(
    name: string,
    action: string,
    options: ModelOptions,
    data?: Readonly<Record<string, unknown>>,
  ): Promise<ModelCampaign> {
    const declaration = this.declaration(name);
    return this.deps.keeper().change(name, action, options, {
      declaration,
      ...(data === undefined ? {} : { data }),
      before: async (campaign) => {
        await this.askGuards(campaign, action, options);
        await this.runHooks('before', campaign, action, options);
      },
      after: (campaign) => this.runHooks('after', campaign, action, options),
    });
  }

  private declaration(name: string): CampaignDeclaration {
    const { campaigns } = this.deps.declared();
    const declaration = Object.hasOwn(campaigns, name) ? campaigns[name] : undefined;
    if (declaration) return declaration;
    const known = Object.keys(campaigns).join(', ') || 'none';
    throw new NotFoundError(
      'E_UNKNOWN_CAMPAIGN',
      `The model declares no campaign "${name}" (it declares: ${known}). Add it to marketingConfig().`,
    );
  }

  private context(action: string, { actor }: ModelOptions): GuardContext {
    return { model: this.deps.model, action, actor: actor ?? 'system' };
  }

  /** @throws ConflictError `E_GUARD` with the first reason against it */
  private async askGuards(campaign: ModelCampaign, action: string, options: ModelOptions): Promise<void> {
    const declared = this.deps.declared();
    const guards = [declared.guards, declared.campaigns[campaign.name]?.guards].flatMap((of): ModelGuard[] =>
      [of?.['*'] ?? [], of?.[action] ?? []].flat(),
    );
    for (const guard of guards) {
      const answer = await guard(campaign, this.context(action, options));
      if (answer === true) continue;
      const reason = typeof answer === 'string' ? answer : 'a guard of the model says no';
      throw new ConflictError('E_GUARD', `"${action}" of the campaign "${campaign.name}" is not allowed: ${reason}.`, {
        details: { campaign: campaign.name, action, actor: nameOf(options.actor) },
      });
    }
  }

  private async runHooks(
    when: 'before' | 'after',
    campaign: ModelCampaign,
    action: string,
    options: ModelOptions,
  ): Promise<void> {
    const declared = this.deps.declared();
    const name = `${when}${action.charAt(0).toUpperCase()}${action.slice(1)}`;
    const hooks = [declared.hooks?.[name], declared.campaigns[campaign.name]?.hooks?.[name]];
    for (const hook of hooks.filter((one): one is ModelHook => one !== undefined)) {
      await hook(campaign, this.context(action, options));
    }
  }
}

/** @throws InputError `E_CAMPAIGN_DATA` */
function checkedData(
  { dataSchema, validate }: CampaignDeclaration,
  data: Record<string, unknown>,
): Readonly<Record<string, unknown>> {
  const checked = dataSchema ? dataValidator(dataSchema)(data) : data;
  const answer = validate?.(checked) ?? true;
  if (answer === true) return checked;
  const message = typeof answer === 'string' ? answer : 'its validator says no';
  throw new InputError('E_CAMPAIGN_DATA', `The campaign's data cannot be used: ${message}.`, {
    details: { problems: [{ path: '', message }] },
  });
}

/** @throws ConflictError `E_CAMPAIGN_STATE` */
function checkEditable({ name, state }: ModelCampaign): void {
  if (state !== 'active' && state !== 'completed' && state !== 'cancelled') return;
  throw new ConflictError('E_CAMPAIGN_STATE', `The campaign "${name}" is ${state}; pause it before it is changed.`);
}
