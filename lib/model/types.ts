/*
 * Words of this folder
 *   model        an object of the program that campaigns belong to: a product, a course, a shop
 *   declaration  what the model's class says of its campaigns: names, budgets, guards, hooks
 *   keeper       where campaigns and their history are kept: in the model's own JSON column, or in the database of a Marketing
 */
import type { Actor } from '../access';
import type { CampaignState } from '../campaigns';
import type { DataSchema, StageObject, Transition } from '../definitions';

/** A campaign of a model: the same shape wherever it is kept. Times in ms since 1970. */
export interface ModelCampaign {
  /** What the declaration calls it: `product_launch`. */
  readonly name: string;
  /** Shown to people. */
  readonly title: string;
  readonly state: CampaignState;
  readonly stage: string;
  readonly channels: readonly string[];
  readonly budget?: number;
  /** What it was launched with. */
  readonly data: Readonly<Record<string, unknown>>;
  /** How often it was launched. */
  readonly run: number;
  readonly isActive: boolean;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** One line of a model's campaign history. */
export interface ModelHistoryEntry {
  /** Ms since 1970. */
  readonly at: number;
  /** `campaign.launched`, `campaign.paused` … */
  readonly event: string;
  readonly campaign: string;
  readonly actor: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly metadata?: unknown;
}

/** Whether something may be done: true, false, or the reason why not. Has no effects. */
export type ModelGuard = (
  campaign: ModelCampaign,
  context: GuardContext,
) => boolean | string | Promise<boolean | string>;

/** What a guard may look at besides the campaign. */
export interface GuardContext {
  readonly model: object;
  readonly action: string;
  readonly actor: Actor;
}

/** Called before or after an action, within its transaction: what it throws takes the action back. */
export type ModelHook = (campaign: ModelCampaign, context: GuardContext) => void | Promise<void>;

/** A campaign as a class declares it. */
export interface CampaignDeclaration {
  readonly name?: string;
  readonly channels?: readonly string[];
  readonly budget?: number;
  /** What data a launch needs. Absent: anything. */
  readonly dataSchema?: DataSchema;
  /** A check of its own: true, or what is wrong. */
  readonly validate?: (data: Readonly<Record<string, unknown>>) => boolean | string;
  readonly stages?: readonly (string | StageObject)[];
  readonly transitions?: Readonly<Record<string, Transition>>;
  /** Data that a launch starts from. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The definition that runs it once there is a store. Default: one of the campaign's own name. */
  readonly definition?: string;
  readonly guards?: Readonly<Record<string, ModelGuard | readonly ModelGuard[]>>;
  readonly hooks?: Readonly<Record<string, ModelHook>>;
}

/** What a class says of its marketing: the result of `marketingConfig()`. */
export interface MarketingDeclaration {
  readonly campaigns: Readonly<Record<string, CampaignDeclaration>>;
  /** By action (`launch`, `pause` …, `edit`), for all campaigns. */
  readonly guards?: Readonly<Record<string, ModelGuard | readonly ModelGuard[]>>;
  /** `beforeLaunch`, `afterLaunch`, `beforePause` …, for all campaigns. */
  readonly hooks?: Readonly<Record<string, ModelHook>>;
  /** The attribute that keeps the state as JSON. Default `marketing_data` (`sm_data` for the sales-marketing form). */
  readonly attribute?: string;
  /** How the model is saved after a change. Default: its `$query().patch()` (Objection) or `save()`; nothing where it has neither. */
  readonly save?: (model: object) => void | Promise<void>;
}

/** What the sales-marketing form says: the result of `sm()` as a class declares it. */
export interface SalesMarketingDeclaration extends Omit<MarketingDeclaration, 'campaigns'> {
  readonly entities: Readonly<
    Record<
      string,
      CampaignDeclaration & {
        /** The data that a launch may give; the first one is what it must. */
        readonly fields?: readonly string[];
      }
    >
  >;
}

/** Options of everything that is done to a model's campaign. */
export interface ModelOptions {
  /** Who does it. Default `system`. */
  readonly actor?: Actor;
  readonly reason?: string;
}

/** Where campaigns are kept. One per model. */
export interface Keeper {
  all(): Promise<ModelCampaign[]>;
  history(): Promise<ModelHistoryEntry[]>;
  /** Whether the campaign's lifecycle allows an action now; throws the reason why not. Guards are not asked. */
  mustAllow(campaign: ModelCampaign, action: string, declaration: CampaignDeclaration): Promise<void>;
  /**
   * Does one thing, all of it or nothing: `run` decides what the campaign becomes and runs guards and hooks.
   * @param before the campaign as it is; for one that was never launched, as it would start
   */
  change(name: string, action: string, options: ModelOptions, steps: ChangeSteps): Promise<ModelCampaign>;
}

/** What happens around a change, told by the manager. Each may throw: then nothing has changed. */
export interface ChangeSteps {
  readonly declaration: CampaignDeclaration;
  /** The data given with a launch, checked. */
  readonly data?: Readonly<Record<string, unknown>>;
  before(campaign: ModelCampaign): Promise<void>;
  after(campaign: ModelCampaign): Promise<void>;
}
