import type { Marketing } from '..';
import { CounterDeltas } from '../ledger';
import type { Scope } from '../store';
import { historyHolds, metricsAgree, moneyAgrees } from './record-checks';
import { number } from './screen';
import { workingRuntimes, type WorkingRuntime } from './runtimes';

/** What one check found, and what to do about it. */
export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly todo?: string;
}

/** Everything that is due is normally taken up within seconds. */
const LATE_MS = 60_000;
/** Longer than the time a person may be on a wire before the watchdog records that they left the flow. */
const ON_A_WIRE_MS = 10 * 60_000;

/** Looks at the data of one tenant. Changes nothing, except that the history is sealed. */
export async function examine(marketing: Marketing): Promise<Finding[]> {
  const { scope } = marketing;
  const runtimes = await workingRuntimes(scope);
  return [
    await journalMode(scope),
    await runtimesAtWork(scope, runtimes),
    await checkCounters(scope),
    await metricsAgree(scope),
    await moneyAgrees(marketing.roi),
    await historyHolds(scope),
    ...(await scope.background((db) => people(db, runtimes.length > 0))),
    await held(scope),
    await timers(marketing, runtimes.length > 0),
  ].filter((finding) => finding !== undefined);
}

async function journalMode(scope: Scope): Promise<Finding | undefined> {
  if (scope.dialect.name !== 'sqlite') return undefined;
  const row = await scope.get<{ journal_mode: string }>('PRAGMA journal_mode');
  const mode = row?.journal_mode ?? 'unknown';
  const check = 'Journal';
  if (mode === 'wal' || mode === 'memory') return { check, verdict: 'ok', found: mode };
  return {
    check,
    verdict: 'warn',
    found: mode,
    todo: 'Readers and writers wait for each other: put the file on a local disk, where SQLite can use its write-ahead log.',
  };
}

async function runtimesAtWork(scope: Scope, runtimes: readonly WorkingRuntime[]): Promise<Finding> {
  const check = 'Runtimes';
  if (runtimes.length > 0) {
    return { check, verdict: 'ok', found: runtimes.map(({ host, pid }) => `process ${pid} on ${host}`).join(', ') };
  }
  const active = await scope.get<{ campaigns: number }>(
    `SELECT COUNT(*) AS campaigns FROM marketing_campaigns WHERE tenant_id = :tenant AND state = 'active'`,
  );
  if (Number(active?.campaigns ?? 0) === 0)
    return { check, verdict: 'ok', found: 'none at work, and no campaign is active' };
  return {
    check,
    verdict: 'warn',
    found: 'none at work, although campaigns are active',
    todo: 'Start Node-RED, or "nexus-marketing start".',
  };
}

interface Difference {
  campaign: number;
  station: number;
  name: string;
  counted: number;
  rows: number;
}

const ENTERED = `SELECT s.campaign_id AS campaign, s.station_id AS station, 'entered' AS name, COUNT(*) AS people
  FROM marketing_steps s WHERE s.tenant_id = :tenant GROUP BY s.campaign_id, s.station_id`;
const SENT = `SELECT m.campaign_id AS campaign, s.station_id AS station, 'sent' AS name, COUNT(*) AS people
  FROM marketing_messages m JOIN marketing_steps s ON s.id = m.step_id AND s.tenant_id = :tenant
  WHERE m.tenant_id = :tenant AND m.state = 'sent' GROUP BY m.campaign_id, s.station_id`;

/**
 * Counters that differ from what they count. A campaign's sum decides: people who were moved to another step have entered at
 * one and stand at the other. Writers go on meanwhile, so a difference must be seen in one transaction.
 */
async function differences(scope: Scope): Promise<Difference[]> {
  return scope.background((db) =>
    db.transaction(async (tx) => {
      const rows = [...(await tx.all<Counted>(ENTERED)), ...(await tx.all<Counted>(SENT))];
      const counters = await tx.all<Counted>(
        `SELECT campaign_id AS campaign, station_id AS station, name, count AS people FROM marketing_counters
         WHERE tenant_id = :tenant AND name IN ('entered', 'sent')`,
      );
      const byStation = new Map<string, Difference>();
      const sums = new Map<string, number>();
      const add = ({ campaign, station, name, people }: Counted, side: 'counted' | 'rows'): void => {
        const key = `${campaign} ${station} ${name}`;
        const difference = byStation.get(key) ?? { campaign, station, name, counted: 0, rows: 0 };
        difference[side] += Number(people);
        byStation.set(key, difference);
        const sum = `${campaign} ${name}`;
        sums.set(sum, (sums.get(sum) ?? 0) + (side === 'counted' ? 1 : -1) * Number(people));
      };
      for (const row of counters) add(row, 'counted');
      for (const row of rows) add(row, 'rows');
      return [...byStation.values()].filter(
        ({ campaign, name, counted, rows: actual }) => sums.get(`${campaign} ${name}`) !== 0 && counted !== actual,
      );
    }),
  );
}

interface Counted {
  campaign: number;
  station: number;
  name: string;
  people: number;
}

async function checkCounters(scope: Scope): Promise<Finding> {
  const wrong = await differences(scope);
  if (wrong.length === 0) return { check: 'Counters', verdict: 'ok', found: 'equal to the rows they count' };
  const sample = wrong
    .slice(0, 3)
    .map(
      ({ campaign, station, name, counted, rows }) =>
        `campaign ${campaign}, station ${station}: ${name} says ${counted}, rows say ${rows}`,
    );
  return {
    check: 'Counters',
    verdict: 'fail',
    found: `${number(wrong.length)} differ (${sample.join('; ')})`,
    todo: 'Run "nexus-marketing doctor --fix".',
  };
}

