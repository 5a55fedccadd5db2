import type { Marketing } from '../../lib';
import { APPROVAL_PORTS, checkTerms, WAIT_MS } from '../../lib/governance';
import type { StationCounts } from '../../lib/ledger/types';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { startStation } from '../kit/station';
import { shortCount } from '../kit/texts';
import { termsOf } from './terms';

/**
 * Holds a campaign's people until others have decided: one request per campaign and run. Who decides is kept on the station's row at deploy;
 * the decision itself wakes the people (lib/governance/approvals).
 */
export function startApproval(kit: NodeKit): void {
  checkTerms(termsOf(kit.saved));
  /** Votes in open requests, by journey: for the badge, which is a hint like all badges. */
  const votes = new Map<string, { votes: number; seats: number }>();
  const station = startStation(kit, {
    badge: (counts) => badgeOf(counts, [...votes.values()]),
    carries: (outcome) => ({ approval: outcome }),
    arrived: (marketing, definition) => {
      watch(marketing, definition);
      return (tx, steps) => marketing.approvals.arrived(tx, steps);
    },
  });
  kit.onInput((msg) => station.arrive(msg, { dueAt: kit.clock.now() + WAIT_MS, port: APPROVAL_PORTS.expired }));

  function watch(marketing: Marketing, definition: string): void {
    const look = async (): Promise<void> => {
      const handle = await station.store.hub.deployer.station(kit.id, definition, kit.closing);
      if (handle) votes.set(definition, await marketing.approvals.openAt(definition, handle.spec.step));
    };
    const soon = (): void => void look().catch(() => undefined);
    if (!votes.has(definition)) {
      const stop = marketing.outbox.on(['marketing.approval.*'], soon);
      kit.onClose(() => stop());
    }
    votes.set(definition, { votes: 0, seats: 0 });
    soon();
  }
}

function badgeOf({ waiting, entered }: StationCounts, open: readonly { votes: number; seats: number }[]): Badge {
  if (waiting === 0) {
    return entered > 0
      ? { fill: 'green', text: 'entered', values: { shown: shortCount(entered) } }
      : { fill: 'grey', text: 'idle' };
  }
  const shown = shortCount(waiting);
  const seats = open.reduce((sum, one) => sum + one.seats, 0);
  const given = open.reduce((sum, one) => sum + one.votes, 0);
  return seats === 0
    ? { fill: 'yellow', text: 'waiting', values: { shown } }
    : { fill: 'yellow', text: 'votes', values: { shown, votes: `${given}/${seats}` } };
}
