import type { Lab } from '../lab';
import { followUpSeries } from './follow-up-series';
import { parallelChannels } from './parallel-channels';

/** What is played in the lab, by the name of its test. */
export const SCENARIOS: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  'a follow-up series': followUpSeries,
  'parallel channels with compensation': parallelChannels,
};
