import { ConflictError, InputError } from '../errors';
import type { Lifecycle, LifecycleStep } from './lifecycle';
import { mustNotBeDeleted } from './refusals';
import type { Campaign, CampaignState } from './types';

/** The permission that an action, or its effect, needs: to say something about a campaign is less than to move it. */
export function permissionFor(action: string): 'campaign:write' | 'campaign:launch' {
  return action === 'optimize' ? 'campaign:write' : 'campaign:launch';
}

/** Whether somebody may be on the way in a campaign. */
export function underWay(state: CampaignState): boolean {
  return state === 'active' || state === 'paused';
}

/** What an action does to a campaign: one step, and a second one when the campaign has waited for this action. */
export interface Plan {
  readonly steps: readonly [LifecycleStep, ...LifecycleStep[]];
  readonly last: LifecycleStep;
  /** Whether the run ends with it. */
  readonly ends: boolean;
  /** Whether one more campaign is active after it. */
  readonly activates: boolean;
  /** What it waits for afterwards. */
  readonly awaiting: string | undefined;
}

/**
 * Finds out what an action does.
 * @param resting where a run that is through leads to, instead of its end: the campaign has a next run
 * @throws ConflictError `E_CAMPAIGN_STATE`, `E_CAMPAIGN_AWAITS`, `E_CAMPAIGN_DELETED`; NotFoundError `E_UNKNOWN_ACTION`
 */
export function planOf(lifecycle: Lifecycle, campaign: Campaign, action: string, { resting = false } = {}): Plan {
  mustNotBeDeleted(campaign);
  const who = `The campaign "${campaign.key}"`;
  const found = lifecycle.next(lifecycle.locate(campaign.stage, campaign.state), action, who);
  const rest = resting ? lifecycle.stageFor('scheduled') : undefined;
  const step: LifecycleStep = rest === undefined ? found : { ...found, to: rest, state: 'scheduled' };
  const waited = campaign.awaiting !== undefined && campaign.awaiting === action;
  if (campaign.awaiting !== undefined && !waited && step.state === 'active') {
    throw new ConflictError(
      'E_CAMPAIGN_AWAITS',
      `${who} waits for "${campaign.awaiting}" and goes on with that; complete or cancel it to end the waiting.`,
      { details: { campaign: campaign.key, awaiting: campaign.awaiting } },
    );
  }
  const steps: [LifecycleStep, ...LifecycleStep[]] = [step];
  if (waited && step.state === 'paused') steps.push(lifecycle.next(step.to, 'resume', who));
  const last = steps.at(-1) ?? step;
  return {
    steps,
    last,
    ends: underWay(campaign.state) && !underWay(last.state),
    activates: campaign.state !== 'active' && last.state === 'active',
    awaiting: last.state === 'paused' ? campaign.awaiting : undefined,
  };
}

/**
 * Looks whether a campaign can wait for an action: it must be one that leads on from a pause.
 * @throws InputError `E_AWAIT_ACTION`, ConflictError `E_CAMPAIGN_STATE`, NotFoundError `E_UNKNOWN_ACTION`
 */
export function mustBeAwaitable(lifecycle: Lifecycle, campaign: Campaign, action: string): void {
  const stage = lifecycle.locate(campaign.stage, campaign.state);
  const paused = campaign.state === 'paused' ? stage : lifecycle.next(stage, 'pause').to;
  lifecycle.next(paused, action, `Paused, the campaign "${campaign.key}"`);
  if (action !== 'resume') return;
  throw new InputError(
    'E_AWAIT_ACTION',
    `A campaign cannot wait for "${action}": name the action that it waits for, such as optimize, or one of its definition.`,
  );
}
