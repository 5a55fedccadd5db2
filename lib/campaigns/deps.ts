import type { Scope } from '../store';
import type { LifecycleSource } from './stages';
import type { Campaign } from './types';

/** What a campaign needs to know of its definition. */
export interface CampaignDefinition extends LifecycleSource {
  name: string;
  /** The step name of its trigger. */
  entry: string;
  /** `none`: no journey, a lifecycle only; launching enters nobody. */
  entryMode: 'launch' | 'event' | 'none';
  /** The saved segment that the trigger names. */
  segment?: string;
  onUnknown: 'hold' | 'resend';
  deployed: boolean;
}

/** What campaigns need from their surroundings. */
export interface CampaignDeps {
  scope: Scope;
  /** The definition, or undefined when it is not known. Called outside of transactions. */
  definition(key: string): Promise<CampaignDefinition | undefined>;
  /** Throws when there is no such segment. */
  checkSegment(key: string): Promise<void>;
  /** Called before a launch for each segment of its audience: brings up to date what the database cannot answer by itself. */
  prepareSegment?(key: string): Promise<void>;
  /** Throws when an audience's condition cannot be compiled. */
  checkCondition?(condition: string | object): Promise<void>;
  /** Throws an InputError with problems when a campaign's data do not fit its definition; may complete them with defaults. */
  validateData?(
    definition: string,
    data: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Whether a condition of a definition's transition is true of a campaign. */
  conditionHolds?(definition: string, source: string | object, campaign: Campaign, tx: Scope): Promise<boolean>;
  /**
   * How many people a launch would enter; asked only where a tenant's limits need it. Where it is sure that they are not more than `enough`, the
   * answer may be any number up to that.
   */
  countAudience?(campaign: Campaign, enough: number): Promise<number>;
  /** Whether somebody has approved the launch of a campaign as it is now; if not, why not, as the end of a sentence. */
  launchApproval?(campaign: Campaign, people: number | undefined): Promise<{ granted: boolean; why?: string }>;
  /** Whether a campaign under way is another one by now than was launched, in what approvals are about. */
  changedSinceLaunch?(campaign: Campaign): Promise<boolean>;
  /** Called in the transaction of a change of its fields. */
  edited?(tx: Scope, campaign: Campaign, actor: string): Promise<void>;
  /** Who looks after campaigns for a user now: themselves, or whom they have delegated to (BR-009). */
  standIn?(tx: Scope, user: string, campaign: Campaign): Promise<string>;
  /** Keeps a comment on a campaign, in the transaction of the action that it belongs to. */
  comment?(tx: Scope, comment: { campaign: number; author: string; body: string }): Promise<void>;
  /** Called in the transaction that changes a campaign's send rules. */
  sendRulesChanged?(tx: Scope, campaign: number): void;
  /** Called after a change that gives the ledger something to do. */
  changed(campaign: Campaign, action: string): void;
}
