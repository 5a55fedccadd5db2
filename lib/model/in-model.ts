import { nameOf } from '../access';
import { Lifecycle } from '../campaigns';
import type { Clock } from '../clock';
import {
  LONGEST_HISTORY,
  rawState,
  readState,
  restoreState,
  saveModel,
  writeState,
  type StoredCampaign,
} from './attribute';
import { mustHold } from './conditions';
import { changedTo, freshCampaign, viewOf } from './views';
import type {
  CampaignDeclaration,
  ChangeSteps,
  Keeper,
  MarketingDeclaration,
  ModelCampaign,
  ModelHistoryEntry,
  ModelOptions,
} from './types';

/** Keeps campaigns in a JSON attribute of the model itself: no table, no migration. */
export class InModelKeeper implements Keeper {
  /** Changes of one model happen one after another: each reads what the one before has written. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly model: object,
    private readonly attributeOf: () => string,
    private readonly declared: () => MarketingDeclaration,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  private get attribute(): string {
    return this.attributeOf();
  }

  all(): Promise<ModelCampaign[]> {
    const { campaigns } = readState(this.model, this.attribute);
    return Promise.resolve(
      Object.entries(campaigns).map(([name, stored]) => viewOf(name, this.declaration(name), stored)),
    );
  }

  history(): Promise<ModelHistoryEntry[]> {
    return Promise.resolve([...readState(this.model, this.attribute).history]);
  }

  mustAllow(campaign: ModelCampaign, action: string, declaration: CampaignDeclaration): Promise<void> {
    const { condition } = Lifecycle.of(declaration).next(campaign.stage, action);
    if (condition !== undefined) mustHold(condition, campaign, action, declaration, this.clock.now());
    return Promise.resolve();
  }

  change(name: string, action: string, options: ModelOptions, steps: ChangeSteps): Promise<ModelCampaign> {
    const done = this.turn.then(() => this.changeNow(name, action, options, steps));
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async changeNow(
    name: string,
    action: string,
    options: ModelOptions,
    steps: ChangeSteps,
  ): Promise<ModelCampaign> {
    const { model, attribute } = this;
    const state = readState(model, attribute);
    const { declaration } = steps;
    const lifecycle = Lifecycle.of(declaration);
    const before = state.campaigns[name] ?? freshCampaign(declaration, lifecycle);
    const data = { ...before.data, ...steps.data };
    const step = action === 'edit' ? undefined : lifecycle.next(before.stage, action);
    const candidate: StoredCampaign = { ...before, data };
    if (step?.condition !== undefined)
      mustHold(step.condition, viewOf(name, declaration, candidate), action, declaration, this.clock.now());
    await steps.before(viewOf(name, declaration, candidate));
    const after = step ? changedTo(candidate, step, this.clock.now()) : candidate;
    const entry: ModelHistoryEntry = {
      at: this.clock.now(),
      event: action === 'edit' ? 'campaign.updated' : `campaign.${lifecycle.past(action)}`,
      campaign: name,
      actor: nameOf(options.actor),
      before: { stage: before.stage, state: before.state },
      after: { stage: after.stage, state: after.state },
      ...(options.reason === undefined ? {} : { metadata: { reason: options.reason } }),
    };
    const former = rawState(model, attribute);
    try {
      writeState(model, attribute, {
        version: 1,
        campaigns: { ...state.campaigns, [name]: after },
        history: [...state.history, entry].slice(-LONGEST_HISTORY),
      });
      const view = viewOf(name, declaration, after);
      await steps.after(view);
      await (this.declared().save?.(model) ?? saveModel(model, attribute));
      return view;
    } catch (error) {
      restoreState(model, attribute, former);
      throw error;
    }
  }

  private declaration(name: string): CampaignDeclaration {
    return this.declared().campaigns[name] ?? {};
  }
}
