import { readCampaign } from '../../campaigns';
import { wakeSteps, type ArrivedStep } from '../../ledger';
import { parseJson, type Scope } from '../../store';
import type { ApprovalDeps } from './deps';
import { fingerprintOf } from './fingerprint';
import { lockApproval, lockLatest, readApproval, stationSubject, type KeptApproval } from './rows';
import { openRequest, voidWhenChanged } from './transitions';
import type { ApprovalTerms } from './types';

/** Outputs of an approval station. */
export const APPROVAL_PORTS = { approved: 0, rejected: 1, expired: 2 } as const;
/** People who wait have no time of their own: the request has. This is when they would go on if it were forgotten, which is never. */
export const WAIT_MS = 100 * 365 * 86_400_000;
/** Enrollments that are looked at in one transaction when people are woken. */
const CHUNK = 500;

/** What people carry on, as `msg.approval`. */
export interface ApprovalOutcome {
  readonly id: number;
  readonly decision: 'approved' | 'rejected' | 'timed out';
  /** Who voted, or who decided. */
  readonly by: readonly string[];
  readonly comments: readonly { readonly by: string; readonly decision: string; readonly comment: string }[];
  readonly decidedAt?: number;
}

/** People who have arrived at an approval station: they wait for the request of their campaign and run, or go on at once with its decision. */
export async function joinRequests(
  deps: ApprovalDeps,
  tx: Scope,
  station: number,
  steps: readonly Pick<ArrivedStep, 'id' | 'campaign'>[],
): Promise<KeptApproval[]> {
  const fresh: KeptApproval[] = [];
  const terms = await termsOf(tx, station);
  // Always in the same order, so that nobody waits in a circle.
  for (const id of [...new Set(steps.map(({ campaign }) => campaign))].sort((a, b) => a - b)) {
    const { approval, isNew } = await standingOf(deps, tx, station, id, terms);
    if (isNew) fresh.push(approval);
    if (approval.state === 'pending') continue;
    await wakeSteps(
      tx,
      wokenBy(
        approval,
        steps.filter(({ campaign }) => campaign === id).map((step) => step.id),
      ),
    );
  }
  return fresh;
}

/** The request that counts for a campaign's people at a station now, locked; asked for where there is none that does. */
async function standingOf(
  deps: ApprovalDeps,
  tx: Scope,
  station: number,
  id: number,
  terms: ApprovalTerms,
): Promise<{ approval: KeptApproval; isNew: boolean }> {
  const campaign = await readCampaign(tx, id);
  const last = await lockLatest(tx, id, stationSubject(station, campaign.run));
  const fingerprint = await fingerprintOf(tx, campaign);
  if (last && last.state !== 'voided' && last.state !== 'withdrawn') {
    const by = 'system:approval';
    const open = last.state === 'pending' || last.state === 'approved';
    const changed = open
      ? await voidWhenChanged(tx, last, { campaign, fingerprint, by })
      : last.hash !== fingerprint.hash;
    if (!changed) return { approval: last, isNew: false };
  }
  return {
    approval: await openRequest(tx, { campaign, station, terms, fingerprint, by: 'system:approval' }, last),
    isNew: true,
  };
}

/** What the node says about who decides; kept on the station's row at deploy. */
async function termsOf(tx: Scope, station: number): Promise<ApprovalTerms> {
  const row = await tx.get<{ config: unknown }>(
    `SELECT config FROM marketing_stations WHERE tenant_id = :tenant AND id = :station`,
    { station },
  );
  return parseJson<{ approval?: ApprovalTerms }>(row?.config, {}).approval ?? {};
}

function wokenBy(
  approval: KeptApproval,
  steps: readonly number[],
): { step: number; port: number; outcome: ApprovalOutcome }[] {
  const outcome = outcomeOf(approval);
  const port = approval.state === 'approved' ? 0 : approval.state === 'rejected' ? 1 : 2;
  return steps.map((step) => ({ step, port, outcome }));
}

