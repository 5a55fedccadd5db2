import type { Campaigns } from '../../campaigns';
import type { DefinitionCatalogue } from '../../definitions';
import { escalate, Roi } from '../../governance';
import type { LedgerLog } from '../../ledger';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';

/** What the money of campaigns is made of. */
export interface MoneyParts {
  readonly scope: Scope;
  readonly timers: Timers;
  readonly log: LedgerLog;
  readonly campaigns: Campaigns;
  readonly catalogue: Pick<DefinitionCatalogue, 'roi'>;
}

/** The ROI guard, hung into campaigns. Before the timers start; its gate goes last into those of the send stations. */
export function moneyOf({ scope, timers, log, campaigns, catalogue }: MoneyParts): Roi {
  const roi = new Roi(scope, {
    timers,
    log,
    campaigns,
    definition: async (key, tx) => {
      const said = await catalogue.roi(key, tx);
      if (!said) return undefined;
      const { breachActions, ...amounts } = said;
      return { ...amounts, ...(breachActions.length === 0 ? {} : { breach: breachActions }) };
    },
    // BR-003. Once per run and cause.
    escalate: (tx, campaign, why) => escalate(tx, campaign, { ...why, actor: 'system:roi' }),
  });
  for (const going of ['launch', 'resume']) campaigns.on('before', going, (tx, campaign) => roi.begins(tx, campaign));
  return roi;
}
