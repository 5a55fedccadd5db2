import { ConflictError } from '../errors';
import type { CampaignAction, CampaignState } from './types';

/** Which action leads from which states to which; everything else is refused. */
export const TRANSITIONS: Readonly<Record<CampaignAction, { from: readonly CampaignState[]; to: CampaignState }>> = {
  launch: { from: ['draft', 'completed'], to: 'active' },
  pause: { from: ['active'], to: 'paused' },
  resume: { from: ['paused'], to: 'active' },
  complete: { from: ['active', 'paused'], to: 'completed' },
  cancel: { from: ['draft', 'active', 'paused'], to: 'cancelled' },
};

/** The state that an action leads to. @throws ConflictError `E_CAMPAIGN_STATE` */
export function nextState(key: string, state: CampaignState, action: CampaignAction): CampaignState {
  const transition = TRANSITIONS[action];
  if (!transition.from.includes(state)) {
    throw new ConflictError(
      'E_CAMPAIGN_STATE',
      `The campaign "${key}" is ${state}; "${action}" is possible only when it is ${transition.from.join(' or ')}.`,
      { details: { campaign: key, state, action } },
    );
  }
  return transition.to;
}
