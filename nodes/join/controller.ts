import type { StationCounts } from '../../lib/ledger/types';
import { durationMs, UNIT_MS, type DelayUnit } from '../kit/duration';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { startStation } from '../kit/station';
import { shortCount } from '../kit/texts';

/**
 * Waits for all branches that were really taken, and sends each person on once, with the result of each branch. Who waits for whom
 * is decided in the ledger (lib/ledger/joins.ts); each branch that arrives here is in custody until then.
 */
export function startJoin(kit: NodeKit): void {
  const unit = kit.config.choice<DelayUnit>('unit', Object.keys(UNIT_MS) as DelayUnit[], 'days');
  const longest = durationMs(kit.config.number('amount', { min: 0 }), unit);
  const station = startStation(kit, { badge: badgeOf, carries: branchesOf });
  kit.onInput((msg) => station.arrive(msg, kit.clock.now() + longest));
}

/** `msg.branches`: what became of each branch. */
function branchesOf(outcome: unknown): Readonly<Record<string, unknown>> {
  const branches: unknown = typeof outcome === 'object' && outcome !== null ? Reflect.get(outcome, 'branches') : [];
  return { branches };
}

function badgeOf({ waiting, joined = 0, ...counts }: StationCounts): Badge {
  const late = counts['timed out'] ?? 0;
  if (waiting > 0) return { fill: 'yellow', text: 'waiting', values: { shown: shortCount(waiting) } };
  if (joined + late > 0) return { fill: 'green', text: 'joined', values: { shown: shortCount(joined + late) } };
  return { fill: 'grey', text: 'idle' };
}
