import type { DeadCause } from '../../../campaigns';
import type { TenantSendRules } from '../../../pacing';
import { CAMPAIGN_ID, type CampaignId } from '../campaign-parts';
import { idOrKey, withMoments } from '../present';
import { ok } from '../replies';
import { choice, integer, list, moment, number, object, ref, text, type Schema } from '../schema';
import { TENANT_SEND_RULES } from '../send-rule-schemas';
import { operation, type Operation } from '../types';

const WORDS: Schema = { type: 'string' };

export const SEND_RULE_SCHEMAS: Readonly<Record<string, Schema>> = {
  TenantSendRules: TENANT_SEND_RULES,
  Completion: object(
    {
      waiting: integer(0, Number.MAX_SAFE_INTEGER, { description: 'People who wait for a message now.' }),
      perHour: number(0, 1e15, { description: 'The speed that was reckoned with.' }),
      limitedBy: choice(['campaign', 'channel', 'total', 'measured', 'assumed']),
    },
    { finishesAt: moment(), because: { ...WORDS, description: 'Why there is no such moment.' } },
    { description: 'When the last of those who wait now gets a message.' },
  ),
  DeadCauses: object({
    items: list(object({ station: WORDS, reason: WORDS, people: integer(0), at: moment('The latest.') })),
  }),
};

function causesOut(items: readonly DeadCause[]): object {
  return { items: items.map((one) => withMoments(one, ['at'])) };
}

/** How fast messages leave, and those that could not. */
export const sendRuleOperations: readonly Operation[] = [
  operation({
    id: 'settings.sendRules',
    method: 'GET',
    path: '/settings/send-rules',
    tag: 'Settings',
    summary: 'Get the send rules of the tenant',
    permission: 'campaign:read',
    responses: ok('What was set; what is absent is the default.', ref('TenantSendRules')),
    handler: async ({ services: { sendRules }, actor }) => ({ body: await sendRules.get({ actor }) }),
  }),
  operation<{ body: TenantSendRules }>({
    id: 'settings.setSendRules',
    method: 'PUT',
    path: '/settings/send-rules',
    tag: 'Settings',
    summary: 'Set the send rules of the tenant',
    description: 'All of them at once. They count from the next message on, for those who wait as well.',
    permission: 'settings:manage',
    body: TENANT_SEND_RULES,
    responses: ok('The send rules.', ref('TenantSendRules')),
    handler: async ({ services: { sendRules }, body, actor }) => ({ body: await sendRules.set(body, { actor }) }),
  }),
  operation<CampaignId>({
    id: 'campaigns.completion',
    method: 'GET',
    path: '/campaigns/{id}/completion',
    tag: 'Campaigns',
    summary: 'Estimate when the last message leaves',
    description: 'By throttles, hours and zones. Before the launch: as if it were now.',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    responses: ok('The estimate.', ref('Completion')),
    async handler({ services: { sendRules }, params, actor }) {
      return { body: withMoments(await sendRules.completion(idOrKey(params.id), { actor }), ['finishesAt']) };
    },
  }),
  operation<CampaignId>({
    id: 'campaigns.deadLetters',
    method: 'GET',
    path: '/campaigns/{id}/dead-letters',
    tag: 'Campaigns',
    summary: 'List why people could not be served',
    description: 'By cause, the most frequent first.',
    permission: 'lead:read',
    params: CAMPAIGN_ID,
    responses: ok('The causes.', ref('DeadCauses')),
    async handler({ services: { campaigns }, params, actor }) {
      return { body: causesOut(await campaigns.deadCauses(idOrKey(params.id), { actor })) };
    },
  }),
  operation<CampaignId & { body: { steps?: number[]; reason?: string } }>({
    id: 'campaigns.retryDeadLetters',
    method: 'POST',
    path: '/campaigns/{id}/dead-letters/retry',
    tag: 'Campaigns',
    summary: 'Put people who could not be served back into the queue',
    description: 'Everybody, unless steps or a reason are named.',
    permission: 'campaign:launch',
    params: CAMPAIGN_ID,
    body: object({}, { steps: list(integer(1), 1_000), reason: text(191) }),
    bodyOptional: true,
    responses: ok('How many.', object({ people: integer(0) })),
    problems: [409],
    async handler({ services: { campaigns }, params, body, actor }) {
      const { steps, reason } = body;
      const people = await campaigns.retry(idOrKey(params.id), {
        actor,
        ...(steps ? { steps } : {}),
        ...(reason === undefined ? {} : { reason }),
      });
      return { body: { people } };
    },
  }),
];
