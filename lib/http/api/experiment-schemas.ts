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
  ref,
  text,
  type Schema,
} from './schema';

const METRIC = choice(['open', 'click', 'conversion', 'revenue'], {
  description: 'What is compared. Open rates are distorted by programs that open everything.',
});
const STATE = choice(['planned', 'running', 'too_small', 'decided', 'stopped']);
export const SHARE = number(0, 100, { description: 'Percent, at most two decimals.' });
const COUNT = integer(0);

const SETTING: Readonly<Record<string, Schema>> = {
  mode: choice(['test', 'bandit']),
  rule: choice(['always_valid', 'planned_size'], {
    description: 'When a winner may be named: at any look, or once at the planned size.',
  }),
  threshold: { type: 'integer', enum: [90, 95, 99], description: 'Percent.' },
  autoWinner: flag({ description: 'Whether people are moved to the winner by itself.' }),
  minSample: integer(100, 1e9, { description: 'People per variant without which nothing is decided. Default 1000.' }),
  baseline: number(0.000001, 1e9, { description: 'The rate (or mean) that the plan begins from.' }),
  lift: number(0.001, 10, { description: 'The relative difference that is to be found. Default 0.1.' }),
  power: number(0.5, 0.99),
  maxSample: integer(100, 1e9, { description: 'People per variant at which it ends without a winner.' }),
  windowDays: integer(1, 30, { description: 'Days after the exposure in which a conversion counts. Default 7.' }),
  conversion: text(96, { description: 'The type of engagement that is a conversion.' }),
};
/** Settings as they are given: some of them. */
export const SETTINGS: Schema = object({}, SETTING, { examples: [{ autoWinner: false }] });

const VARIANT = object(
  { name: text(255), share: SHARE },
  { key: text(32), control: flag({ description: 'Gets no message. At most one.' }), content: map(anything()) },
);
export const NEW_EXPERIMENT: Schema = object(
  { variants: list(VARIANT, 6, { minItems: 2 }) },
  { key: text(255), name: text(255), metric: METRIC, settings: SETTINGS },
  {
    examples: [
      {
        name: 'Subject line',
        metric: 'click',
        variants: [
          { key: 'A', name: 'Plain', share: 50, content: { email: { subject: 'Hello', text: 'Hello' } } },
          {
            key: 'B',
            name: 'With a name',
            share: 50,
            content: { email: { subject: 'Hello {{ lead.name }}', text: 'Hello' } },
          },
        ],
      },
    ],
  },
);

const COUNTS = object({
  exposed: COUNT,
  opened: COUNT,
  clicked: COUNT,
  converted: COUNT,
  revenue: number(),
  revenueSquares: number(),
  expected: number(),
});
const DECISION = object({
  winner: nullable(text(32)),
  because: { type: 'string' },
  by: text(255),
  at: moment(),
  method: text(64, { description: 'Name and version of the formulas.' }),
  inputs: map(COUNTS, { description: 'What was counted at that moment.' }),
});
const INTERVAL = list(number(), 2, { minItems: 2 });
const P = nullable(number(0, 1));
const PAIR = object({
  a: text(32),
  b: text(32),
  difference: number(),
  interval: INTERVAL,
  p: P,
  pText: text(32),
  pHolm: P,
  alwaysValidP: P,
  alwaysValidText: text(32),
});
const FIGURES = { exposed: COUNT, opened: COUNT, clicked: COUNT, converted: COUNT, revenue: number() };

export const EXPERIMENT_SCHEMAS: Readonly<Record<string, Schema>> = {
  ControlGroup: object(
    { percent: number(0, 20) },
    {},
    { description: 'Part of the leads who get no message of any campaign, for comparison.' },
  ),
  Experiment: object(
    {
      id: integer(1),
      campaign: integer(1),
      key: text(255),
      name: text(255),
      source: choice(['split', 'campaign']),
      state: STATE,
      metric: METRIC,
      settings: object({}, SETTING),
      version: integer(1),
      variants: list(
        object(
          { key: text(32), name: text(255), control: flag(), share: SHARE, exposed: COUNT },
          { content: map(anything()) },
        ),
      ),
      createdAt: moment(),
      updatedAt: moment(),
    },
    { winner: text(32), decision: DECISION, startedAt: moment(), endedAt: moment() },
    { description: 'A question about one campaign: which of its variants does better.' },
  ),
  ExperimentReport: object(
    {
      experiment: integer(1),
      campaign: integer(1),
      key: text(255),
      name: text(255),
      state: STATE,
      mode: choice(['test', 'bandit']),
      metric: METRIC,
      threshold: integer(90, 99),
      variants: list(ref('ExperimentVariant')),
      pairs: list(PAIR),
      againstControl: list(PAIR, 10, { description: 'Variants against those who got no message: conversions only.' }),
      plan: object({
        perVariant: COUNT,
        longest: COUNT,
        minSample: COUNT,
        baseline: number(),
        lift: number(),
        power: number(),
        daysToGo: nullable(COUNT),
      }),
      verdict: object(
        { kind: choice(['undecided', 'blocked', 'winner', 'no_winner']), because: { type: 'string' } },
        { winner: text(32) },
      ),
      warnings: list(object({ code: text(32), text: { type: 'string' } })),
      method: text(64),
      at: moment(),
    },
    {
      overall: object(
        {
          chiSquare: nullable(number()),
          df: COUNT,
          p: P,
          pText: text(32),
          minExpected: number(),
          reliable: flag(),
        },
        {},
        { description: 'Do the variants differ at all? Absent for a bandit and for revenue.' },
      ),
      sampleRatio: object({ statistic: nullable(number()), df: COUNT, p: P, alarm: flag(), pText: text(32) }),
      decision: DECISION,
    },
    { description: 'How an experiment stands. Absent values cannot be said.' },
  ),
  ExperimentVariant: object(
    {
      variant: text(32),
      name: text(255),
      control: flag(),
      share: SHARE,
      ...FIGURES,
      rate: nullable(number()),
      interval: nullable(INTERVAL),
      chanceToBeBest: P,
      expectedLoss: nullable(number()),
    },
    { late: object(FIGURES, {}, { description: 'What came after the decision: shown, and not counted.' }) },
  ),
};
