import type { Campaign, CampaignFields } from '../../campaigns';
import { idOrKey, milliseconds, withMoments } from './present';
import { object, text, type Schema } from './schema';
import type { Call, Reply } from './types';

/*
 * What several files of campaign operations need.
 */

export const CAMPAIGN_ID: Schema = object({ id: text(128, { description: 'The number or the key of the campaign.' }) });

export interface CampaignId {
  params: { id: string };
}

/** A campaign as the API shows it. */
export function campaignOut(campaign: Campaign): Readonly<Record<string, unknown>> {
  return withMoments(campaign, [
    'startsOn',
    'endsOn',
    'nextRunAt',
    'createdAt',
    'updatedAt',
    'startedAt',
    'endedAt',
    'deletedAt',
  ]);
}

export function campaignReply(campaign: Campaign): Reply {
  return { body: campaignOut(campaign), version: campaign.version };
}

/** Fields as they came: moments are texts. */
export type GivenFields = Omit<CampaignFields, 'startsOn' | 'endsOn'> & {
  startsOn?: string | null;
  endsOn?: string | null;
};

/** @throws InputError `E_MOMENT` */
export function fieldsOf<Given extends GivenFields>({
  startsOn,
  endsOn,
  ...fields
}: Given): Omit<Given, 'startsOn' | 'endsOn'> & Pick<CampaignFields, 'startsOn' | 'endsOn'> {
  const ms = (name: string, value: string | null | undefined): object =>
    value === undefined ? {} : { [name]: value === null ? null : milliseconds(value, `/${name}`) };
  return { ...fields, ...ms('startsOn', startsOn), ...ms('endsOn', endsOn) };
}

/** The campaign of `{id}`. @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
export function campaignNamed({ services, params }: Pick<Call<CampaignId>, 'services' | 'params'>): Promise<Campaign> {
  return services.campaigns.get(idOrKey(params.id));
}
