/** What must hold in the database, whatever happened to the processes that worked on it. */
import type { Marketing } from '../../../lib/marketing';
import { DEFINITION } from './words';

/** What the ledger says of people who got nothing for a reason that somebody can see. */
export interface Accounted {
  unknown: Set<string>;
  failed: Set<string>;
  suppressed: Set<string>;
}

/** People whom the ledger shows as unknown, failed or suppressed, by address. */
export async function accounted({ scope }: Marketing): Promise<Accounted> {
  const at = async (where: string): Promise<Set<string>> => {
    const rows = await scope.all<{ email: string }>(
      `SELECT l.email FROM marketing_steps s JOIN marketing_leads l ON l.id = s.lead_id AND l.tenant_id = :tenant
       WHERE s.tenant_id = :tenant AND ${where}`,
    );
    return new Set(rows.map(({ email }) => email));
  };
  return {
    unknown: await at(`s.state = 'unknown'`),
    failed: await at(`(s.state = 'failed' OR (s.state = 'done' AND s.port = 1))`),
    suppressed: await at(`(s.state = 'done' AND s.port = 2)`),
  };
}

/** Everything that is wrong in the database once all is through; empty when nothing is. */
export async function examine(marketing: Marketing, audience: number): Promise<string[]> {
  const { scope, campaigns, metrics } = marketing;
  const wrong: string[] = [];
  const check = (what: string, found: number, wanted: number): void => {
    if (found !== wanted) wrong.push(`${what}: ${found}, should be ${wanted}`);
  };
  const count = async (text: string): Promise<number> => Number((await scope.get<{ n: number }>(text))?.n ?? 0);

  const report = await campaigns.report(DEFINITION);
  const ended = Object.values(report.ended).reduce((sum, people) => sum + people, 0);
  check('audience', report.audience, audience);
  check('sum of all states', report.waiting + report.dead + report.unknown + report.orphaned + ended, audience);
  check('people under way', report.waiting, 0);

  const steps = `SELECT COUNT(*) AS n FROM marketing_steps s WHERE s.tenant_id = :tenant AND`;
  check('steps being worked', await count(`${steps} s.state = 'working'`), 0);
  check('steps on a wire', await count(`${steps} s.state IN ('released', 'branching')`), 0);
  check(
    'people who entered twice',
    await count(
      `SELECT COUNT(*) AS n FROM (SELECT lead_id FROM marketing_enrollments WHERE tenant_id = :tenant GROUP BY lead_id HAVING COUNT(*) > 1) AS t`,
    ),
    0,
  );
  check(
    'messages in doubt that are held',
    await count(`SELECT COUNT(*) AS n FROM marketing_messages WHERE tenant_id = :tenant AND state = 'unknown'`),
    report.unknown,
  );

  for (const { step, kind, counters } of report.stations) {
    const here = `s.station_id = (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.step = '${step}')`;
    check(`counter "entered" of ${step}`, counters['entered'] ?? 0, await count(`${steps} ${here}`));
    if (kind !== 'send' && kind !== 'mail') continue;
    check(
      `counter "sent" of ${step}`,
      counters['sent'] ?? 0,
      await count(`SELECT COUNT(*) AS n FROM marketing_messages WHERE tenant_id = :tenant AND state = 'sent'`),
    );
  }
  for (const { name, counted, rows } of await metrics.differences()) {
    wrong.push(`figure "${name}": ${counted}, and the rows say ${rows}`);
  }
  return wrong;
}
