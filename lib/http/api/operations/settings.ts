import type { CampaignLimits } from '../../../campaigns';
import { ok } from '../replies';
import { integer, object, ref, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Settings';
const LIMITS = object(
  {},
  {
    maxActiveCampaigns: integer(0, 1e9, { description: 'Campaigns that are active at the same time.' }),
    approvalAbove: integer(0, 1e12, {
      description: 'Larger audiences are launched only by somebody who may approve, and does not own the campaign.',
    }),
  },
  { description: 'What is absent is not limited.' },
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
