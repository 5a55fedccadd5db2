import type { Assignee } from '../../../campaigns';
import type { EscalationSettings } from '../../../governance';
import { CAMPAIGN_ID, type CampaignId } from '../campaign-parts';
import { idOrKey, withMoments } from '../present';
import { ok } from '../replies';
import { choice, flag, integer, list, moment, object, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Escalations';
const WHO = object({ kind: choice(['user', 'role', 'team']), assignee: text(128) });
const WRITTEN = text(140, { description: '`user:ann`, `role:approver` …' });

export const ESCALATION_SCHEMAS: Readonly<Record<string, Schema>> = {
  Escalation: object(
    {
      run: integer(0),
      action: text(128),
      outcome: choice(['done', 'told', 'refused', 'idle', 'raised']),
      at: moment(),
    },
    {
      rule: integer(0, 1e9, { description: "The rule's place in the definition; absent where no rule did it." }),
      reason: { type: 'string' },
      level: integer(1),
      from: WRITTEN,
      to: WRITTEN,
      actor: text(128),
    },
    { description: 'What a rule has done to a campaign, or that it was raised to somebody.' },
  ),
  EscalationSettings: object(
    {
      levels: list(WHO, 10, { description: 'The first one is the next person of a campaign that was not raised yet.' }),
    },
    {
      ignored: list(text(32, { pattern: '^[a-z][a-z0-9_]*$', examples: ['low_roi'] }), 20, {
        description: 'Causes that raise no campaign by themselves here.',
      }),
    },
  ),
};

/** To whom campaigns are raised, and what has happened. */
export const escalationOperations: readonly Operation[] = [
  operation<CampaignId>({
    id: 'campaigns.escalations',
    method: 'GET',
    path: '/campaigns/{id}/escalations',
    tag: TAG,
    summary: 'List the escalations of a campaign',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    responses: ok('At most 100, the latest first.', object({ items: list(ref('Escalation'), 100) })),
    handler: async ({ services: { escalations }, params, actor }) => ({
      body: {
        items: (await escalations.list(idOrKey(params.id), { actor })).map((one) => withMoments(one, ['at'])),
      },
    }),
  }),
  operation<CampaignId & { body: { reason: string; level?: number; to?: Assignee } }>({
    id: 'campaigns.escalate',
    method: 'POST',
    path: '/campaigns/{id}/escalate',
    tag: TAG,
    summary: 'Raise a campaign to the next person',
    description: 'It is assigned to the next level, or to whom is named; whoever is away has their delegate get it.',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: object({ reason: text(500) }, { level: integer(1, 50), to: WHO }),
    responses: ok('What came of it.', object({ raised: flag(), level: integer(0) }, { from: WRITTEN, to: WRITTEN })),
    handler: async ({ services: { escalations }, params, body, actor }) => ({
      body: await escalations.raise(idOrKey(params.id), { ...body, actor }),
    }),
  }),
  operation({
    id: 'settings.escalation',
    method: 'GET',
    path: '/settings/escalation',
    tag: TAG,
    summary: 'Get to whom campaigns are raised',
    permission: 'campaign:read',
    responses: ok('The levels.', ref('EscalationSettings')),
    handler: async ({ services: { escalations }, actor }) => ({ body: await escalations.settings({ actor }) }),
  }),
  operation<{ body: EscalationSettings }>({
    id: 'settings.setEscalation',
    method: 'PUT',
    path: '/settings/escalation',
    tag: TAG,
    summary: 'Set to whom campaigns are raised',
    permission: 'settings:manage',
    body: ref('EscalationSettings'),
    responses: ok('The levels.', ref('EscalationSettings')),
    handler: async ({ services: { escalations }, body, actor }) => ({
      body: await escalations.setSettings(body, { actor }),
    }),
  }),
];
