import type { CampaignState } from '../../campaigns';

/*
 * What a definition document looks like, as JSON Schema: what validates it is also what the OpenAPI document shows. What one
 * schema cannot say (stages that transitions name, durations, conditions) is checked in this folder's other files.
 */

/** A part of {@link DEFINITION_SCHEMA}. */
export type SchemaPart = Readonly<Record<string, unknown>>;

/** The states that a stage can mean. */
export const STATES: readonly CampaignState[] = [
  'draft',
  'scheduled',
  'queued',
  'active',
  'paused',
  'completed',
  'cancelled',
];

const text = (maxLength: number, more: SchemaPart = {}): SchemaPart => ({
  type: 'string',
  minLength: 1,
  maxLength,
  ...more,
});
const object = (properties: Readonly<Record<string, SchemaPart>>, more: SchemaPart = {}): SchemaPart => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});
const list = (items: SchemaPart, maxItems: number): SchemaPart => ({ type: 'array', items, maxItems });

/** A word such as `send_email`. */
const action = text(64, { pattern: '^[A-Za-z][A-Za-z0-9_.-]*$' });
const duration = text(32, { description: 'Such as "1 hour", "2 days", "24h", "30 minutes".' });
const condition: SchemaPart = {
  type: ['string', 'object', 'array'],
  minLength: 1,
  maxLength: 2000,
  description: 'An expression such as "data.emails_sent >= 5", or the JSON form of a condition.',
};
const channelName = text(32, { pattern: '^[A-Za-z][A-Za-z0-9_-]*$' });
const words: Readonly<Record<string, SchemaPart>> = {
  template: text(128),
  subject: text(998),
  html: { type: 'string', maxLength: 1_000_000 },
  text: { type: 'string', maxLength: 1_000_000 },
};

/** A stage is a name, or a name and what it means. */
const stages: SchemaPart = {
  type: 'array',
  minItems: 1,
  maxItems: 50,
  items: {
    type: ['string', 'object'],
    minLength: 1,
    maxLength: 64,
    properties: { name: text(64), state: { type: 'string', enum: STATES } },
    required: ['name', 'state'],
    additionalProperties: false,
  },
};

const transitions: SchemaPart = {
  type: 'object',
  maxProperties: 200,
  additionalProperties: object(
    {
      from: { type: ['string', 'array'], minLength: 1, maxLength: 64, minItems: 1, maxItems: 50, items: text(64) },
      to: text(64),
      condition,
    },
    { required: ['from', 'to'] },
  ),
};

const channels: SchemaPart = {
  type: ['object', 'array'],
  maxItems: 20,
  maxProperties: 20,
  items: channelName,
  additionalProperties: {
    type: 'object',
    properties: {
      enabled: { type: 'boolean' },
      priority: { type: 'number' },
      provider: text(64),
      account: text(128),
      url: text(2048),
      method: { type: 'string', enum: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
      ...words,
    },
  },
};

const next: SchemaPart = { enum: ['next', 'end'] };

const waitUntil = object(
  {
    event: text(96),
    condition: text(2000),
    segment: text(128),
    since: { enum: ['entry', 'arrival', 'ever'] },
    timeout: duration,
    happened: next,
    timed_out: next,
  },
  { required: ['timeout'] },
);

const timeOfDay = text(5, { pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: 'On the lead’s clock: 09:00.' });
const localTime: SchemaPart = {
  anyOf: [
    timeOfDay,
    object(
      {
        time: timeOfDay,
        weekdays: {
          type: 'array',
          items: { type: 'integer', minimum: 1, maximum: 7 },
          minItems: 1,
          maxItems: 7,
          description: '1 (Monday) to 7 (Sunday).',
        },
      },
      { required: ['time'] },
    ),
  ],
};

const automation = object({
  sequence: list(
    {
      type: 'object',
      properties: {
        delay: duration,
        wait_until: waitUntil,
        at: localTime,
        action,
        channel: channelName,
        name: text(64),
        condition,
        ...words,
      },
      required: ['action'],
    },
    200,
  ),
  escalation: list(object({ after: duration, condition, action }, { required: ['after', 'action'] }), 50),
  triggers: list(
    {
      type: 'object',
      properties: {
        ...{ event: text(64), condition, action, delay: duration, cooldown: duration },
        frequency: text(32, { description: '"1h", "24h", "7d" or "30d".' }),
        reentry: text(32, { description: '"always", "never", "finished", or a pause such as "7 days".' }),
      },
      required: ['event', 'action'],
    },
    50,
  ),
});

const amount: SchemaPart = { type: 'number', minimum: 0 };

/** The JSON Schema of a definition document. */
export const DEFINITION_SCHEMA: SchemaPart = object(
  {
    $schema: text(2048),
    id: text(128, { pattern: '^[\\p{L}\\p{N}_.-]+$', description: 'Its key: letters, digits, "_", "-", ".".' }),
    name: text(255),
    label: text(255, { description: 'The same as name: how the sales-marketing form calls it.' }),
    description: { type: 'string', maxLength: 10_000 },
    version: { type: ['string', 'number'], minLength: 1, maxLength: 32, description: 'The author’s own, for people.' },
    type: text(32, { pattern: '^[A-Za-z][A-Za-z0-9_-]*$' }),
    dataSchema: {
      type: 'object',
      description:
        'Fields by name, such as {"city": {"type": "string", "required": true}}, or a JSON Schema of type object.',
    },
    stages,
    transitions,
    channels,
    targeting: object({ segment: { ...condition, description: 'A saved segment’s key, or a condition.' }, condition }),
    automation,
    budget: amount,
    roi: object({
      budget: amount,
      target_revenue: amount,
      threshold: {
        type: ['string', 'number'],
        minimum: 0,
        minLength: 1,
        maxLength: 16,
        description: '"2x", "150%" or 2.',
      },
      breach_action: text(64, { description: '"pause", "alert", "pause_and_alert" …' }),
    }),
    compliance: object({
      gdpr: { type: 'boolean' },
      consent_required: { type: 'boolean' },
      data_retention_days: { type: 'integer', minimum: 1, maximum: 36_500 },
    }),
    entities: {
      type: 'object',
      maxProperties: 20,
      description: 'The sales-marketing form: stages, fields and automation of its campaign.',
      additionalProperties: object({ stages, fields: list(text(64), 200), transitions, automation }),
    },
  },
  {
    title: 'Definition',
    description: 'A definition of campaigns: their stages, their data and what is done.',
    required: ['id'],
  },
);
