import { Compensations, forgetUndos, registersMessages } from '../../governance';
import { messageOf } from '../../errors';
import type { LeadReaction } from '../../leads';
import { forgetPerson, type Ledger, type LedgerLog } from '../../ledger';
import type { SendGate } from '../../sending';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';
import type { CampaignService } from '../campaign-service';

/** Timers' kind of the moment when something is to be tried again. */
const UNDO = 'undo';

/** What somebody's ways through campaigns say about them is forgotten with their lead. */
export const forgetsWays: LeadReaction = {
  async removed(tx, lead) {
    await forgetUndos(tx, lead);
    await forgetPerson(tx, lead);
  },
};

/** Undoing what was done: registers what is sent (the last of the gates), and follows campaigns that are cancelled. */
export function compensationOf(
  scope: Scope,
  house: { log: LedgerLog; timers: Timers; gates: SendGate[]; campaigns: CampaignService; ledger: () => Ledger },
): Compensations {
  const { log, timers, campaigns, ledger } = house;
  const compensations = new Compensations({
    scope,
    log,
    ledger,
    wake: (at) =>
      timers
        .wake(UNDO, 'due', at)
        .catch((error: unknown) => log.warn(`A timer is not set, the watchdog looks instead: ${messageOf(error)}`)),
    campaign: (key) => campaigns.get(key),
  });
  timers.on(UNDO, () => {
    compensations.poke();
    return Promise.resolve();
  });
  house.gates.push(registersMessages);
  campaigns.on('after', 'cancel', (tx, campaign) => compensations.cancelled(tx, campaign));
  return compensations;
}
