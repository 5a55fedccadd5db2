import type { EventInput } from '../../../events';
import { milliseconds } from '../present';
import { flag, integer, list, map, moment, object, text } from '../schema';
import { operation, type Operation } from '../types';

interface Body extends Omit<EventInput, 'at'> {
  at?: string;
}

export const eventOperations: readonly Operation[] = [
  operation({
    id: 'events.names',
    method: 'GET',
    path: '/events/names',
    tag: 'Events',
    summary: 'List the names of events',
    description: 'Of those that were recorded, and those that triggers listen to. The first 200.',
    permission: 'lead:read',
    responses: {
      200: { description: 'By name.', schema: object({ items: list(text(96), 200) }) },
    },
    handler: async ({ services: { events } }) => ({ body: { items: await events.names() } }),
  }),
  operation<{ body: Body }>({
    id: 'events.record',
    method: 'POST',
    path: '/events',
    tag: 'Events',
    summary: 'Record something that a lead did',
    description:
      'Enters the lead wherever an active campaign listens to it. The same `eventId` is recorded, and enters, once, however often it is sent.',
    permission: 'lead:write',
    body: object(
      {
        type: text(96, { pattern: '^[A-Za-z][\\w.:-]*$', examples: ['signed_up'] }),
        lead: {
          anyOf: [integer(1), text(320), map(true, { minProperties: 1 })],
          description:
            'The number of a lead, an e-mail address, or the fields of a lead that is to be created or updated first.',
        },
      },
      { eventId: text(128), channel: text(32), metadata: map(), at: moment('When it happened. Default: now.') },
    ),
    responses: {
      200: {
        description: 'What it led to.',
        schema: object({
          lead: integer(1),
          fresh: flag({ description: 'False: this event was recorded before; nothing was done.' }),
          entered: integer(0, 1_000_000, { description: 'Campaigns that the lead entered.' }),
        }),
      },
    },
    problems: [404],
    async handler({ services: { events }, body: { at, ...event } }) {
      const { lead, fresh, entered } = await events.record({
        ...event,
        ...(at === undefined ? {} : { at: milliseconds(at, '/at') }),
      });
      return { body: { lead, fresh, entered } };
    },
  }),
];
