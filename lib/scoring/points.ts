import { storable, type Scope } from '../store';
import { DAY_MS, standing, type Decay } from './decay';
import type { CapPeriod } from './types';

/** Points to be written: a row of marketing_score_points. */
export interface Points {
  readonly lead: number;
  /** 0: of no rule. */
  readonly rule: number;
  readonly version: number;
  readonly eventId: string;
  readonly event: string;
  /** Who gave them, where it was no rule. */
  readonly source?: string;
  readonly given: number;
  readonly at: number;
  readonly decay?: Decay;
  /** False: they are part of the base, and nothing takes them away. */
  readonly live: boolean;
}

const ROW = {
  lead: 'int',
  rule: 'int',
  of_version: 'int',
  event_key: 'text',
  of_event: 'text',
  given_by: 'text',
  points: 'real',
  left_over: 'real',
  given_at: 'int',
  fades: 'text',
  fades_ms: 'int',
  due: 'int',
} as const;

/** What writing points came to. */
export interface Written {
  /** By lead: what its score moves by. */
  readonly deltas: Map<number, number>;
  /** When the first of them will be fewer; undefined: never. */
  readonly due: number | undefined;
}

/** Writes points as they stand now. Whoever calls has made sure that they are new, and locked the leads. */
export async function writePoints(tx: Scope, list: readonly Points[]): Promise<Written> {
  const deltas = new Map<number, number>();
  let due: number | undefined;
  if (list.length === 0) return { deltas, due };
  const now = tx.clock.now();
  const rows = list.map(({ lead, rule, version, eventId, event, source, given, at, decay, live }) => {
    const stands = live ? standing(given, at, decay, now) : { live: 0, dueAt: null };
    // What is part of the base moves the score by itself.
    const moved = live ? stands.live : 0;
    deltas.set(lead, (deltas.get(lead) ?? 0) + moved);
    if (stands.dueAt !== null) due = Math.min(due ?? Infinity, stands.dueAt);
    return [
      lead,
      rule,
      version,
      eventId,
      event,
      source === undefined ? null : storable(source, 128),
      given,
      stands.live,
      at,
      decay?.kind ?? null,
      decay?.ms ?? null,
      stands.dueAt,
    ];
  });
  await tx.run(
    `INSERT INTO marketing_score_points
       (tenant_id, lead_id, rule_id, rule_version, event_id, event, source, given, live, at, decay, decay_ms, due_at)
     SELECT :tenant, r.lead, r.rule, r.of_version, r.event_key, r.of_event, r.given_by, r.points, r.left_over, r.given_at, r.fades, r.fades_ms, r.due
     FROM ${tx.dialect.rows('rows', ROW, 'r')} WHERE 1 = 1`,
    { rows: JSON.stringify(rows) },
  );
  return { deltas, due };
}

/** Which of these have been given before, as `rule event`. */
export async function knownPoints(
  tx: Scope,
  list: readonly { readonly rule: number; readonly eventId: string }[],
): Promise<Set<string>> {
  if (list.length === 0) return new Set();
  const rows = await tx.all<{ rule_id: number; event_id: string }>(
    `SELECT p.rule_id, p.event_id FROM ${tx.dialect.rows('rows', { rule: 'int', event_key: 'text' }, 'r')}
     ${tx.dialect.join} marketing_score_points p ON p.tenant_id = :tenant AND p.rule_id = r.rule AND p.event_id = r.event_key`,
    { rows: JSON.stringify(list.map(({ rule, eventId }) => [rule, eventId])) },
  );
  return new Set(rows.map((row) => `${row.rule_id} ${row.event_id}`));
}

/** A period of a cap, for one lead and rule. */
export interface CapRoom {
  readonly lead: number;
  readonly rule: number;
  readonly from: number;
  readonly until: number;
}

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * DAY_MS;
/** 1970 began on a Thursday. */
const MONDAY = 3 * DAY_MS;
const ALWAYS = 9e15;

/** The period of a cap that a moment lies in: from, and until (not included), ms since 1970. */
export function periodOf(per: CapPeriod, at: number): { from: number; until: number } {
  switch (per) {
    case 'hour':
      return whole(at, HOUR_MS, 0);
    case 'day':
      return whole(at, DAY_MS, 0);
    case 'week':
      return whole(at, WEEK_MS, MONDAY);
    case 'total':
      return { from: -ALWAYS, until: ALWAYS };
  }
}

function whole(at: number, length: number, shift: number): { from: number; until: number } {
  const from = Math.floor((at + shift) / length) * length - shift;
  return { from, until: from + length };
}

/** What rules have given within periods, and what of it is live, by {@link roomKey}. */
export async function givenWithin(
  tx: Scope,
  rooms: readonly CapRoom[],
): Promise<Map<string, { given: number; live: number }>> {
  if (rooms.length === 0) return new Map();
  const rows = await tx.all<{ lead: number; rule: number; period: number; given: number; live: number }>(
    `SELECT r.lead, r.rule, r.period_from AS period, SUM(p.given) AS given, SUM(p.live) AS live
     FROM ${tx.dialect.rows('rows', { lead: 'int', rule: 'int', period_from: 'int', period_until: 'int' }, 'r')}
     ${tx.dialect.join} marketing_score_points p ON p.tenant_id = :tenant AND p.lead_id = r.lead AND p.rule_id = r.rule
       AND p.at >= r.period_from AND p.at < r.period_until
     GROUP BY r.lead, r.rule, r.period_from`,
    { rows: JSON.stringify(rooms.map(({ lead, rule, from, until }) => [lead, rule, from, until])) },
  );
  return new Map(
    rows.map(({ lead, rule, period, given, live }) => [
      roomKey({ lead, rule, from: Number(period) }),
      { given: Number(given), live: Number(live) },
    ]),
  );
}

export function roomKey({ lead, rule, from }: Pick<CapRoom, 'lead' | 'rule' | 'from'>): string {
  return `${lead} ${rule} ${from}`;
}
