import type { Lab } from '../lab';
import { followUpSeries } from './follow-up-series';

/** What is played in the lab, by the name of its test. */
export const SCENARIOS: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  'a follow-up series': followUpSeries,
};
