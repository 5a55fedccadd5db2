import { InputError } from '../../lib/errors';
import type { ScoreAction } from '../../lib/scoring';
import type { NodeKit } from '../kit/node';
import { evaluate } from '../kit/property';
import { startSwitch, type Candidate, type Verdict } from '../kit/switch';
import { shortCount } from '../kit/texts';

const LONGEST_DAYS = 3_650;

/** Changes scores of people who pass, once per step that they come from, and sends them on with the score that they have now. */
export function startScore(kit: NodeKit): void {
  const actionOf = actionsOf(kit);
  startSwitch(kit, {
    shown: ({ yes }) => ({ fill: 'green', text: 'scored', values: { shown: shortCount(yes) } }),
    async decide(marketing, people) {
      const asked = await Promise.all(people.map((person) => askedBy(person, actionOf)));
      const scores = await marketing.scoring.apply(
        asked.flatMap((one, index) => {
          const person = people[index];
          if (one instanceof Error || !person) return [];
          const { lead, journey } = person;
          return [{ lead: lead.id, key: `node:${journey.step}:${kit.id}`, source: kit.title, action: one }];
        }),
      );
      return people.map((person, index) => verdict(kit, person, asked[index], scores.get(person.lead.id)));
    },
  });
}

/** One bad value is an error of one message. */
async function askedBy(
  person: Candidate,
  actionOf: (person: Candidate) => Promise<ScoreAction>,
): Promise<ScoreAction | Error> {
  try {
    return await actionOf(person);
  } catch (error) {
    return error instanceof Error ? error : new InputError('E_SCORE_POINTS', String(error));
  }
}

function actionsOf(kit: NodeKit): (person: Candidate) => Promise<ScoreAction> {
  const { config, title } = kit;
  const action = config.choice('action', ['add', 'set', 'event'], 'add');
  if (action === 'event') {
    const event = config.text('event');
    if (event === '') throw new InputError('E_CONFIG', `${title} names no event. Open it and fill it in.`);
    return () => Promise.resolve({ kind: 'event', event });
  }
  const value = config.text('amount');
  const type = config.text('amountType') || 'num';
  if (value === '') throw new InputError('E_CONFIG', `${title} has no points. Open it and fill them in.`);
  const days = daysOf(kit);
  return async ({ msg }) => {
    const amount = Number(await evaluate(kit, value, type, msg));
    if (!Number.isFinite(amount) || Math.abs(amount) > 1e9) {
      throw new InputError(
        'E_SCORE_POINTS',
        `The points of ${title} ("${value}") are no number. Check what they are made from.`,
      );
    }
    if (action === 'set') return { kind: 'set', score: amount };
    return { kind: 'add', points: amount, ...(days === undefined ? {} : { decay: { expiresAfterDays: days } }) };
  };
}

function daysOf({ config, title }: NodeKit): number | undefined {
  const text = config.text('expires');
  if (text === '') return undefined;
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= LONGEST_DAYS) return days;
  throw new InputError('E_CONFIG', `The points of ${title} expire after 1 to 3,650 whole days, not after "${text}".`);
}

function verdict(
  kit: NodeKit,
  { lead, msg }: Candidate,
  action: ScoreAction | Error | undefined,
  score: number | undefined,
): Verdict | Error {
  if (action instanceof Error) return action;
  if (score === undefined) {
    return {
      port: 0,
      decision: { node: kit.title, kind: 'score', outcome: 'gone', because: 'The lead does not exist any more.' },
      endReason: 'the lead is gone',
      ends: 'branch',
    };
  }
  msg.payload = { ...lead, score };
  return {
    port: 0,
    decision: {
      node: kit.title,
      kind: 'score',
      outcome: `score ${score}`,
      ...(action ? { because: saidOf(action) } : {}),
    },
    endReason: 'completed',
  };
}

function saidOf(action: ScoreAction): string {
  switch (action.kind) {
    case 'add':
      return `${action.points < 0 ? '' : '+'}${action.points} points`;
    case 'set':
      return `set to ${action.score}`;
    case 'event':
      return `rules for ${action.event}`;
  }
}
