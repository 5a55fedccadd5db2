import type { Lab } from '../lab';
import { abTest } from './ab-test';
import { abandonedCart } from './abandoned-cart';
import { budgetGuard } from './budget-guard';
import { approvalAbove } from './approval-above';
import { followUpSeries } from './follow-up-series';
import { parallelChannels } from './parallel-channels';
import { welcomeDrip } from './welcome-drip';

/** What is played in the lab, by the name of its test. */
export const SCENARIOS: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  'a follow-up series': followUpSeries,
  'an A/B test with its winner': abTest,
  'parallel channels with compensation': parallelChannels,
  'an abandoned cart': abandonedCart,
  'a budget guard with escalation': budgetGuard,
  'a welcome drip': welcomeDrip,
  'approval above 1000': approvalAbove,
};
