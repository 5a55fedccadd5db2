import { ATTRIBUTION_MODELS, CAMPAIGN_TYPES } from '../../campaigns';
import {
  anything,
  choice,
  flag,
  integer,
  list,
  map,
  moment,
  nullable,
  number,
  object,
  text,
  type Schema,
} from './schema';
import { SEND_RULES } from './send-rule-schemas';

export const CAMPAIGN_STATES = ['draft', 'scheduled', 'queued', 'active', 'paused', 'completed', 'cancelled'] as const;

const AUDIENCE = object(
  {},
  {
    include: list(text(128), 100, { description: 'Keys of segments; absent: everybody.' }),
    match: choice(['all', 'any'], { description: 'Whether somebody must be in all of them. Default `any`.' }),
    exclude: list(text(128), 100, { description: 'Keys of segments that nobody of the audience is in.' }),
    condition: { type: ['string', 'object', 'array'], maxLength: 2_000, description: 'Besides the segments.' },
    holdout: number(0, 20, { description: 'Percent of the audience that get nothing, for comparison.' }),
  },
  { description: 'Who it is for. Absent: what its definition says.' },
);

const CONVERSION = object(
  {
    event: {
      oneOf: [text(96), list(text(96), 10, { minItems: 1 })],
      description: 'The type of event that is a conversion, or several.',
    },
  },
  {
    windowDays: integer(1, 30, { description: 'Days after a touch in which it counts. Default 7.' }),
    model: choice(ATTRIBUTION_MODELS, { description: 'Which touches get it. Default `last`.' }),
    touch: choice(['any', 'sent', 'clicked'], { description: 'What is a touch. Default `any`.' }),
    value: object(
      {},
      {
        property: text(64, { description: 'A number among the metadata of the event. Default `value`.' }),
        fixed: number(0, 1e9, { description: "The same for each, in the campaign's currency." }),
      },
      { minProperties: 1, maxProperties: 1 },
    ),
  },
  {
    description: 'Which events are its conversions, and how they are attributed.',
    examples: [{ event: 'purchase', windowDays: 7, model: 'last' }],
  },
);

const WHEN: Schema = {
  type: ['string', 'integer'],
  maxLength: 40,
  description: 'ISO 8601, or milliseconds since 1970.',
};
const CLOCK = {
  timeZone: text(64, { description: 'IANA name. Default UTC.' }),
  graceMs: integer(0, 366 * 86_400_000, { description: 'How late a run that was missed may still start.' }),
};

/** When a campaign starts by itself. The same things are said of each kind by the service, in more detail. */
export const SCHEDULE: Schema = object(
  { kind: choice(['once', 'daily', 'weekly', 'monthly', 'cron']) },
  {
    at: WHEN,
    time: text(5, { description: '`HH:MM`, the wall clock of the zone.' }),
    weekdays: list(integer(1, 7), 7, { description: '1 is Monday.' }),
    day: integer(1, 31, { description: 'In a shorter month, its last day.' }),
    cron: text(200),
    until: WHEN,
    ...CLOCK,
  },
  {
    description: '`once` needs `at`; `daily`, `weekly` and `monthly` need `time`; `cron` needs `cron`.',
    examples: [
      { kind: 'daily', time: '09:00', timeZone: 'Europe/Berlin' },
      { kind: 'once', at: '2030-05-01T09:00:00Z' },
    ],
  },
);

/** What people edit of a campaign. */
export const CAMPAIGN_FIELDS = {
  name: text(255),
  description: nullable(text(20_000)),
  type: choice(CAMPAIGN_TYPES),
  objective: nullable(text(500)),
  kpi: nullable(object({ metric: text(64), target: number() })),
  owner: nullable(text(128)),
  team: nullable(text(128)),
  subject: nullable(object({ type: text(128), id: text(128) }, {}, { description: 'The model that it belongs to.' })),
  budget: nullable(number(0, 1e12)),
  currency: nullable(text(3, { minLength: 3, pattern: '^[A-Z]{3}$', description: 'ISO 4217.', examples: ['EUR'] })),
  startsOn: nullable(moment('For people; what starts a campaign is its schedule.')),
  endsOn: nullable(moment()),
  channels: nullable(list(text(32), 20, { examples: [['email']] })),
  content: nullable(map(anything(), { description: 'What is sent, per channel.' })),
  audience: nullable(AUDIENCE),
  conversion: nullable(CONVERSION),
  segment: nullable(text(128, { description: 'Key of a segment: the short form of an audience.' })),
  data: map(anything(), { description: 'As the data schema of the definition says.' }),
  onUnknown: choice(['hold', 'resend'], {
    description: 'What becomes of messages of which nobody knows whether they went out.',
  }),
  sendRules: nullable(SEND_RULES),
} as const;

/** A campaign as the API shows it. */
export const CAMPAIGN: Schema = object(
  {
    id: integer(1),
    key: text(128),
    name: text(255),
    definition: text(128),
    state: choice(CAMPAIGN_STATES),
    stage: text(64, { description: 'The state in the words of its definition.' }),
    type: choice(CAMPAIGN_TYPES),
    data: map(anything()),
    channels: list(text(32)),
    onUnknown: choice(['hold', 'resend']),
    run: integer(0, 1e9, { description: 'How often it was launched.' }),
    hadAudience: flag({ description: 'Its last run entered an audience, rather than listening to an event.' }),
    version: integer(1),
    createdAt: moment(),
    updatedAt: moment(),
  },
  {
    segment: text(128),
    description: text(20_000),
    objective: text(500),
    kpi: object({ metric: text(64), target: number() }),
    owner: text(128),
    team: text(128),
    subject: object({ type: text(128), id: text(128) }),
    budget: number(0),
    currency: text(3),
    startsOn: moment(),
    endsOn: moment(),
    content: map(anything()),
    audience: AUDIENCE,
    conversion: CONVERSION,
    sendRules: SEND_RULES,
    schedule: SCHEDULE,
    nextRunAt: moment(),
    awaiting: text(64, { description: 'The action that it waits for.' }),
    holdReason: text(1_000, { description: 'Why it stands still although nobody has paused it.' }),
    createdBy: text(128),
    startedAt: moment(),
    endedAt: moment(),
    deletedAt: moment('It is gone for good 30 days after that.'),
  },
  { description: 'An instance of a definition: audience, content, schedule, budget, state.' },
);
