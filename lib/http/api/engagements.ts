import type { Principal } from '../../access';
import type { EngagementQuery, EngagementView } from '../../leads';
import { iso, milliseconds } from './present';
import { paged } from './replies';
import { list, moment, PAGING, text, type Schema } from './schema';
import type { ApiServices } from './services';
import type { Reply } from './types';

/** Query parameters of lists of engagements. */
export const ENGAGEMENT_FILTER: Readonly<Record<string, Schema>> = {
  type: list(text(96), 20, { description: 'Any of these.' }),
  channel: text(32),
  from: moment(),
  to: moment(),
  search: text(200, { description: 'Stands in the metadata, whatever its case.' }),
  ...PAGING,
};

/** The same, as its code sees it. */
export interface EngagementFilter {
  type?: readonly string[];
  channel?: string;
  from?: string;
  to?: string;
  search?: string;
  limit: number;
  cursor?: string;
}

/** An engagement as the API shows it. */
export function engagementOut({ leadId, campaignId, at, ...rest }: EngagementView): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    at: iso(at),
    ...(leadId === undefined ? {} : { lead: leadId }),
    ...(campaignId === undefined ? {} : { campaign: campaignId }),
  };
}

/** A page of what a lead did, or of what was done about a campaign. */
export async function pageOfEngagements(
  { engagements }: Pick<ApiServices, 'engagements'>,
  { from, to, search, ...rest }: EngagementFilter & Pick<EngagementQuery, 'leadId' | 'campaignId'>,
  actor: Principal,
): Promise<Reply> {
  const found = await engagements.list({
    ...rest,
    ...(from === undefined ? {} : { from: milliseconds(from, 'from') }),
    ...(to === undefined ? {} : { to: milliseconds(to, 'to') }),
    ...(search === undefined ? {} : { text: search }),
    actor,
  });
  return paged(found, engagementOut, rest);
}
