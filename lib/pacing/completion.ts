import type { IANAZone } from 'luxon';
import { nextOpen, openUntil, zoneOf, type CalendarRules } from '../calendar';
import type { Scope } from '../store';
import { intervalOf } from './effective';
import { rulesOf } from './read';
import type { EffectiveRules } from './types';

/** People of one zone who wait for a message. */
export interface ZoneGroup {
  readonly zone: IANAZone;
  readonly people: number;
}

/** When the last of those who wait for a message now gets it (AC-010.7). */
export interface Completion {
  /** People who wait for a message, at send nodes and at the beginning; who waits elsewhere (a delay) is not counted. */
  readonly waiting: number;
  /** Messages per hour that were reckoned with. */
  readonly perHour: number;
  /** What that speed comes from. */
  readonly limitedBy: 'campaign' | 'channel' | 'total' | 'measured' | 'assumed';
  /** Ms since 1970; undefined when nobody waits, or when it would take more than a year. */
  readonly finishesAt?: number;
  /** Why there is no such moment. */
  readonly because?: string;
}

/** Without a throttle and before anything was sent: what a mail server of average patience takes. */
const ASSUMED_PER_HOUR = 36_000;
/** Messages whose times tell how fast the campaign goes. */
const MEASURED = 200;
const YEAR_MS = 366 * 86_400_000;

/**
 * Reckons with even sending at the slowest of the throttles, within the hours of each zone. Other campaigns that share a channel's or
 * the tenant's throttle, and rates of accounts, are not known here: they make it later.
 * @param audience people whom a launch would enter, for a campaign that has not been launched
 */
export async function completionOf(
  scope: Scope,
  { campaign, channels, audience }: { campaign: number; channels: readonly string[]; audience?: number },
): Promise<Completion> {
  const rules = (await rulesOf(scope, [campaign])).get(campaign);
  if (!rules) return { waiting: 0, perHour: 0, limitedBy: 'assumed', because: 'there is no such campaign' };
  const groups =
    audience === undefined
      ? await scope.background((db) => waitingByZone(db, campaign, rules))
      : [{ zone: zoneOf({}, rules.timeZone).zone, people: audience }];
  const waiting = groups.reduce((sum, { people }) => sum + people, 0);
  const { intervalMs, limitedBy } = await speedOf(scope, campaign, rules, channels);
  const told = { waiting, perHour: Math.round((3_600_000 / intervalMs) * 100) / 100, limitedBy };
  if (waiting === 0) return { ...told, because: 'nobody waits for a message' };
  if (rules.neverOpen)
    return { ...told, because: 'the send rules of the campaign and the tenant together leave no time' };
  const { calendar, releaseMs } = rules;
  const finishesAt = lastOf(groups, { now: scope.clock.now(), intervalMs, calendar, releaseMs });
  return finishesAt === undefined ? { ...told, because: 'it would take more than a year' } : { ...told, finishesAt };
}

/**
 * When the last of these people has got a message, ms: one every `intervalMs`, to those for whom it is an open time, in proportion to
 * how many they are. Undefined after more than a year.
 */
