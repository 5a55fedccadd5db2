import type { NewEngagement } from '../leads';
import { fromMicros, kindOf } from '../metrics';
import type { Scope } from '../store';

/** An exposure that engagements may say something about. */
interface Exposure {
  readonly id: number;
  readonly experiment_id: number;
  readonly campaign_id: number;
  readonly lead_id: number;
  readonly variant_key: string;
  readonly exposed_at: number;
  readonly opened_at: number | null;
  readonly clicked_at: number | null;
  readonly converted_at: number | null;
  readonly revenue_micros: number;
  readonly conversion_type: string | null;
  readonly window_ms: number;
}

/** What an exposure has become by some engagements. */
interface Fact {
  readonly exposure: Exposure;
  opened: number | null;
  clicked: number | null;
  converted: number | null;
  revenue: number;
}

/**
 * Notes on exposures what people did, once per person, and counts it for their variants; in the transaction that writes the engagements.
 * What machines did is left out in all arms alike. Opening and clicking count for the campaign that was opened; conversions and money
 * count whoever gets the credit, within the experiment's window: those who got no message have no campaign to name.
 */
export async function noteEngagements(tx: Scope, engagements: readonly NewEngagement[]): Promise<void> {
  const people = engagements.filter(({ machine, leadId }) => !machine && leadId > 0);
  if (people.length === 0) return;
  const exposures = await exposuresOf(tx, [...new Set(people.map(({ leadId }) => leadId))]);
  if (exposures.length === 0) return;
  const facts = exposures.map((exposure): Fact => ({
    exposure,
    opened: exposure.opened_at,
    clicked: exposure.clicked_at,
    converted: exposure.converted_at,
    revenue: Number(exposure.revenue_micros),
  }));
  for (const engagement of people) {
    for (const fact of facts) if (fact.exposure.lead_id === engagement.leadId) note(fact, engagement);
  }
  await writeFacts(tx, facts.filter(changed));
}

function note(fact: Fact, { type, channel, campaign, at, valueMicros }: NewEngagement): void {
  const { exposure } = fact;
  if (at < exposure.exposed_at) return;
  const kind = kindOf(type, channel ?? null)?.name;
  if (campaign === exposure.campaign_id && kind === 'opened') fact.opened ??= at;
  if (campaign === exposure.campaign_id && kind === 'clicked') {
    fact.clicked ??= at;
    // Whoever clicks has opened, also where pictures are not loaded.
    fact.opened ??= at;
  }
  if (at > exposure.exposed_at + Number(exposure.window_ms)) return;
  const own = exposure.conversion_type;
  if (own === null ? kind === 'converted' : type === own) fact.converted ??= at;
  if (own === null || type === own) fact.revenue += valueMicros;
}

function changed({ exposure, opened, clicked, converted, revenue }: Fact): boolean {
  return (
    opened !== exposure.opened_at ||
    clicked !== exposure.clicked_at ||
    converted !== exposure.converted_at ||
    revenue !== Number(exposure.revenue_micros)
  );
}

async function exposuresOf(tx: Scope, leads: readonly number[]): Promise<Exposure[]> {
  const { dialect } = tx;
  return tx.all<Exposure>(
    `SELECT x.id, x.experiment_id, x.campaign_id, x.lead_id, x.variant_key, x.exposed_at, x.opened_at, x.clicked_at, x.converted_at,
            x.revenue_micros, e.conversion_type, e.window_ms
     FROM ${dialect.rows('leads', { lead: 'int' }, 'r')}
     ${dialect.join} marketing_exposures x ON x.lead_id = r.lead AND x.tenant_id = :tenant
     ${dialect.join} marketing_experiments e ON e.id = x.experiment_id AND e.tenant_id = :tenant`,
    { leads: JSON.stringify(leads.map((id) => [id])) },
  );
}

