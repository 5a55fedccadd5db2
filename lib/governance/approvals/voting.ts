import type { Actor } from '../../access';
import { readCampaign, type Campaign } from '../../campaigns';
import { ConflictError, type MarketingError } from '../../errors';
import type { Scope } from '../../store';
import { delegationsInForce, isSamePerson } from '../delegation';
import type { ApprovalDeps } from './deps';
import { fingerprintOf } from './fingerprint';
import { lockApproval, readApproval, type KeptApproval } from './rows';
import { mustBeApprover, placeFor, voterOf, type Place, type Voter } from './seats';
import { verdictOf } from './strategies';
import { tellOf } from './telling';
import { closeRequest, voidWhenChanged } from './transitions';
import type { Approver, Decision } from './types';

/** A vote. */
export interface Vote {
  readonly decision: Decision;
  readonly comment?: string;
  /** Whose vote it is, where somebody has more than one: an approver of the request. */
  readonly for?: Pick<Approver, 'kind' | 'approver'>;
}

/** Who votes, and through which door. */
export interface VoteOptions {
  readonly actor?: Actor;
  /** Who votes through a trusted program. */
  readonly as?: string;
  /** A link's vote: for this version of this seat. */
  readonly link?: { readonly seat: number; readonly version: number };
}

/** What a vote has done. */
export interface Voted {
  readonly approval: KeptApproval;
  /** False: the same person had said the same before. */
  readonly counted: boolean;
}

/**
 * One vote, in one transaction with what follows from it. What was asked about is looked at once more: a request about something else than
 * what is there now is voided, and that is kept although the vote is refused.
 */
export async function castVote(deps: ApprovalDeps, id: number, vote: Vote, options: VoteOptions): Promise<Voted> {
  mustBeApprover(options.actor);
  const voter = voterOf(options.actor, options.as);
  const { outcome, refusal } = await deps.scope.transaction(async (tx) => {
    const approval = await lockApproval(tx, id);
    mustBePending(approval, tx.clock.now());
    const campaign = await readCampaign(tx, approval.campaign);
    const place = await placeOf(tx, voter, approval, campaign, vote, options);
    const fingerprint = await fingerprintOf(tx, campaign);
    if (await voidWhenChanged(tx, approval, { campaign, fingerprint, by: voter.id })) {
      return { refusal: voided(await readApproval(tx, id)) };
    }
    return { outcome: await count(tx, approval, { campaign, place, voter, vote }) };
  });
  if (!outcome) throw refusal;
  return outcome;
}

async function placeOf(
  tx: Scope,
  voter: Voter,
  approval: KeptApproval,
  campaign: Campaign,
  vote: Vote,
  { link }: VoteOptions,
): Promise<Place> {
  const seat = link && approval.seats.find((one) => one.seat === link.seat);
  if (link && seat?.version !== link.version) {
    throw new ConflictError('E_APPROVAL_LINK_USED', 'This link has been used: each one is for one vote.', {
      details: { approval: approval.id, state: approval.state },
    });
  }
  return placeFor(voter, approval, { campaign, links: await delegationsInForce(tx), wanted: seat ?? vote.for });
}

async function count(
  tx: Scope,
  approval: KeptApproval,
  { campaign, place, voter, vote }: { campaign: Campaign; place: Place; voter: Voter; vote: Vote },
): Promise<Voted> {
  const { seat, path } = place;
  const { decision, comment } = vote;
  const again = seat.decision === decision && isSamePerson(seat.votedBy ?? '', voter.id);
  if (again && (comment === undefined || comment === seat.comment)) return { approval, counted: false };
  await tx.run(
    `UPDATE marketing_approval_seats SET decision = :decision, voted_by = :voter, voted_at = :now, comment = :comment,
            version = version + 1
     WHERE tenant_id = :tenant AND approval_id = :approval AND seat = :seat`,
    {
      approval: approval.id,
      seat: seat.seat,
      decision,
      voter: voter.id.slice(0, 128),
      now: tx.clock.now(),
      comment: comment ?? null,
    },
  );
  await tx.run(`UPDATE marketing_approvals SET version = version + 1 WHERE tenant_id = :tenant AND id = :id`, {
    id: approval.id,
  });
  const after = await readApproval(tx, approval.id);
  const votes = after.seats.filter((one) => one.decision !== undefined).length;
  await tellOf(tx, 'voted', approval, {
    campaign,
    actor: voter.id,
    facts: {
      decision,
      approver: `${seat.kind}:${seat.approver}`,
      ...(path ? { delegated: path } : {}),
      ...(seat.decision === undefined ? {} : { instead: seat.decision }),
      votes,
      seats: after.seats.length,
    },
    kept: comment === undefined ? {} : { comment },
  });
  const verdict = verdictOf(after.strategy, after.seats, after.quorum);
  if (verdict === 'pending') return { approval: after, counted: true };
  await closeRequest(tx, after, { campaign, state: verdict, by: voter.id });
  return { approval: await readApproval(tx, approval.id), counted: true };
}

/** @throws ConflictError `E_APPROVAL_DECIDED`, `E_APPROVAL_EXPIRED`, `E_APPROVAL_VOIDED` */
export function mustBePending(approval: KeptApproval, now: number): void {
  const { id, state, dueAt, decidedBy } = approval;
  switch (state) {
    case 'pending':
      if (dueAt === undefined || dueAt > now) return;
      throw expired(approval);
    case 'expired':
      throw expired(approval);
    case 'voided':
      throw voided(approval);
    case 'approved':
    case 'rejected':
    case 'withdrawn':
      throw new ConflictError(
        'E_APPROVAL_DECIDED',
        `This request is ${state} already${decidedBy === undefined ? '' : ` (${decidedBy})`}: nothing was changed.`,
        { details: { approval: id, state } },
      );
  }
}

function expired({ id }: KeptApproval): MarketingError {
  return new ConflictError('E_APPROVAL_EXPIRED', 'The time to decide is over. Ask for the approval once more.', {
    details: { approval: id, state: 'expired' },
  });
}

function voided({ id, reason }: KeptApproval): MarketingError {
  return new ConflictError(
    'E_APPROVAL_VOIDED',
    `The campaign has ${reason ?? 'changed since it was asked for'}: nobody can decide about what was. Ask for the approval once more.`,
    { details: { approval: id, state: 'voided' } },
  );
}
