import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Scope, SqlValue } from '../store';
import { channelsOf } from './rows';
import type { Campaign, CampaignFields } from './types';

/** The widest `search_name` that the column takes. */
const LONGEST_NAME = 255;

type Writer = (fields: CampaignFields) => Record<string, SqlValue>;

const json = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value));

/** What each field is kept as. `segment` and `onUnknown` are not here: where they are absent, the definition decides. */
const WRITERS: Readonly<Record<Exclude<keyof CampaignFields, 'segment' | 'onUnknown'>, Writer>> = {
  name: ({ name = '' }) => ({ name, search_name: searchNameOf(name) }),
  description: ({ description = null }) => ({ description }),
  type: ({ type = 'scheduled' }) => ({ type }),
  objective: ({ objective = null }) => ({ objective }),
  kpi: ({ kpi }) => ({ kpi: json(kpi) }),
  owner: ({ owner = null }) => ({ owner }),
  team: ({ team = null }) => ({ team }),
  subject: ({ subject }) => ({ subject_type: subject?.type ?? null, subject_id: subject?.id ?? null }),
  budget: ({ budget = null }) => ({ budget }),
  currency: ({ currency = null }) => ({ currency }),
  startsOn: ({ startsOn = null }) => ({ starts_on: startsOn }),
  endsOn: ({ endsOn = null }) => ({ ends_on: endsOn }),
  channels: ({ channels }) => ({ channels: json(channels) }),
  content: ({ content }) => ({ content: json(content) }),
  audience: ({ audience }) => ({ audience: json(audience) }),
  conversion: ({ conversion }) => ({ conversion: json(conversion) }),
  data: ({ data }) => ({ data: json(data ?? {}) }),
  sendRules: ({ sendRules }) => ({ send_rules: json(sendRules), message_category: sendRules?.category ?? null }),
};

/** The columns of the fields that were given; `null` empties. */
export function columnsOf(fields: CampaignFields): Record<string, SqlValue> {
  return Object.fromEntries(
    Object.entries(WRITERS).flatMap(([name, write]) =>
      fields[name as keyof CampaignFields] === undefined ? [] : Object.entries(write(fields)),
    ),
  );
}

/** What a search by prefix and the order by name go by. */
function searchNameOf(name: string): string {
  return [...name.toLowerCase()].slice(0, LONGEST_NAME).join('');
}

/** `a = :a, b = :b` for columns of ours. */
export function assignments(columns: Readonly<Record<string, SqlValue>>): string {
  return Object.keys(columns)
    .map((name) => `${name} = :${name}`)
    .join(', ');
}

/** Fields of the two that differ. */
export function differences(before: Campaign, after: Campaign): (keyof CampaignFields)[] {
  const names: (keyof CampaignFields)[] = [
    ...(Object.keys(WRITERS) as (keyof typeof WRITERS)[]),
    'segment',
    'onUnknown',
  ];
  return names.filter((name) => !isDeepStrictEqual(before[name], after[name]));
}

/** What people write at length may hold anything: the history keeps a fingerprint of it, so that it stays free of personal data. */
const FINGERPRINTED: ReadonlySet<string> = new Set(['description', 'content', 'data', 'audience']);

/** Some fields of a campaign as the history keeps them. */
export function remembered(campaign: Campaign, names: readonly (keyof CampaignFields)[]): Record<string, unknown> {
  return Object.fromEntries(
    names.map((name) => {
      const value = campaign[name] ?? null;
      return [name, value !== null && FINGERPRINTED.has(name) ? fingerprint(value) : value];
    }),
  );
}

function fingerprint(value: unknown): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)}`;
}

/** Writes the channels that a campaign is found by. */
export async function writeChannels(
  tx: Scope,
  id: number,
  { channels, content }: Pick<Partial<Campaign>, 'channels' | 'content'>,
): Promise<void> {
  await tx.run(`DELETE FROM marketing_campaign_channels WHERE tenant_id = :tenant AND campaign_id = :id`, { id });
  const names = channels ?? channelsOf(content);
  if (names.length === 0) return;
  await tx.run(
    `INSERT INTO marketing_campaign_channels (tenant_id, campaign_id, channel)
     SELECT :tenant, :id, r.name_of FROM ${tx.dialect.rows('rows', { name_of: 'text' }, 'r')} WHERE 1 = 1`,
    { id, rows: JSON.stringify([...new Set(names)].map((name) => [name])) },
  );
}
