import { lockCampaigns, OPEN_STATES } from '../ledger';
import type { Scope } from '../store';
import { underWay } from './plan';
import type { Campaign, CampaignState } from './types';

/** People who are parked, called back or ended in one transaction. */
const CHUNK = 5_000;
/** For how long after a change it is looked whether anybody slipped through, ms. */
const AFTERMATH_MS = 600_000;

type Which = Pick<Campaign, 'id' | 'state' | 'definition'>;

/** The stations of a campaign's definition: what the index on steps begins with. */
const STATIONS = `(SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.definition_key = :definition)`;
const OPEN = OPEN_STATES.map((state) => `'${state}'`).join(', ');

/**
 * Takes the waiting people of a paused campaign out of the queue's way, or puts those of a resumed one back.
 * Correctness does not hang on it (stations look at the campaign's state before they take anybody); it keeps a large
 * paused campaign from slowing down the others at the same station. A crash in the middle is harmless:
 * {@link parkUnfinished} goes on.
 */
export async function parkPeople(scope: Scope, campaign: Which): Promise<void> {
  const [from, to] = parking(campaign.state);
  for (;;) {
    const moved = await scope.transaction(async (tx) => {
      // Held until the commit: paused and resumed in quick succession, the later call waits, and then knows better.
      const states = await lockCampaigns(tx, [campaign.id]);
      if (states.get(campaign.id) !== campaign.state) return 0;
      const rows = await tx.all<{ id: number }>(
        `SELECT s.id FROM marketing_steps s
         WHERE s.tenant_id = :tenant AND s.campaign_id = :campaign AND s.state = :from AND s.station_id IN ${STATIONS}
         LIMIT ${CHUNK}`,
        { campaign: campaign.id, from, definition: campaign.definition },
      );
      if (rows.length === 0) return 0;
      return tx.run(
        tx.dialect.updateFrom(
          'marketing_steps',
          tx.dialect.rows('rows', { step: 'int' }, 'r'),
          'state = :to',
          'marketing_steps.id = r.step AND tenant_id = :tenant AND state = :from',
        ),
        { from, to, rows: JSON.stringify(rows.map(({ id }) => [id])) },
      );
    });
    if (moved === 0) break;
    await turn();
  }
  await done(scope, campaign);
}

/**
 * Ends everybody who is under way with a campaign that is over (or rests until its next run), a chunk at a time. Not whom a station works
 * on at this moment: that is finished, and ends by itself; nor whom somebody has to decide about. A crash in the middle
 * is harmless: nobody of such a campaign is begun with, and {@link parkUnfinished} goes on.
 */
export async function endPeople(scope: Scope, campaign: Which): Promise<void> {
  let cancelled: number;
  do {
    cancelled = 0;
    let page: EndedPage | undefined = { cancelled: 0, last: { run: -1, id: 0 } };
    while (page?.last) {
      page = await endPage(scope, campaign, page.last);
      cancelled += page?.cancelled ?? 0;
      await turn();
    }
    // Once more when there was somebody: a step that was handed over meanwhile has its successor behind our back.
  } while (cancelled > 0);
  await done(scope, campaign);
}

interface EndedPage {
  cancelled: number;
  /** Where the next page begins; undefined when there is none. */
  last?: { run: number; id: number };
}

async function endPage(
  scope: Scope,
  campaign: Which,
  after: { run: number; id: number },
): Promise<EndedPage | undefined> {
  return scope.transaction(async (tx) => {
    const states = await lockCampaigns(tx, [campaign.id]);
    if (states.get(campaign.id) !== campaign.state) return undefined;
    const { dialect } = tx;
    const now = tx.clock.now();
    const reason = `the campaign was ${campaign.state}`;
    // In the order of the index (campaign, state, run, id).
    const people = await tx.all<{ id: number; run: number }>(
      `SELECT e.id, e.run FROM marketing_enrollments e
       WHERE e.tenant_id = :tenant AND e.campaign_id = :campaign AND e.state = 'active'
         AND e.run >= :run AND (e.run > :run OR e.id > :after)
       ORDER BY e.run, e.id LIMIT ${CHUNK}`,
      { campaign: campaign.id, run: after.run, after: after.id },
    );
    if (people.length === 0) return { cancelled: 0 };
    const rows = JSON.stringify(people.map(({ id }) => [id]));
    const chosen = dialect.rows('rows', { enrollment: 'int' }, 'r');
    const cancelled = await tx.run(
      dialect.updateFrom(
        'marketing_steps',
        chosen,
        `state = 'cancelled', reason = :reason, updated_at = :now`,
        `marketing_steps.enrollment_id = r.enrollment AND tenant_id = :tenant
         AND state IN ('waiting', 'released', 'branching', 'paused', 'orphaned')`,
      ),
      { reason, now, rows },
    );
    await tx.run(
      dialect.updateFrom(
        'marketing_enrollments',
        chosen,
        `state = 'ended', reason = :reason, ended_at = :now`,
        `marketing_enrollments.id = r.enrollment AND tenant_id = :tenant AND state = 'active'
         AND NOT EXISTS (SELECT 1 FROM marketing_steps s WHERE s.tenant_id = :tenant
              AND s.enrollment_id = marketing_enrollments.id AND s.state IN (${OPEN}))`,
      ),
      { reason, now, rows },
    );
    const last = people.at(-1);
    return { cancelled, ...(last && people.length === CHUNK ? { last } : {}) };
  });
}

/**
 * Goes on with parking and ending that a crash interrupted, and looks after campaigns that were changed in the last
 * minutes: somebody may have come back into the queue since.
 */
export async function parkUnfinished(scope: Scope): Promise<void> {
  const rows = await scope.all<{ id: number; state: CampaignState; definition: string; parking: number }>(
    `SELECT c.id, c.state, c.definition_key AS definition, c.parking FROM (
       SELECT u.id FROM marketing_campaigns u WHERE u.tenant_id = :tenant AND u.parking = 1
       UNION SELECT u.id FROM marketing_campaigns u WHERE u.tenant_id = :tenant AND u.updated_at > :since AND u.run > 0) AS f
     ${scope.dialect.join} marketing_campaigns c ON c.id = f.id AND c.tenant_id = :tenant ORDER BY c.id`,
    { since: scope.clock.now() - AFTERMATH_MS },
  );
  for (const campaign of rows) {
    if (!underWay(campaign.state)) await endPeople(scope, campaign);
    else if (campaign.parking === 1 || (await anybodyMisplaced(scope, campaign))) await parkPeople(scope, campaign);
  }
}

async function anybodyMisplaced(scope: Scope, campaign: Which): Promise<boolean> {
  const [from] = parking(campaign.state);
  const found = await scope.background((db) =>
    db.get(
      `SELECT s.id FROM marketing_steps s
       WHERE s.tenant_id = :tenant AND s.campaign_id = :campaign AND s.state = :from AND s.station_id IN ${STATIONS} LIMIT 1`,
      { campaign: campaign.id, from, definition: campaign.definition },
    ),
  );
  return found !== undefined;
}

/** From which state into which the people of an active or paused campaign are put. */
function parking(state: CampaignState): readonly [from: string, to: string] {
  return state === 'paused' ? ['waiting', 'paused'] : ['paused', 'waiting'];
}

/** Lets others have a turn of the event loop: SQLite's statements run in it, one after another. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function done(scope: Scope, campaign: Which): Promise<void> {
  await scope.run(
    `UPDATE marketing_campaigns SET parking = 0 WHERE tenant_id = :tenant AND id = :id AND state = :state AND parking = 1`,
    { id: campaign.id, state: campaign.state },
  );
}
