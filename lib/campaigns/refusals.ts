import { ConflictError, NotFoundError } from '../errors';
import type { CampaignDefinition, CampaignDeps } from './deps';
import type { Campaign } from './types';

/** Somebody else was faster. */
export function changedMeanwhile(key: string): ConflictError {
  return new ConflictError(
    'E_CONFLICT',
    `The campaign "${key}" was changed by somebody else. Look at it again, then decide.`,
    { retryable: true },
  );
}

/** @throws ConflictError `E_CONFLICT`, when somebody decided on another version */
export function mustBeVersion(campaign: Campaign, version: number | undefined): void {
  if (version !== undefined && version !== campaign.version) throw changedMeanwhile(campaign.key);
}

/** @throws ConflictError `E_CAMPAIGN_DELETED` */
export function mustNotBeDeleted({ key, deletedAt }: Campaign): void {
  if (deletedAt === undefined) return;
  throw new ConflictError('E_CAMPAIGN_DELETED', `The campaign "${key}" was deleted. Restore it first.`, {
    details: { campaign: key },
  });
}

/** @throws NotFoundError `E_UNKNOWN_DEFINITION` */
export async function definitionOf(deps: CampaignDeps, key: string): Promise<CampaignDefinition> {
  const definition = await deps.definition(key);
  if (definition) return definition;
  throw new NotFoundError(
    'E_UNKNOWN_DEFINITION',
    `There is no definition "${key}". It is the key of a trigger node; deploy the flow that contains it first.`,
  );
}