/** What people learn of a decision. */
export function outcomeOf(approval: KeptApproval): ApprovalOutcome {
  const votes = approval.seats.filter((seat) => seat.decision !== undefined);
  const decision = approval.state === 'approved' || approval.state === 'rejected' ? approval.state : 'timed out';
  return {
    id: approval.id,
    decision,
    by: [...new Set(votes.map(({ votedBy }) => votedBy ?? ''))],
    comments: votes.flatMap(({ votedBy = '', decision: vote = '', comment }) =>
      comment === undefined || comment === '' ? [] : [{ by: votedBy, decision: vote, comment }],
    ),
    ...(approval.decidedAt === undefined ? {} : { decidedAt: approval.decidedAt }),
  };
}

/**
 * Has everybody go on who waits for a request that is over: in chunks, so that a decision about very many people holds up nobody. The request
 * says that it is not done yet, so that after a crash somebody else goes on; those who were woken are due and not woken twice.
 */
export async function wakePeople(deps: ApprovalDeps, id: number): Promise<void> {
  for (let after: number | undefined = 0; after !== undefined;) {
    const from: number = after;
    after = await deps.scope.transaction((tx) => wakeChunk(deps, tx, id, from));
  }
}

/** @returns the last enrollment that was looked at, when there may be others */
async function wakeChunk(deps: ApprovalDeps, tx: Scope, id: number, after: number): Promise<number | undefined> {
  const approval = await readApproval(tx, id);
  if (approval.station === undefined || ['pending', 'voided', 'withdrawn'].includes(approval.state)) return undefined;
  const rows = await tx.all<{ enrollment: number; step: number | null }>(
    `SELECT e.id AS enrollment, s.id AS step
     FROM (SELECT n.id FROM marketing_enrollments n
           WHERE n.tenant_id = :tenant AND n.campaign_id = :campaign AND n.state = 'active' AND n.run = :run AND n.id > :after
           ORDER BY n.id LIMIT ${CHUNK}) e
     LEFT JOIN marketing_steps s ON s.tenant_id = :tenant AND s.enrollment_id = e.id AND s.station_id = :station
          AND s.state IN ('waiting', 'paused') AND s.due_at > :now
     ORDER BY e.id`,
    { campaign: approval.campaign, run: approval.run, station: approval.station, after, now: tx.clock.now() },
  );
  const steps = rows.flatMap(({ step }) => (step === null ? [] : [step]));
  await wakeSteps(tx, wokenBy(approval, steps));
  const { station } = approval;
  if (steps.length > 0) tx.afterCommit(() => deps.wakeStation(station));
  const last = rows.at(-1);
  if (last && new Set(rows.map(({ enrollment }) => enrollment)).size === CHUNK) return last.enrollment;
  await tx.run(`UPDATE marketing_approvals SET waking = 0 WHERE tenant_id = :tenant AND id = :id`, { id });
  return undefined;
}

/**
 * People who wait at a station whose request was voided, in campaigns that go on: somebody is asked anew.
 * @returns the new requests
 */
export async function askAnew(deps: ApprovalDeps): Promise<KeptApproval[]> {
  const rows = await deps.scope.all<{ id: number; station_id: number; campaign_id: number }>(
    `SELECT a.id, a.station_id, a.campaign_id FROM marketing_approvals a
     JOIN marketing_campaigns c ON c.tenant_id = :tenant AND c.id = a.campaign_id AND c.state = 'active' AND c.run = a.run
     WHERE a.tenant_id = :tenant AND a.state = 'voided' AND a.station_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM marketing_approvals n
                       WHERE n.tenant_id = :tenant AND n.campaign_id = a.campaign_id AND n.subject = a.subject AND n.round > a.round)
       AND EXISTS (SELECT 1 FROM marketing_enrollments e
                   JOIN marketing_steps s ON s.tenant_id = :tenant AND s.enrollment_id = e.id AND s.station_id = a.station_id
                   WHERE e.tenant_id = :tenant AND e.campaign_id = a.campaign_id AND e.state = 'active'
                     AND s.state = 'waiting' AND s.due_at > :now)
     ORDER BY a.id LIMIT 100`,
    { now: deps.scope.clock.now() },
  );
  const fresh: KeptApproval[] = [];
  for (const { id, station_id: station, campaign_id: campaign } of rows) {
    const asked = await deps.scope.transaction(async (tx) => {
      if ((await lockApproval(tx, id)).state !== 'voided') return undefined;
      const { approval, isNew } = await standingOf(deps, tx, station, campaign, await termsOf(tx, station));
      return isNew ? approval : undefined;
    });
    if (asked) fresh.push(asked);
  }
  return fresh;
}
