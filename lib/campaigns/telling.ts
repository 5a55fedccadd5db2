import { record } from '../history';
import { announce, type Announcement, type AnnouncementType } from '../outbox';
import type { Scope } from '../store';
import { PAST, type LifecycleEffect, type LifecycleStep } from './lifecycle';
import type { Plan } from './plan';
import type { Campaign, CampaignState } from './types';

const TYPES: Readonly<Record<LifecycleEffect, AnnouncementType>> = {
  schedule: 'marketing.campaign.scheduled',
  unschedule: 'marketing.campaign.stage_changed',
  queue: 'marketing.campaign.stage_changed',
  stage: 'marketing.campaign.stage_changed',
  launch: 'marketing.campaign.launched',
  pause: 'marketing.campaign.paused',
  resume: 'marketing.campaign.resumed',
  complete: 'marketing.campaign.completed',
  cancel: 'marketing.campaign.cancelled',
  optimize: 'marketing.campaign.updated',
};

/** Who did something, and why. */
export interface Told {
  readonly actor: string;
  readonly reason: string | undefined;
}

/** Writes what an action did into the history, and announces it. */
export async function tell(
  tx: Scope,
  before: Campaign,
  after: Campaign,
  { steps }: Plan,
  { actor, reason }: Told,
): Promise<void> {
  let from = standing(before.state, before.stage);
  for (const step of steps) {
    const to = standing(step.state, step.to);
    const payload = {
      ...(reason === undefined ? {} : { reason }),
      ...(step.action === step.effect ? {} : { action: step.action }),
    };
    await record(tx, {
      event: `campaign.${PAST[step.effect]}`,
      campaign: before.id,
      actor,
      before: from,
      after: to,
      ...(Object.keys(payload).length === 0 ? {} : { payload }),
    });
    from = to;
  }
  await announce(
    tx,
    steps.map((step) => ({ type: TYPES[step.effect], data: factsOf(after, actor, { step }) })),
  );
}

/** Announces something about a campaign itself. */
export function announceCampaign(
  tx: Scope,
  type: AnnouncementType,
  campaign: Campaign,
  actor: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return announce(tx, [{ type, data: { ...factsOf(campaign, actor), ...more } }]);
}

/** What others are told of a campaign: ids, keys and states. */
function factsOf(campaign: Campaign, actor: string, { step }: { step?: LifecycleStep } = {}): Announcement['data'] {
  const { id, key, definition, run, version, subject, nextRunAt } = campaign;
  return {
    campaign: id,
    key,
    definition,
    state: step?.state ?? campaign.state,
    stage: step?.to ?? campaign.stage,
    ...(step ? { action: step.action, from: step.from } : {}),
    run,
    version,
    ...(subject ? { subject } : {}),
    ...(nextRunAt === undefined ? {} : { nextRunAt }),
    actor,
  };
}

/** Where a campaign stands; the stage only where it says more than the state. */
export function standing(state: CampaignState, stage: string): { state: CampaignState; stage?: string } {
  return stage === state ? { state } : { state, stage };
}
