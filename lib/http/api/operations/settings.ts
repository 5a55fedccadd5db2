import type { CampaignLimits } from '../../../campaigns';
import { ok } from '../replies';
import { integer, nullable, object, ref, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Settings';
const LIMITS = object(
  {},
  {
    maxActiveCampaigns: integer(0, 1e9, { description: 'Campaigns that are active at the same time.' }),
    approvalAbove: nullable(
      integer(0, 1e12, {
        description:
          'Larger audiences need an approval before they are launched; `null`: none ever does. Default 1000.',
      }),
    ),
  },
  { description: 'What a tenant may do.' },
);

export const SETTINGS_SCHEMAS: Readonly<Record<string, Schema>> = { Limits: LIMITS };

export const settingsOperations: readonly Operation[] = [
  operation({
    id: 'settings.limits',
    method: 'GET',
    path: '/settings/limits',
    tag: TAG,
    summary: 'Get the limits of the tenant',
    permission: 'campaign:read',
    responses: ok('The limits.', ref('Limits')),
    handler: async ({ services: { campaigns }, actor }) => ({ body: await campaigns.limits({ actor }) }),
  }),
  operation<{ body: CampaignLimits }>({
    id: 'settings.setLimits',
    method: 'PUT',
    path: '/settings/limits',
    tag: TAG,
    summary: 'Set the limits of the tenant',
    permission: 'settings:manage',
    body: LIMITS,
    responses: ok('The limits.', ref('Limits')),
    handler: async ({ services: { campaigns }, body, actor }) => ({ body: await campaigns.setLimits(body, { actor }) }),
  }),
];
