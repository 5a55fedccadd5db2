import { fromMicros } from './money';
import { METRICS, type Figures, type MetricName, type Rates } from './types';

/** Figures that are all 0. */
export function noFigures(): Figures {
  return Object.fromEntries(METRICS.map((name) => [name, 0])) as Figures;
}

/** Adds what a counter says; money becomes units of the currency. */
export function addFigure(figures: Figures, name: MetricName, amount: number): void {
  if (!Object.hasOwn(figures, name)) return;
  // Micros up to here are whole numbers; adding them as units would gather rounding errors.
  const isMoney = name === 'revenue' || name === 'cost';
  figures[name] = isMoney ? fromMicros(Math.round(figures[name] * 1e6) + amount) : figures[name] + amount;
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

/** The rates of figures, see {@link Rates}. */
export function ratesOf({
  sent,
  failed,
  bounced,
  opened,
  clicked,
  converted,
  unsubscribed,
  revenue,
  cost,
}: Figures): Rates {
  const arrived = Math.max(0, sent - bounced);
  return {
    deliveryRate: share(arrived, sent + failed),
    bounceRate: share(bounced, sent),
    openRate: share(opened, arrived),
    clickRate: share(clicked, arrived),
    conversionRate: share(converted, sent),
    unsubscribeRate: share(unsubscribed, arrived),
    roi: share(revenue - cost, cost),
  };
}
