import { compileGuard } from '../definitions';
import { ConflictError } from '../errors';
import type { CampaignDeclaration, ModelCampaign } from './types';

/** Whether a transition's condition is true of a campaign: the language of segments, over its data. */
function conditionHolds(
  condition: string | object,
  { dataSchema }: CampaignDeclaration,
  campaign: ModelCampaign,
  now: number,
): boolean {
  const { name, title, budget, data } = campaign;
  const view = { key: name, name: title, ...(budget === undefined ? {} : { budget }) };
  return compileGuard(condition, dataSchema).test({ campaign: view, data, facts: {}, now });
}

/** @throws ConflictError `E_GUARD` */
export function mustHold(
  condition: string | object,
  campaign: ModelCampaign,
  action: string,
  declaration: CampaignDeclaration,
  now: number,
): void {
  if (conditionHolds(condition, declaration, campaign, now)) return;
  const said = typeof condition === 'string' ? condition : JSON.stringify(condition);
  throw new ConflictError(
    'E_GUARD',
    `"${action}" of the campaign "${campaign.name}" is not allowed: its condition is not met: ${said}.`,
    { details: { campaign: campaign.name, action } },
  );
}
