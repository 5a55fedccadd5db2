import type { Campaign } from '../../campaigns';
import { ConflictError } from '../../errors';
import { storable, type Scope } from '../../store';
import { changedParts, type Fingerprint } from './fingerprint';
import { insertApproval, lockLatest, readApproval, stationSubject, type KeptApproval } from './rows';
import { settleTerms } from './terms';
import { openSeats, tellOf } from './telling';
import { barredFrom } from './seats';
import type { ApprovalState, ApprovalTerms } from './types';

/** What a new request is about. */
export interface Asked {
  readonly campaign: Campaign;
  readonly station?: number;
  readonly terms: ApprovalTerms;
  readonly fingerprint: Fingerprint;
  readonly audience?: number;
  readonly by: string;
  readonly comment?: string;
}

/** What the requests for a launch of a campaign, or for its people at a station, have in common. */
export function subjectOf({ campaign, station }: Pick<Asked, 'campaign' | 'station'>): string {
  return station === undefined ? 'launch' : stationSubject(station, campaign.run);
}

/** Opens a request in the caller's transaction, after the last one for the same; one that somebody else opens at the same moment serves as well. */
export async function openRequest(tx: Scope, asked: Asked, last: KeptApproval | undefined): Promise<KeptApproval> {
  const { campaign, station, fingerprint, audience, by, comment } = asked;
  // A node asks for whoever launched the campaign; that one may not decide either, where it is known who it was.
  const barred = barredFrom(campaign, station === undefined ? { requestedBy: by } : {});
  const terms = settleTerms(asked.terms, barred, station === undefined);
  const subject = subjectOf(asked);
  const id = await insertApproval(tx, {
    ...{ campaign: campaign.id, subject, terms, fingerprint, requestedBy: by },
    ...(station === undefined ? {} : { station }),
    ...(audience === undefined ? {} : { audience }),
    ...(comment === undefined ? {} : { comment }),
    ...(campaign.owner === undefined ? {} : { owner: campaign.owner }),
    run: station === undefined ? campaign.run + 1 : campaign.run,
    round: (last?.round ?? 0) + 1,
  });
  if (id === undefined) {
    const theirs = await lockLatest(tx, campaign.id, subject);
    if (theirs) return theirs;
    throw new ConflictError('E_CONFLICT', 'Somebody else asks for the same approval at this moment.', {
      retryable: true,
    });
  }
  const made = await readApproval(tx, id);
  await tellOf(tx, 'requested', made, {
    campaign,
    actor: by,
    facts: {
      strategy: made.strategy,
      ...(made.quorum === undefined ? {} : { quorum: made.quorum }),
      ...(audience === undefined ? {} : { audience }),
      ...(made.dueAt === undefined ? {} : { dueAt: made.dueAt }),
      approvers: openSeats(made),
    },
    kept: { hash: made.hash, ...(comment === undefined ? {} : { comment }) },
  });
  return made;
}

/** Ends a request, which must be locked and pending (or approved, to be voided). People who wait for a decision are woken after the commit. */
export async function closeRequest(
  tx: Scope,
  approval: KeptApproval,
  {
    campaign,
    state,
    by,
    reason,
    facts,
  }: {
    campaign: Campaign;
    state: Exclude<ApprovalState, 'pending'>;
    by: string;
    reason?: string;
    facts?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const wakes = approval.station !== undefined && (state === 'approved' || state === 'rejected' || state === 'expired');
  await tx.run(
    `UPDATE marketing_approvals SET state = :state, decided_by = :by, decided_at = :now, reason = :reason, waking = :waking,
            version = version + 1
     WHERE tenant_id = :tenant AND id = :id`,
    {
      id: approval.id,
      state,
      by: storable(by, 128),
      now: tx.clock.now(),
      reason: reason === undefined ? null : storable(reason, 500),
      waking: wakes ? 1 : 0,
    },
  );
  await tellOf(tx, state, approval, {
    campaign,
    actor: by,
    facts: { ...(reason === undefined ? {} : { reason }), ...facts },
  });
}

/** Voids a request when what it was about has changed since; true when it did. The request must be locked, pending or approved. */
export async function voidWhenChanged(
  tx: Scope,
  approval: KeptApproval,
  { campaign, fingerprint, by }: { campaign: Campaign; fingerprint: Fingerprint; by: string },
): Promise<boolean> {
  if (approval.hash === fingerprint.hash) return false;
  const changed = changedParts(approval.parts, fingerprint.parts);
  await closeRequest(tx, approval, {
    ...{ campaign, by, state: 'voided', facts: { changed, was: approval.state } },
    reason: `changed since it was asked for: ${changed.join(', ')}`,
  });
  return true;
}
