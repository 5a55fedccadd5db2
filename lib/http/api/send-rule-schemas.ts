import { choice, flag, integer, list, map, nullable, number, object, text, type Schema } from './schema';

/*
 * Send rules as the API takes and shows them. The service says the same things in more detail.
 */

const TIME = text(5, { pattern: '^\\d\\d:\\d\\d$', examples: ['22:00'] });
const PART = object(
  { from: TIME, to: TIME },
  {},
  { description: 'By the wall clock where the lead is; over midnight when `to` is earlier.' },
);
const THROTTLE = object(
  {},
  { perMinute: number(0, 1e9), perHour: number(0, 1e9) },
  { description: 'Evenly; the slower of the two counts.' },
);
const WORD = text(32, { pattern: '^[a-z][a-z0-9_-]*$' });
const CAP = object(
  { messages: integer(1, 1_000), days: number(0, 366) },
  { channel: WORD, category: WORD },
  { description: 'So many messages within so many days, counted back from each moment.' },
);

const RULES = {
  throttle: nullable(THROTTLE),
  quietHours: nullable({ ...PART, description: 'Nothing leaves then.' }),
  window: nullable({ ...PART, description: 'Messages leave only then.' }),
  weekdays: nullable(list(integer(1, 7), 7, { description: 'Only on these; 1 is Monday.' })),
  excludeWeekends: nullable(flag()),
  holidays: nullable(
    list(text(10, { examples: ['2026-12-25', '12-25'] }), 200, { description: 'Nothing leaves on these days.' }),
  ),
  releaseMinutes: nullable(
    number(0, 1_440, { description: 'Those who were held leave spread over so long. Default 30.' }),
  ),
  againAfterHours: nullable(
    number(0, 8_784, {
      description: 'Another run of the campaign reaches a lead after so many hours; 0: at any time. Default 24.',
    }),
  ),
  whenCapped: nullable(
    choice(['skip', 'postpone'], { description: 'What becomes of somebody who has had enough. Default `skip`.' }),
  ),
};

export const SEND_RULES: Schema = object(
  {},
  {
    category: {
      ...WORD,
      description: '`marketing` (default); `transactional` obeys no cap and no hours; or a word of your own.',
    },
    ...RULES,
  },
  {
    description: 'How fast and when its messages leave. What is absent is as the tenant says; `null` switches it off.',
    examples: [{ throttle: { perHour: 6_000 }, window: { from: '09:00', to: '18:00' } }],
  },
);

export const TENANT_SEND_RULES: Schema = object(
  {},
  {
    ...RULES,
    timeZone: text(64, { description: 'IANA zone of leads that have neither a zone nor a country. Default UTC.' }),
    caps: list(CAP, 20, { description: 'Default: 3 e-mails in 7 days. An empty list: none.' }),
    channels: map(THROTTLE, { maxProperties: 100, description: 'Throttles by channel.' }),
    accounts: map(THROTTLE, { maxProperties: 100, description: 'Throttles by account, shared by all processes.' }),
    total: { ...THROTTLE, description: 'The throttle of everything together.' },
  },
  { description: 'Defaults of all campaigns, and what they share.' },
);