/** Sets the counters to what the rows say. */
export async function fixCounters(scope: Scope): Promise<Finding> {
  const wrong = await differences(scope);
  await scope.transaction(async (tx) => {
    const deltas = new CounterDeltas();
    for (const { campaign, station, name, counted, rows } of wrong) deltas.add(campaign, station, name, rows - counted);
    await deltas.write(tx);
  });
  return {
    check: 'Repair',
    verdict: 'ok',
    found: wrong.length === 0 ? 'no counter had to be set' : `${number(wrong.length)} counters set`,
  };
}

async function people(db: Scope, atWork: boolean): Promise<Finding[]> {
  const now = db.clock.now();
  const stations = `(SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant)`;
  const active = `(SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.state = 'active')`;
  const count = async (text: string, values: Record<string, number> = {}): Promise<number> =>
    Number((await db.get<{ people: number }>(text, values))?.people ?? 0);
  const inState = (state: string): Promise<number> =>
    count(
      `SELECT COUNT(*) AS people FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.station_id IN ${stations} AND s.state = '${state}'`,
    );

  const forgotten = await count(
    `SELECT COUNT(*) AS people FROM marketing_enrollments e WHERE e.tenant_id = :tenant AND e.state = 'active' AND e.entered_at < :before
       AND NOT EXISTS (SELECT 1 FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.enrollment_id = e.id
         AND s.state IN ('waiting', 'working', 'released', 'branching', 'failed', 'unknown', 'orphaned', 'paused'))`,
    { before: now - LATE_MS },
  );
  const overdue = await count(
    `SELECT COUNT(*) AS people FROM marketing_steps s
       JOIN marketing_campaigns c ON c.id = s.campaign_id AND c.tenant_id = :tenant AND c.state = 'active' AND c.hold_reason IS NULL
      WHERE s.tenant_id = :tenant AND s.station_id IN ${active} AND s.state = 'waiting' AND s.due_at < :before`,
    { before: now - LATE_MS },
  );
  const adrift = await count(
    `SELECT COUNT(*) AS people FROM marketing_steps s
      WHERE s.tenant_id = :tenant AND s.station_id IN ${active} AND s.state IN ('released', 'branching') AND s.released_at < :before`,
    { before: now - ON_A_WIRE_MS },
  );
  const [orphaned, unknown, dead] = [await inState('orphaned'), await inState('unknown'), await inState('failed')];
  const restart = atWork ? 'See the log of the runtime.' : 'Start a runtime: it takes them up.';
  return [
    finding(
      'Next wake-up',
      forgotten,
      'under way with nothing that would wake them',
      'fail',
      atWork ? 'The watchdog heals this within minutes.' : restart,
    ),
    finding(
      'Due people',
      overdue,
      'overdue by more than a minute',
      'warn',
      atWork ? 'An account that is slow or rate-limited explains it; otherwise see the log.' : restart,
    ),
    finding('On a wire', adrift, 'sent on more than ten minutes ago and taken over by nobody', 'warn', restart),
    finding(
      'Orphans',
      orphaned,
      'at steps that are no longer in the flow',
      'warn',
      'List them with "nexus-marketing campaign orphans", then put the step back or move them.',
    ),
    finding(
      'In doubt',
      unknown,
      'whose message may or may not have gone out',
      'warn',
      'List them with "nexus-marketing campaign unknown KEY", then "campaign reconcile".',
    ),
    finding(
      'Dead letters',
      dead,
      'could not be served',
      'warn',
      'List them with "nexus-marketing campaign dead KEY", then "campaign retry".',
    ),
  ];
}

function finding(check: string, count: number, what: string, bad: 'warn' | 'fail', todo: string): Finding {
  if (count === 0) return { check, verdict: 'ok', found: 'nobody' };
  return { check, verdict: bad, found: `${number(count)} ${count === 1 ? 'person' : 'people'} ${what}`, todo };
}

async function held(scope: Scope): Promise<Finding> {
  const rows = await scope.all<{ campaign_key: string; hold_reason: string }>(
    `SELECT campaign_key, hold_reason FROM marketing_campaigns
     WHERE tenant_id = :tenant AND state = 'active' AND hold_reason IS NOT NULL ORDER BY campaign_key LIMIT 20`,
  );
  if (rows.length === 0) return { check: 'Held campaigns', verdict: 'ok', found: 'none' };
  return {
    check: 'Held campaigns',
    verdict: 'warn',
    found: rows.map(({ campaign_key, hold_reason }) => `${campaign_key}: ${hold_reason}`).join('; '),
    todo: 'They go on by themselves once the cause is gone.',
  };
}

async function timers(marketing: Marketing, atWork: boolean): Promise<Finding> {
  const all = await marketing.timers.list();
  const now = marketing.clock.now();
  const failing = all.filter((timer) => timer.failCount > 0);
  const late = all.filter((timer) => !timer.ringing && timer.at < now - LATE_MS);
  const check = 'Timers';
  if (failing.length > 0) {
    const [first] = failing;
    return {
      check,
      verdict: 'warn',
      found: `${number(failing.length)} of ${number(all.length)} fail: ${first?.kind} ${first?.key}: ${first?.failReason ?? ''}`,
      todo: 'They are tried again; see the log of the runtime.',
    };
  }
  if (late.length > 0) {
    return {
      check,
      verdict: 'warn',
      found: `${number(late.length)} of ${number(all.length)} are overdue by more than a minute`,
      todo: atWork ? 'See the log of the runtime.' : 'Start a runtime: what is due rings at once.',
    };
  }
  return { check, verdict: 'ok', found: `${number(all.length)} set, none overdue` };
}
