import {
  ANNOUNCEMENTS,
  type Delivery,
  type DeliveryQuery,
  type Webhook,
  type WebhookChange,
  type WebhookInput,
} from '../../../outbox';
import { by, milliseconds, withMoments } from '../present';
import { created, gone, ok, paged } from '../replies';
import {
  anything,
  choice,
  flag,
  integer,
  list,
  moment,
  nullable,
  object,
  page,
  PAGING,
  ref,
  text,
  type Schema,
} from '../schema';
import { operation, type Operation, type Reply } from '../types';

const TAG = 'Webhooks';
const ID: Schema = object({ id: integer(1) });
const EVENTS = list(text(96), 100, {
  minItems: 1,
  description: 'Types, groups such as `marketing.campaign.*`, or `*`.',
  examples: [ANNOUNCEMENTS.slice(0, 2), ['marketing.campaign.*']],
});
const URL_TEXT = text(2_048, {
  description: 'https; plain http only to this machine, where private addresses are allowed.',
  examples: ['https://example.org/hook'],
});

const WEBHOOK = {
  required: {
    id: integer(1),
    url: text(2_048),
    events: list(text(96)),
    enabled: flag(),
    version: integer(1),
    createdBy: text(128),
    createdAt: moment(),
    updatedAt: moment(),
  },
  optional: {
    name: text(255),
    disabledReason: text(1_000, { description: 'Why it was disabled, when it was not a person who did it.' }),
    failingSince: moment('Since when nothing has reached it.'),
  },
};
const DELIVERY = {
  required: {
    id: integer(1),
    webhook: integer(1),
    eventId: text(64, { description: 'The `webhook-id` header: the same on every try.' }),
    type: text(96),
    state: choice(['waiting', 'sending', 'delivered', 'dead']),
    attempt: integer(0),
    dueAt: moment(),
    createdAt: moment(),
  },
  optional: {
    status: integer(0, 999, { description: 'The HTTP status of the last try.' }),
    reason: { type: 'string', description: 'Why the last try failed.' } as const,
    settledAt: moment('When it was delivered or given up.'),
  },
};

export const WEBHOOK_SCHEMAS: Readonly<Record<string, Schema>> = {
  Webhook: object(WEBHOOK.required, WEBHOOK.optional, {
    description: 'Somebody who is told of events (Standard Webhooks).',
  }),
  NewWebhook: object(
    { ...WEBHOOK.required, secret: text(200, { description: 'Signs what is sent. Shown this once.' }) },
    WEBHOOK.optional,
  ),
  Delivery: object(DELIVERY.required, DELIVERY.optional, { description: 'One event on its way to one webhook.' }),
  DeliveryWithBody: object({ ...DELIVERY.required, body: nullable(anything('What is posted.')) }, DELIVERY.optional),
};

function out(webhook: Webhook): object {
  return withMoments(webhook, ['createdAt', 'updatedAt', 'failingSince']);
}

function reply(webhook: Webhook): Reply {
  return { body: out(webhook), version: webhook.version };
}

function deliveryOut(delivery: Delivery & { body?: unknown }): object {
  return withMoments(delivery, ['dueAt', 'createdAt', 'settledAt']);
}

/** A delivery in a list: what is posted is shown one by one. */
function summary({ body: _body, ...delivery }: Delivery & { body?: unknown }): object {
  return deliveryOut(delivery);
}

type Id = { params: { id: number } };

