import { KEPT_MS, type Campaigns } from '../campaigns';
import type { Clock } from '../clock';
import type { Timers } from '../timers';

const KIND = 'campaign-purge';
const EVERY_MS = 60 * 60 * 1000;

/** Removes campaigns for good that were deleted 30 days ago. Before the timers start; what it returns is called after that. */
export function startPurging(timers: Timers, campaigns: Campaigns, clock: Clock): () => Promise<void> {
  timers.on(KIND, async () => void (await campaigns.purgeDeleted(clock.now() - KEPT_MS)));
  return () => timers.every(KIND, 'deleted', { ms: EVERY_MS });
}
