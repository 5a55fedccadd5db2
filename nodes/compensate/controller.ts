import type { StationCounts } from '../../lib/ledger/types';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { startStation } from '../kit/station';
import { shortCount } from '../kit/texts';

/**
 * Has everything undone that was done for a person in this enrollment, the last effect first, and sends them on afterwards. The
 * work is lib/governance/compensation's; who waits for it is in custody here.
 */
export function startCompensate(kit: NodeKit): void {
  const station = startStation(kit, {
    badge: badgeOf,
    carries: (outcome) => ({ compensation: outcome }),
    arrived: (marketing) => (tx, steps) => marketing.compensations.arrived(tx, steps),
  });
  kit.onInput(async (msg) => {
    const { compensations } = await station.store.marketing();
    // Through "partly undone", if nobody ever says what came of it.
    return station.arrive(msg, { dueAt: compensations.patience, port: 1 });
  });
}

function badgeOf({ waiting, entered }: StationCounts): Badge {
  if (waiting > 0) return { fill: 'yellow', text: 'waiting', values: { shown: shortCount(waiting) } };
  if (entered > 0) return { fill: 'green', text: 'entered', values: { shown: shortCount(entered) } };
  return { fill: 'grey', text: 'idle' };
}