export function lastOf(
  groups: readonly ZoneGroup[],
  {
    now,
    intervalMs,
    calendar,
    releaseMs,
  }: { now: number; intervalMs: number; calendar: CalendarRules | undefined; releaseMs: number },
): number | undefined {
  const left = groups.filter(({ people }) => people > 0).map(({ zone, people }) => ({ zone, people, opens: now }));
  // Whoever is held now comes within the release.
  const released = left.map(({ zone }) => {
    const opens = calendar ? nextOpen(now, zone, calendar) : now;
    return opens > now ? opens + releaseMs : now;
  });
  let at = now;
  while (left.some(({ people }) => people > 0)) {
    if (at > now + YEAR_MS) return undefined;
    const waiting = left.filter(({ people }) => people > 0);
    if (calendar) for (const group of waiting) group.opens = nextOpen(at, group.zone, calendar);
    const open = waiting.filter(({ opens }) => opens <= at);
    if (open.length === 0) {
      at = Math.min(...waiting.map(({ opens }) => opens));
      continue;
    }
    const people = open.reduce((sum, group) => sum + group.people, 0);
    const changes = [
      ...waiting.filter(({ opens }) => opens > at).map(({ opens }) => opens),
      ...(calendar ? open.map(({ zone }) => openUntil(at, zone, calendar)) : []),
    ];
    const until = Math.min(at + people * intervalMs, ...changes);
    const share = Math.max(0, 1 - (until - at) / intervalMs / people);
    // Less than half a person is nobody.
    for (const group of open) group.people = group.people * share < 0.5 ? 0 : group.people * share;
    at = until;
  }
  const last = Math.ceil(Math.max(at, ...released));
  return last > now + YEAR_MS ? undefined : last;
}

async function speedOf(
  scope: Scope,
  campaign: number,
  rules: EffectiveRules,
  channels: readonly string[],
): Promise<{ intervalMs: number; limitedBy: Completion['limitedBy'] }> {
  const throttles = [
    { intervalMs: rules.intervalMs, limitedBy: 'campaign' as const },
    ...channels.map((channel) => ({
      intervalMs: intervalOf(rules.shared.channels?.[channel]),
      limitedBy: 'channel' as const,
    })),
    { intervalMs: intervalOf(rules.shared.total), limitedBy: 'total' as const },
  ];
  const slowest = throttles.reduce((a, b) => (b.intervalMs > a.intervalMs ? b : a));
  if (slowest.intervalMs > 0) return slowest;
  const measured = await measuredInterval(scope, campaign);
  return measured === undefined
    ? { intervalMs: 3_600_000 / ASSUMED_PER_HOUR, limitedBy: 'assumed' }
    : { intervalMs: measured, limitedBy: 'measured' };
}

/** Ms between the campaign's latest messages; undefined when there are too few. */
async function measuredInterval(scope: Scope, campaign: number): Promise<number | undefined> {
  const rows = await scope.all<{ settled_at: number }>(
    `SELECT m.settled_at FROM marketing_messages m
     WHERE m.tenant_id = :tenant AND m.campaign_id = :campaign AND m.state = 'sent' ORDER BY m.id DESC LIMIT ${MEASURED}`,
    { campaign },
  );
  const times = rows.map(({ settled_at }) => settled_at);
  const span = Math.max(...times) - Math.min(...times);
  return times.length < 20 || span <= 0 ? undefined : span / (times.length - 1);
}

async function waitingByZone(db: Scope, campaign: number, rules: EffectiveRules): Promise<ZoneGroup[]> {
  const rows = await db.all<{ time_zone: string | null; country: string | null; people: number }>(
    `SELECT l.time_zone, l.country, COUNT(*) AS people FROM marketing_campaigns c
     JOIN marketing_stations t ON t.tenant_id = :tenant AND t.definition_key = c.definition_key AND t.kind IN ('send', 'trigger')
     JOIN marketing_steps s ON s.tenant_id = :tenant AND s.station_id = t.id AND s.campaign_id = c.id
       AND s.state IN ('waiting', 'working', 'paused', 'released')
     JOIN marketing_leads l ON l.tenant_id = :tenant AND l.id = s.lead_id
     WHERE c.tenant_id = :tenant AND c.id = :campaign AND (t.kind = 'trigger' OR s.state <> 'released')
     GROUP BY l.time_zone, l.country`,
    { campaign },
  );
  const groups = new Map<string, { zone: IANAZone; people: number }>();
  for (const { time_zone, country, people } of rows) {
    const { zone } = zoneOf({ timeZone: time_zone, country }, rules.timeZone);
    const known = groups.get(zone.name);
    if (known) known.people += Number(people);
    else groups.set(zone.name, { zone, people: Number(people) });
  }
  return [...groups.values()];
}
