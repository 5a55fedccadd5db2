import { zoneOf } from '../calendar';
import type { Entering } from '../ledger';
import type { Scope } from '../store';
import { admit, type Coming } from './admission';
import { daysOfYear, daySpan, occurrences } from './dates';
import { entrancesOf } from './entrances';
import type { JudgeDeps } from './judge';
import type { Candidate, DateRule, Entrance } from './types';

/** How far ahead people are let in, to wait for their moment as rows: until the next look, and a little. */
const AHEAD_MS = 65 * 60_000;
/** Leads whose dates fit that are looked at in one statement, and let in in one transaction. */
const PAGE = 1_000;

interface DatedLead {
  id: number;
  time_zone: string | null;
  country: string | null;
  moment: number;
}

/** What a look through the dates needs. */
export interface DateScanDeps extends JudgeDeps {
  /** The zone of leads that have none and whose country has none. */
  tenantZone(): Promise<string | undefined>;
}

/** One campaign of the trigger, and from when on its moments have not been looked through. */
interface Due {
  readonly entrance: Entrance;
  readonly rule: DateRule;
  readonly from: number;
}

/**
 * Lets in whose day has come, or comes within the hour: set by set, each in a transaction of its own. What was missed while nothing
 * ran is made up for within the rule's grace, and not from before the campaign's launch. A look that is cut off is taken up by
 * the next one: its mark moves at the end, and who is in already is left alone.
 */
export async function scanDates(scope: Scope, deps: DateScanDeps, station: number): Promise<Entering[]> {
  const now = scope.clock.now();
  const due = await campaignsDue(scope, station, now);
  const [first] = due;
  if (!first) return [];
  const zone = await deps.tenantZone();
  const window = { from: Math.min(...due.map(({ from }) => from)), to: now + AHEAD_MS };
  const entered: Entering[] = [];
  for (let after = 0; ;) {
    const leads = await datedLeads(scope, first.rule, window, after);
    const coming = due.map((one) => comingOf(one, leads, { to: window.to, now, zone }));
    if (coming.some(({ candidates }) => candidates.length > 0)) {
      entered.push(...(await scope.transaction((tx) => admit(tx, deps, coming, { repeats: true }))));
    }
    const last = leads.at(-1)?.id;
    if (leads.length < PAGE || last === undefined) break;
    after = last;
  }
  await moveMarks(scope, due, now);
  return entered;
}

async function campaignsDue(scope: Scope, station: number, now: number): Promise<Due[]> {
  const entrances = await entrancesOf(scope, { station });
  const marks = await scope.all<{ campaign: number; until: number | null }>(
    `SELECT m.campaign_id AS campaign, m.scanned_until AS until FROM ${scope.dialect.rows('campaigns', { id: 'int' }, 'r')}
     ${scope.dialect.join} marketing_trigger_marks m ON m.campaign_id = r.id AND m.station_id = :station AND m.tenant_id = :tenant`,
    { station, campaigns: JSON.stringify(entrances.map(({ campaign }) => [campaign])) },
  );
  const until = new Map(marks.map((mark) => [mark.campaign, mark.until]));
  return entrances.flatMap((entrance): Due[] => {
    const { listens } = entrance.config;
    if (listens.on !== 'date') return [];
    // A millisecond less: who was launched, or looked for, at the very moment still has it.
    const from = Math.max(
      now - listens.graceMs - 1,
      entrance.startedAt - 1,
      until.get(entrance.campaign) ?? Number.NEGATIVE_INFINITY,
    );
    return [{ entrance, rule: listens, from }];
  });
}

/** In the background: the dates of all leads are looked at. */
async function datedLeads(
  scope: Scope,
  rule: DateRule,
  window: { from: number; to: number },
  after: number,
): Promise<DatedLead[]> {
  const { dialect } = scope;
  const own = rule.attribute === 'createdAt';
  const moment = own ? 'l.created_at' : dialect.jsonNumber('l.attributes', 'attribute');
  const span = daySpan(rule, window);
  const fits =
    rule.every === 'year'
      ? `${dialect.dayOfYear('d.moment')} IN (SELECT r.day_of_year FROM ${dialect.rows('days', { day_of_year: 'text' }, 'r')})`
      : 'd.moment >= :first AND d.moment < :end';
  return scope.background((db) =>
    db.all<DatedLead>(
      `SELECT d.id, d.time_zone, d.country, d.moment FROM (
         SELECT l.id, l.time_zone, l.country, ${moment} AS moment FROM marketing_leads l
         WHERE l.tenant_id = :tenant AND l.id > :after) d
       WHERE d.moment IS NOT NULL AND ${fits} ORDER BY d.id LIMIT ${PAGE}`,
      {
        after,
        ...(own ? {} : { attribute: dialect.jsonName(rule.attribute) }),
        ...(rule.every === 'year'
          ? { days: JSON.stringify(daysOfYear(rule, window).map((day) => [day])) }
          : { first: span.first, end: span.end }),
      },
    ),
  );
}

function comingOf(
  { entrance, rule, from }: Due,
  leads: readonly DatedLead[],
  { to, now, zone }: { to: number; now: number; zone: string | undefined },
): Coming {
  const candidates = leads.flatMap((lead): Candidate[] => {
    const place = zoneOf({ timeZone: lead.time_zone, country: lead.country }, zone ?? null).zone;
    return occurrences(rule, Number(lead.moment), place, { from, to }).map(({ at, day, years }) => ({
      lead: lead.id,
      key: `date:${rule.attribute}:${day}`,
      event: { type: 'date', attribute: rule.attribute, day, years, at },
      from: at,
      tentative: at > now,
    }));
  });
  return { entrance, candidates };
}

async function moveMarks(scope: Scope, due: readonly Due[], now: number): Promise<void> {
  const { dialect } = scope;
  await scope.run(
    `INSERT INTO marketing_trigger_marks (tenant_id, campaign_id, station_id, scanned_until)
     SELECT :tenant, r.campaign, r.station, :now FROM ${dialect.rows('rows', { campaign: 'int', station: 'int' }, 'r')} WHERE 1 = 1
     ${dialect.upsertTail(['campaign_id', 'station_id'], { scanned_until: dialect.excluded('scanned_until') })}`,
    { now, rows: JSON.stringify(due.map(({ entrance: { campaign, station } }) => [campaign, station])) },
  );
}
