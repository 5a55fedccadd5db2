import { valueOf, type NewEngagement } from '../leads';
import { kindOf } from '../metrics';
import { credits, inOrder, part } from './share';
import type { Found } from './touches';
import { MODELS, WHOLE, type Model, type Terms } from './types';

/** A row of marketing_conversions to be written. */
export interface ConversionRow {
  readonly campaign: number;
  readonly lead: number;
  readonly eventId: string;
  readonly event: string;
  readonly model: Model;
  readonly chosen: boolean;
  readonly variant: string;
  readonly channel: string;
  readonly touch: 'sent' | 'clicked' | 'named';
  readonly touchId: number;
  readonly touchAt: number | null;
  readonly share: number;
  readonly valueMicros: number;
  /** What it adds to the campaign's `converted`. */
  readonly counted: number;
  /** What it adds to the campaign's `revenue`. */
  readonly countedMicros: number;
  readonly at: number;
  readonly machine: boolean;
}

/**
 * The rows of an engagement that names no campaign: by each model, a share for each touch that gets one. Where the model is the one
 * that the touch's campaign goes by, the campaign counts the conversion once and its revenue as it is split.
 */
export function rowsOfTouches(engagement: NewEngagement, found: readonly Found[]): ConversionRow[] {
  const terms = new Map(found.map(({ touch, terms: said }) => [touch.campaign, said]));
  const touches = found.map(({ touch }) => touch).sort(inOrder);
  return MODELS.flatMap((model) => {
    const credited = credits(touches, model);
    // The last touch of a campaign stands for it: whose variant and channel have converted is said once.
    const last = new Map(credited.map(({ touch }, index) => [touch.campaign, index]));
    return credited.flatMap(({ touch, share, of, index }): ConversionRow[] => {
      const said = terms.get(touch.campaign);
      if (!said) return [];
      const valueMicros = part(worth(engagement, said), of, index);
      const chosen = said.model === model;
      return [
        {
          ...base(engagement, model, chosen),
          campaign: touch.campaign,
          variant: touch.variant,
          channel: touch.channel,
          touch: touch.kind,
          touchId: touch.id,
          touchAt: touch.at,
          share,
          valueMicros,
          counted: chosen && last.get(touch.campaign) === index ? 1 : 0,
          countedMicros: chosen ? valueMicros : 0,
        },
      ];
    });
  });
}

/**
 * The rows of an engagement that names its campaign: all of it, by each model. What the engagement itself is counted for already
 * (see metrics/rules.ts) is not counted again.
 * @param terms what the campaign says of this type; undefined: nothing, but the type is a conversion by its name
 */
export function rowsOfNamed(engagement: NewEngagement, campaign: number, terms: Terms | undefined): ConversionRow[] {
  const isConversion = kindOf(engagement.type, engagement.channel ?? null)?.name === 'converted';
  if (!terms && !isConversion) return [];
  const model = terms?.model ?? 'last';
  const own = engagement.valueMicros;
  const valueMicros = own > 0 || !terms ? own : worth(engagement, terms);
  return MODELS.map((one) => {
    const chosen = one === model;
    return {
      ...base(engagement, one, chosen),
      campaign,
      variant: engagement.variant,
      channel: engagement.channel ?? '',
      touch: 'named' as const,
      touchId: 0,
      touchAt: null,
      share: WHOLE,
      valueMicros,
      counted: chosen && !isConversion ? 1 : 0,
      countedMicros: chosen ? valueMicros - own : 0,
    };
  });
}

function base(
  { leadId, eventId, type, at, machine }: NewEngagement,
  model: Model,
  chosen: boolean,
): Pick<ConversionRow, 'lead' | 'eventId' | 'event' | 'model' | 'chosen' | 'at' | 'machine'> {
  return { lead: leadId, eventId, event: type, model, chosen, at, machine };
}

/** What the conversion is worth to a campaign, in millionths of its currency: amounts are never converted. */
function worth({ metadata }: NewEngagement, { fixedMicros, property, currency }: Terms): number {
  return fixedMicros ?? valueOf(metadata, currency, property ?? 'value');
}