export const webhookOperations: readonly Operation[] = [
  operation<{ body: WebhookInput }>({
    id: 'webhooks.create',
    method: 'POST',
    path: '/webhooks',
    tag: TAG,
    summary: 'Create a webhook',
    description: 'Its signing secret is shown in this answer, and never again.',
    permission: 'webhook:manage',
    confidential: true,
    body: object({ url: URL_TEXT, events: EVENTS }, { name: text(255) }),
    responses: created('The new webhook, with its secret.', ref('NewWebhook')),
    async handler({ services: { webhooks }, body, actor }) {
      const webhook = await webhooks.create(body, { actor });
      return { ...reply(webhook), location: `/webhooks/${webhook.id}` };
    },
  }),
  operation({
    id: 'webhooks.list',
    method: 'GET',
    path: '/webhooks',
    tag: TAG,
    summary: 'List webhooks',
    permission: 'webhook:manage',
    responses: ok('All webhooks, the oldest first.', object({ items: list(ref('Webhook')) })),
    handler: async ({ services: { webhooks }, actor }) => ({
      body: { items: (await webhooks.list({ actor })).map(out) },
    }),
  }),
  operation<{ query: DeliveryQuery & { limit: number } }>({
    id: 'webhooks.allDeliveries',
    method: 'GET',
    path: '/webhooks/deliveries',
    tag: TAG,
    summary: 'List deliveries to all webhooks',
    description: 'The newest first. `state=dead` is the dead-letter list.',
    permission: 'webhook:manage',
    query: object({}, { webhook: integer(1), state: DELIVERY.required.state, ...PAGING }),
    responses: ok('A page of deliveries.', page(ref('Delivery'))),
    problems: [404],
    handler: async ({ services: { webhooks }, query, actor }) =>
      paged(await webhooks.deliveries(query, { actor }), summary, query),
  }),
  operation<Id>({
    id: 'webhooks.delivery',
    method: 'GET',
    path: '/webhooks/deliveries/{id}',
    tag: TAG,
    summary: 'Get a delivery with what is posted',
    permission: 'webhook:manage',
    params: ID,
    responses: ok('The delivery.', ref('DeliveryWithBody')),
    handler: async ({ services: { webhooks }, params, actor }) => ({
      body: deliveryOut(await webhooks.delivery(params.id, { actor })),
    }),
  }),
  operation<Id>({
    id: 'webhooks.replay',
    method: 'POST',
    path: '/webhooks/deliveries/{id}/replay',
    tag: TAG,
    summary: 'Send a delivery again',
    permission: 'webhook:manage',
    params: ID,
    responses: ok('The delivery, on its way.', ref('Delivery')),
    handler: async ({ services: { webhooks }, params, actor }) => ({
      body: summary(await webhooks.replay(params.id, { actor })),
    }),
  }),
  operation<Id>({
    id: 'webhooks.get',
    method: 'GET',
    path: '/webhooks/{id}',
    tag: TAG,
    summary: 'Get a webhook',
    permission: 'webhook:manage',
    params: ID,
    responses: ok('The webhook.', ref('Webhook')),
    handler: async ({ services: { webhooks }, params, actor }) => reply(await webhooks.get(params.id, { actor })),
  }),
  operation<Id & { body: WebhookChange }>({
    id: 'webhooks.update',
    method: 'PATCH',
    path: '/webhooks/{id}',
    tag: TAG,
    summary: 'Change, enable or disable a webhook',
    permission: 'webhook:manage',
    params: ID,
    versioned: true,
    body: object(
      {},
      { url: URL_TEXT, events: EVENTS, name: { type: 'string', maxLength: 255 }, enabled: flag() },
      { minProperties: 1 },
    ),
    responses: ok('The webhook as it is now.', ref('Webhook')),
    handler: async ({ services: { webhooks }, params, body, actor, version }) =>
      reply(await webhooks.update(params.id, body, by({ actor, version }))),
  }),
  operation<Id>({
    id: 'webhooks.delete',
    method: 'DELETE',
    path: '/webhooks/{id}',
    tag: TAG,
    summary: 'Delete a webhook, with everything on its way to it',
    permission: 'webhook:manage',
    params: ID,
    versioned: true,
    responses: gone('The webhook is gone.'),
    async handler({ services: { webhooks }, params, actor, version }) {
      await webhooks.remove(params.id, by({ actor, version }));
      return {};
    },
  }),
  operation<Id>({
    id: 'webhooks.rotate',
    method: 'POST',
    path: '/webhooks/{id}/rotate',
    tag: TAG,
    summary: 'Give a webhook a new secret',
    description: 'For 24 hours everything is signed with both, so that its receiver can change over.',
    permission: 'webhook:manage',
    confidential: true,
    params: ID,
    versioned: true,
    responses: ok('The webhook, with its new secret.', ref('NewWebhook')),
    handler: async ({ services: { webhooks }, params, actor, version }) =>
      reply(await webhooks.rotateSecret(params.id, by({ actor, version }))),
  }),
  operation<Id>({
    id: 'webhooks.test',
    method: 'POST',
    path: '/webhooks/{id}/test',
    tag: TAG,
    summary: 'Send a test event',
    permission: 'webhook:manage',
    params: ID,
    responses: { 202: { description: 'The delivery, on its way.', schema: ref('Delivery') } },
    handler: async ({ services: { webhooks }, params, actor }) => ({
      body: summary(await webhooks.test(params.id, { actor })),
    }),
  }),
  operation<Id & { query: Omit<DeliveryQuery, 'webhook'> & { limit: number } }>({
    id: 'webhooks.deliveries',
    method: 'GET',
    path: '/webhooks/{id}/deliveries',
    tag: TAG,
    summary: 'List deliveries to a webhook',
    permission: 'webhook:manage',
    params: ID,
    query: object({}, { state: DELIVERY.required.state, ...PAGING }),
    responses: ok('A page of deliveries, the newest first.', page(ref('Delivery'))),
    handler: async ({ services: { webhooks }, params, query, actor }) =>
      paged(await webhooks.deliveries({ ...query, webhook: params.id }, { actor }), summary, query),
  }),
  operation<Id & { body: { since: string; delivered?: boolean } }>({
    id: 'webhooks.replayAll',
    method: 'POST',
    path: '/webhooks/{id}/replay',
    tag: TAG,
    summary: 'Send again what was given up since a moment',
    permission: 'webhook:manage',
    params: ID,
    body: object({ since: moment() }, { delivered: flag({ description: 'Everything, also what was delivered.' }) }),
    responses: ok('How many are on their way.', object({ replayed: integer(0) })),
    handler: async ({ services: { webhooks }, params, body, actor }) => ({
      body: await webhooks.replayAll(
        params.id,
        { since: milliseconds(body.since, '/since'), delivered: body.delivered ?? false },
        { actor },
      ),
    }),
  }),
];
