import type { FactFigures, Figures } from '../metrics';

export type { FactFigures };

/** What conditions may ask about how a campaign fares, beside its own data. Rates are shares from 0 to 1. */
export const FACTS = [
  'audience',
  'queued',
  'sent',
  'delivered',
  'bounced',
  'failed',
  'opened',
  'clicked',
  'converted',
  'unsubscribed',
  'emails_sent',
  'open_rate',
  'click_rate',
  'conversion_rate',
  'bounce_rate',
  'unsubscribe_rate',
  'engagement_rate',
  'revenue',
  'cost',
  'roi',
] as const;

/** A name of {@link FACTS}. */
export type FactName = (typeof FACTS)[number];

/** Known facts; what is not known yet (a rate of nothing) is absent, and makes every comparison false. */
export type Facts = Readonly<Partial<Record<FactName, number>>>;

const COUNTED = [
  'queued',
  'sent',
  'delivered',
  'bounced',
  'failed',
  'opened',
  'clicked',
  'converted',
  'unsubscribed',
  'revenue',
  'cost',
] as const;

/**
 * The facts behind some figures. Rates are shares of what was sent. `engagement_rate` is the share of those who opened,
 * clicked or converted; where nobody counted the people, the largest of the three rates: whoever clicks has opened too, whether that
 * was seen or not. `roi` is revenue ÷ cost.
 */
export function factsFrom({ figures, email, engaged, audience }: FactFigures): Facts {
  const count = (name: keyof Figures): number => figures[name] ?? 0;
  const facts: Partial<Record<FactName, number>> = { emails_sent: email?.sent ?? count('sent') };
  for (const name of COUNTED) facts[name] = count(name);
  if (audience !== undefined) facts.audience = audience;
  const sent = count('sent');
  if (sent > 0) {
    const rate = (amount: number): number => Math.min(1, amount / sent);
    facts.open_rate = rate(count('opened'));
    facts.click_rate = rate(count('clicked'));
    facts.conversion_rate = rate(count('converted'));
    facts.bounce_rate = rate(count('bounced'));
    facts.unsubscribe_rate = rate(count('unsubscribed'));
    facts.engagement_rate =
      engaged === undefined ? Math.max(facts.open_rate, facts.click_rate, facts.conversion_rate) : rate(engaged);
  }
  if (count('cost') > 0) facts.roi = count('revenue') / count('cost');
  return facts;
}
