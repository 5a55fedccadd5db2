import { ConflictError } from '../errors';
import type { Scope } from '../store';
import type { CampaignDefinition } from './deps';
import type { Campaign } from './types';

/** @throws ConflictError `E_DEFINITION_NOT_DEPLOYED`, when there is no flow for people to walk through */
export function mustBeDeployed(campaign: Campaign, { deployed, entryMode }: CampaignDefinition): void {
  if (deployed || entryMode === 'none') return;
  throw new ConflictError(
    'E_DEFINITION_NOT_DEPLOYED',
    `The flow of the definition "${campaign.definition}" is not deployed. Deploy it, then launch.`,
  );
}

/**
 * Begins a run: the ledger writes its audience in the background. One that listens to an event enters people as they come; one
 * without a journey nobody.
 */
export async function enterAudience(
  tx: Scope,
  { id, definition: key }: Campaign,
  definition: CampaignDefinition,
): Promise<void> {
  const enters = definition.entryMode === 'launch';
  await tx.run(
    `UPDATE marketing_campaigns SET run = run + 1, started_at = :now, ended_at = NULL, hold_reason = NULL, hold_since = NULL,
            parking = 0, expanding_from = :from, expand_station_id =
              (SELECT t.id FROM marketing_stations t
               WHERE t.tenant_id = :tenant AND t.definition_key = :definition AND t.step = :entry)
     WHERE tenant_id = :tenant AND id = :id`,
    {
      id,
      now: tx.clock.now(),
      from: enters ? 0 : null,
      definition: key,
      entry: enters ? definition.entry : null,
    },
  );
}
