import { InputError } from '../errors';
import type { MarketingManager } from './manager';
import type {
  CampaignDeclaration,
  MarketingDeclaration,
  ModelCampaign,
  ModelHistoryEntry,
  ModelOptions,
  SalesMarketingDeclaration,
} from './types';

/** The entity that `launchCampaign` makes. */
const CAMPAIGN = 'campaign';

/**
 * The sales-marketing form of the same thing: campaigns are not declared one by one; `entities.campaign` says what each
 * of them looks like, and a launch names its own.
 */
export class SalesMarketingManager {
  constructor(
    private readonly manager: MarketingManager,
    private readonly declared: () => SalesMarketingDeclaration,
    /** Names of campaigns by key: those of this process; others are in the state. */
    private readonly launched: Map<string, string>,
  ) {}

  /**
   * Starts a campaign. Its name makes its key: launching the same name again is its next run.
   * @throws InputError `E_CAMPAIGN_DATA` for fields that the entity does not have; and as {@link MarketingManager.launchCampaign}
   */
  async launchCampaign(data: Readonly<Record<string, unknown>>, options: ModelOptions = {}): Promise<ModelCampaign> {
    const { fields = ['name'] } = this.declared().entities[CAMPAIGN] ?? {};
    const [first = 'name'] = fields;
    const problems = Object.keys(data)
      .filter((field) => !fields.includes(field))
      .map((field) => ({ path: `/${field}`, message: `no such field; there are ${fields.join(', ')}` }));
    const title = data[first];
    if (typeof title !== 'string' || title.trim() === '') problems.push({ path: `/${first}`, message: 'is missing' });
    const [problem] = problems;
    if (problem) {
      throw new InputError(
        'E_CAMPAIGN_DATA',
        `The campaign's data cannot be used: ${problem.path} ${problem.message}.`,
        {
          details: { problems },
        },
      );
    }
    const key = keyOf(String(title));
    this.launched.set(key, String(title));
    return this.manager.launchCampaign(key, data, options);
  }

  /** Whether something may be done: to one campaign (by its name), or to any. See {@link MarketingManager.can}. */
  async can(action: string, name?: string, options: ModelOptions = {}): Promise<boolean> {
    await this.learn();
    if (name !== undefined) return this.manager.can(action, this.known(name), options);
    return this.manager.can(action, undefined, options);
  }

  /** Does an action: `pause`, `resume`, `complete`, `close`, `activate` … Throws as {@link launchCampaign}. */
  async act(name: string, action: string, options: ModelOptions = {}): Promise<ModelCampaign> {
    await this.learn();
    return this.manager.act(this.known(name), action, options);
  }

  history(): Promise<ModelHistoryEntry[]> {
    return this.manager.history();
  }
  campaigns(): Promise<ModelCampaign[]> {
    return this.manager.campaigns();
  }
  activeCampaigns(): Promise<ModelCampaign[]> {
    return this.manager.activeCampaigns();
  }

  private known(name: string): string {
    const key = keyOf(name);
    this.launched.set(key, this.launched.get(key) ?? name);
    return key;
  }

  /** Campaigns that were launched before this process began. */
  private async learn(): Promise<void> {
    for (const { name, title } of await this.manager.campaigns()) this.launched.set(name, title);
  }
}

/** The declaration of the common form: one campaign per name that was launched, each like the entity. */
export function salesCampaigns(
  { entities, ...rest }: SalesMarketingDeclaration,
  launched: ReadonlyMap<string, string>,
): MarketingDeclaration {
  const like: CampaignDeclaration = entities[CAMPAIGN] ?? {};
  const names = launched.size > 0 ? [...launched] : [[CAMPAIGN, like.name ?? CAMPAIGN] as const];
  return { ...rest, campaigns: Object.fromEntries(names.map(([key, name]) => [key, { ...like, name }])) };
}

/** "Summer Sale" → "summer_sale". */
function keyOf(name: string): string {
  const key = name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 128);
  if (key !== '') return key;
  throw new InputError('E_CAMPAIGN_DATA', `"${name}" cannot name a campaign: it has neither letters nor digits.`);
}
