import type { Lifecycle, LifecycleStep } from '../campaigns';
import type { StoredCampaign } from './attribute';
import type { CampaignDeclaration, ModelCampaign } from './types';

/** A campaign that was never launched. */
export function freshCampaign(declaration: CampaignDeclaration, lifecycle: Lifecycle): StoredCampaign {
  return {
    stage: lifecycle.initial,
    state: lifecycle.stateOf(lifecycle.initial),
    data: { ...declaration.data },
    run: 0,
  };
}

/** The campaign after a step of its lifecycle. */
export function changedTo(campaign: StoredCampaign, step: LifecycleStep, now: number): StoredCampaign {
  const launched = step.effect === 'launch';
  const { endedAt: _ended, ...going } = campaign;
  return {
    ...(launched ? going : campaign),
    stage: step.to,
    state: step.state,
    ...(launched ? { run: campaign.run + 1, startedAt: now } : {}),
    ...(step.effect === 'complete' || step.effect === 'cancel' ? { endedAt: now } : {}),
  };
}

/** What programs see of a stored campaign. */
export function viewOf(name: string, declaration: CampaignDeclaration, stored: StoredCampaign): ModelCampaign {
  const { data, state, stage, run, startedAt, endedAt } = stored;
  // A launch may bring another budget than the class declares.
  const budget = typeof data['budget'] === 'number' ? data['budget'] : declaration.budget;
  return {
    name,
    title: declaration.name ?? (typeof data['name'] === 'string' ? data['name'] : name),
    state,
    stage,
    channels: declaration.channels ?? [],
    ...(budget === undefined ? {} : { budget }),
    data,
    run,
    isActive: state === 'active',
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}
