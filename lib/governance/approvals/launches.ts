import type { Campaign } from '../../campaigns';
import type { Scope } from '../../store';
import type { ApprovalDeps } from './deps';
import { fingerprintOf } from './fingerprint';
import { readApprovals, lockApproval } from './rows';
import { closeRequest, voidWhenChanged } from './transitions';

/** Whether a launch has been approved; if not, why not, as the end of a sentence. */
export interface LaunchApproval {
  readonly granted: boolean;
  readonly why?: string;
  readonly approval?: number;
}

/** How much an audience may have grown since it was approved: a tenth. More is something else than what people have looked at. */
export const GROWTH = 1.1;

/**
 * Whether the launch of a campaign was approved as it is now: the same fingerprint, and not many more people. An approval counts for each
 * launch until something changes, so that a campaign that starts every week is asked about once.
 */
export async function launchApproval(
  deps: ApprovalDeps,
  campaign: Campaign,
  people: number | undefined,
): Promise<LaunchApproval> {
  const [last] = await readApprovals(
    deps.scope,
    `a.campaign_id = :campaign AND a.subject = 'launch' ORDER BY a.round DESC LIMIT 1`,
    { campaign: campaign.id },
  );
  if (!last) return { granted: false, why: 'nobody has asked for an approval yet' };
  const about = { approval: last.id };
  if (last.state === 'pending') return { granted: false, ...about, why: `the request ${last.id} is not decided yet` };
  if (last.state !== 'approved') return { granted: false, ...about, why: `the request ${last.id} was ${last.state}` };
  const fingerprint = await fingerprintOf(deps.scope, campaign);
  if (fingerprint.hash !== last.hash) {
    return { granted: false, ...about, why: `what the request ${last.id} was about has changed since` };
  }
  const most = last.audience === undefined ? undefined : Math.ceil(last.audience * GROWTH);
  if (most !== undefined && people !== undefined && people > most) {
    return { granted: false, ...about, why: `${last.audience} people were approved, and there are ${people} by now` };
  }
  return { granted: true, ...about };
}

/** Remembers what was launched, in the transaction of the launch. */
export async function keepLaunched(tx: Scope, campaign: Campaign): Promise<void> {
  const { hash } = await fingerprintOf(tx, campaign);
  await tx.run(`UPDATE marketing_campaigns SET launched_hash = :hash WHERE tenant_id = :tenant AND id = :id`, {
    id: campaign.id,
    hash,
  });
}

/** Whether audience, content, budget or variants are others than those that were launched. */
export async function changedSinceLaunch(db: Scope, campaign: Campaign): Promise<boolean> {
  const row = await db.get<{ launched_hash: string | null }>(
    `SELECT launched_hash FROM marketing_campaigns WHERE tenant_id = :tenant AND id = :id`,
    { id: campaign.id },
  );
  const launched = row?.launched_hash ?? undefined;
  return launched !== undefined && launched !== (await fingerprintOf(db, campaign)).hash;
}

/** After a change of a campaign, in its transaction: requests about what it was are voided. */
export async function voidChanged(deps: ApprovalDeps, tx: Scope, campaign: Campaign, by: string): Promise<void> {
  const open = await openOf(tx, campaign);
  if (open.length === 0) return;
  const fingerprint = await fingerprintOf(tx, campaign);
  for (const id of open) {
    const approval = await lockApproval(tx, id);
    if (approval.state !== 'pending' && approval.state !== 'approved') continue;
    if (await voidWhenChanged(tx, approval, { campaign, fingerprint, by })) {
      tx.afterCommit(() => void deps.timers.cancel('approval', String(id)).catch(() => undefined));
    }
  }
}

/** When a run is over, nobody waits for its decisions any more. */
export async function withdrawEnded(deps: ApprovalDeps, tx: Scope, campaign: Campaign, by: string): Promise<void> {
  const rows = await tx.all<{ id: number }>(
    `SELECT id FROM marketing_approvals
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND state = 'pending' AND station_id IS NOT NULL ORDER BY id`,
    { campaign: campaign.id },
  );
  for (const { id } of rows) {
    const approval = await lockApproval(tx, id);
    if (approval.state !== 'pending') continue;
    await closeRequest(tx, approval, { campaign, state: 'withdrawn', by, reason: `the run ${approval.run} is over` });
    tx.afterCommit(() => void deps.timers.cancel('approval', String(id)).catch(() => undefined));
  }
}

/** Requests that a change may void: for the launch, and for people of this run. */
async function openOf(tx: Scope, { id, run }: Campaign): Promise<number[]> {
  const rows = await tx.all<{ id: number }>(
    `SELECT a.id FROM marketing_approvals a
     WHERE a.tenant_id = :tenant AND a.campaign_id = :campaign AND a.state IN ('pending', 'approved')
       AND (a.station_id IS NULL OR a.run = :run)
       AND NOT EXISTS (SELECT 1 FROM marketing_approvals n
                       WHERE n.tenant_id = :tenant AND n.campaign_id = a.campaign_id AND n.subject = a.subject AND n.round > a.round)
     ORDER BY a.id`,
    { campaign: id, run },
  );
  return rows.map((row) => row.id);
}