async function writeFacts(tx: Scope, facts: readonly Fact[]): Promise<void> {
  if (facts.length === 0) return;
  const { dialect } = tx;
  await tx.run(
    dialect.updateFrom(
      'marketing_exposures',
      dialect.rows(
        'rows',
        { of_id: 'int', was_opened: 'int', was_clicked: 'int', was_converted: 'int', brought: 'int' },
        'r',
      ),
      'opened_at = was_opened, clicked_at = was_clicked, converted_at = was_converted, revenue_micros = brought',
      'marketing_exposures.id = r.of_id AND tenant_id = :tenant',
    ),
    {
      rows: JSON.stringify(
        facts.map(({ exposure, opened, clicked, converted, revenue }) => [
          exposure.id,
          opened,
          clicked,
          converted,
          revenue,
        ]),
      ),
    },
  );
  const sums = new Map<string, (string | number)[]>();
  for (const { exposure, opened, clicked, converted, revenue } of facts) {
    const { experiment_id: experiment, variant_key: variant } = exposure;
    const key = `${String(experiment).padStart(16, '0')}:${variant}`;
    const [, , o = 0, c = 0, v = 0, m = 0, q = 0] = sums.get(key) ?? [];
    const before = Number(exposure.revenue_micros);
    sums.set(key, [
      experiment,
      variant,
      Number(o) + (opened !== exposure.opened_at ? 1 : 0),
      Number(c) + (clicked !== exposure.clicked_at ? 1 : 0),
      Number(v) + (converted !== exposure.converted_at ? 1 : 0),
      Number(m) + revenue - before,
      Number(q) + fromMicros(revenue) ** 2 - fromMicros(before) ** 2,
    ]);
  }
  await tx.run(
    dialect.updateFrom(
      'marketing_variants',
      dialect.rows(
        'rows',
        {
          of_experiment: 'int',
          of_variant: 'text',
          more_opened: 'int',
          more_clicked: 'int',
          more_converted: 'int',
          more_revenue: 'int',
          more_squares: 'real',
        },
        'r',
      ),
      `opened = opened + more_opened, clicked = clicked + more_clicked, converted = converted + more_converted,
       revenue_micros = revenue_micros + more_revenue, revenue_squares = revenue_squares + more_squares`,
      'marketing_variants.experiment_id = r.of_experiment AND marketing_variants.variant_key = r.of_variant AND tenant_id = :tenant',
    ),
    // In one order, so that two transactions do not wait for each other.
    { rows: JSON.stringify([...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)) },
  );
}

/** Forgets who was shown what. The counters stay: they are about nobody. */
export async function forgetExposures(tx: Scope, lead: number): Promise<void> {
  await tx.run(`DELETE FROM marketing_exposures WHERE tenant_id = :tenant AND lead_id = :lead`, { lead });
}

/** Who is asked about. */
export interface Exposed {
  readonly campaign: number;
  readonly lead: number;
}

/** The variants that people were last shown in a campaign, by `campaign:lead`: for their messages and engagements. One statement. */
export async function variantsOf(scope: Scope, people: readonly Exposed[]): Promise<Map<string, string>> {
  const { dialect } = scope;
  if (people.length === 0) return new Map();
  const rows = await scope.all<{ campaign_id: number; lead_id: number; variant_key: string }>(
    `SELECT x.campaign_id, x.lead_id, x.variant_key FROM ${dialect.rows('people', { campaign: 'int', lead: 'int' }, 'r')}
     ${dialect.join} marketing_exposures x ON x.lead_id = r.lead AND x.campaign_id = r.campaign AND x.tenant_id = :tenant
     ORDER BY x.id`,
    { people: JSON.stringify(people.map(({ campaign, lead }) => [campaign, lead])) },
  );
  return new Map(rows.map((row) => [exposedKey({ campaign: row.campaign_id, lead: row.lead_id }), row.variant_key]));
}

/** How somebody is looked up in what {@link variantsOf} found. */
export function exposedKey({ campaign, lead }: Exposed): string {
  return `${campaign}:${lead}`;
}
