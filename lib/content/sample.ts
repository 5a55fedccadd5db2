import type { Plain, RenderContext } from './types';

/** A lead for previews where there is none yet. */
export const SAMPLE_LEAD: RenderContext['lead'] = {
  id: 1,
  email: 'ada@example.org',
  name: 'Ada Example',
  country: 'DE',
  score: 0,
  createdAt: 0,
};

/** A campaign for previews where there is none yet. */
export const SAMPLE_CAMPAIGN: NonNullable<RenderContext['campaign']> = {
  id: 1,
  key: 'preview',
  name: 'Preview',
  data: {},
};

/** The sender of previews: the account's stands there later. */
export const SAMPLE_SENDER = { address: 'sender@example.org' } as const;

/** The link of a preview leads nowhere. */
const UNSUBSCRIBE = 'https://example.org/unsubscribe';

/** What a preview is filled with; what is not given is a sample. */
export interface PreviewData {
  /** The lead as the marketer sees it. */
  readonly lead?: object;
  readonly campaign?: object;
  /** What `"now" | date` means, in milliseconds since 1970. */
  readonly now: number;
}

/** The context of a preview. */
export function previewContext({ lead, campaign, now }: PreviewData): RenderContext {
  return {
    lead: lead === undefined ? SAMPLE_LEAD : plain(lead),
    campaign: campaign === undefined ? SAMPLE_CAMPAIGN : plain(campaign),
    unsubscribe_url: UNSUBSCRIBE,
    now,
  };
}

/** Templates see plain data only: what else there might be is not JSON and goes. */
function plain(value: object): { readonly [key: string]: Plain } {
  return JSON.parse(JSON.stringify(value)) as { readonly [key: string]: Plain };
}
