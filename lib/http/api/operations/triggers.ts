import type { Refusal, TriggerReport } from '../../../triggers';
import { REFUSALS } from '../../../triggers';
import { CAMPAIGN_ID, campaignNamed, type CampaignId } from '../campaign-parts';
import { withMoments } from '../present';
import { ok } from '../replies';
import { anything, choice, integer, list, map, moment, object, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Triggers';
const CONFIG = map(anything(), {
  description:
    '`listens` (what lets people in), `condition`, `delayMs`, `reentry`, `frequencyMs`, `cooldown`: see docs/triggers.md.',
});

export const TRIGGER_SCHEMAS: Readonly<Record<string, Schema>> = {
  Trigger: object(
    { definition: text(128), step: text(128), config: CONFIG },
    {
      broken: { type: 'string', description: 'Why its configuration cannot be used: it lets in nobody.' },
      entered: integer(0),
      refused: map(integer(1), { description: 'How many it has kept out, by reason.' }),
    },
    { description: 'What lets people into a journey.' },
  ),
  TriggerRefusal: object(
    {
      campaign: integer(1),
      lead: integer(1),
      step: text(128),
      reason: choice([...REFUSALS]),
      times: integer(1),
      cause: { type: 'string', description: 'What would have let the lead in the last time: `event:<id>` …' },
      firstAt: moment(),
      lastAt: moment(),
    },
    { saw: map(anything(), { description: 'The values that the condition looked at the last time.' }) },
    { description: 'A lead that a trigger has kept out.' },
  ),
};

function out({
  definition,
  step,
  config,
  broken,
  ...counts
}: TriggerReport | Omit<TriggerReport, 'entered' | 'refused'>): object {
  return { definition, step, config, ...(broken === undefined ? {} : { broken }), ...counts };
}

function refusalOut(refusal: Refusal): object {
  return withMoments(refusal, ['firstAt', 'lastAt']);
}

/** What lets people into campaigns by itself, and whom it has kept out. */
export const triggerOperations: readonly Operation[] = [
  operation<CampaignId>({
    id: 'campaigns.triggers',
    method: 'GET',
    path: '/campaigns/{id}/triggers',
    tag: TAG,
    summary: 'List what lets people into a campaign',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    responses: ok('Its triggers, and how many they have let in and kept out.', object({ items: list(ref('Trigger')) })),
    async handler({ services, params }) {
      const campaign = await campaignNamed({ services, params });
      return { body: { items: (await services.triggers.report(campaign)).map(out) } };
    },
  }),
  operation<CampaignId & { query: { lead?: number } }>({
    id: 'campaigns.refusals',
    method: 'GET',
    path: '/campaigns/{id}/refusals',
    tag: TAG,
    summary: 'List whom the triggers of a campaign have kept out',
    description: 'The latest hundred, with the reason, and the values that were looked at.',
    permission: 'lead:read',
    params: CAMPAIGN_ID,
    query: object({}, { lead: integer(1, Number.MAX_SAFE_INTEGER, { description: 'Only this lead.' }) }),
    responses: ok('Refusals, the latest first.', object({ items: list(ref('TriggerRefusal'), 100) })),
    async handler({ services, params, query }) {
      const { id } = await campaignNamed({ services, params });
      return { body: { items: (await services.triggers.refusals({ campaign: id, ...query })).map(refusalOut) } };
    },
  }),
  operation<{ query: { definition: string } }>({
    id: 'triggers.list',
    method: 'GET',
    path: '/triggers',
    tag: TAG,
    summary: 'List what lets people into the campaigns of a deployed definition',
    permission: 'definition:read',
    query: object({ definition: text(128, { description: 'The definition key of the trigger.' }) }),
    responses: ok('Its triggers.', object({ items: list(ref('Trigger')) })),
    problems: [404],
    handler: async ({ services: { triggers }, query }) => ({
      body: { items: (await triggers.of(query.definition)).map(({ station: _id, ...trigger }) => out(trigger)) },
    }),
  }),
];
