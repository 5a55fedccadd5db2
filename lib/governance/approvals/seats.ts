import { allows, type Actor } from '../../access';
import type { Campaign } from '../../campaigns';
import { ConflictError, ForbiddenError, NotFoundError } from '../../errors';
import { isSamePerson, pathBetween, type Link } from '../delegation';
import type { KeptApproval, KeptSeat } from './rows';
import type { Approver } from './types';

/** Somebody who votes. */
export interface Voter {
  readonly id: string;
  readonly roles: readonly string[];
  readonly teams: readonly string[];
  /** A trusted program vouches for them: they may take a role's or a team's seat that it names. */
  readonly vouched: boolean;
}

/** Where a vote goes. */
export interface Place {
  readonly seat: KeptSeat;
  /** From the approver to the voter, where it was delegated. */
  readonly path?: readonly string[];
}

/** The voter that an actor is; a trusted program may say who it is that votes through it. */
export function voterOf(actor: Actor | undefined, as: string | undefined): Voter {
  if (typeof actor === 'object') {
    return { id: actor.id, roles: actor.roles, teams: actor.teams ?? [], vouched: false };
  }
  return { id: as ?? actor ?? 'system', roles: [], teams: [], vouched: true };
}

/** Who may not decide about a campaign: nobody approves their own, and giving it away after it was asked for does not help. */
export function barredFrom(
  { owner, createdBy }: Pick<Campaign, 'owner' | 'createdBy'>,
  asked: { readonly requestedBy?: string; readonly owner?: string },
): string[] {
  return [owner, createdBy, asked.owner, asked.requestedBy].filter((name) => name !== undefined);
}

/**
 * The seat that somebody votes on: their own before a role's or a team's, those before one that was delegated to them; or the one that they
 * name.
 * @throws ForbiddenError `E_APPROVAL_SELF`, `E_APPROVAL_NOT_ASKED`; ConflictError `E_APPROVAL_VOTED`; NotFoundError `E_UNKNOWN_APPROVER`
 */
export function placeFor(
  voter: Voter,
  approval: KeptApproval,
  context: { campaign: Campaign; links: readonly Link[]; wanted?: Pick<Approver, 'kind' | 'approver'> | undefined },
): Place {
  const { campaign, wanted } = context;
  const barred = barredFrom(campaign, approval);
  if (barred.some((name) => isSamePerson(name, voter.id))) {
    throw new ForbiddenError(
      'E_APPROVAL_SELF',
      `Nobody approves their own campaign: ${voter.id} owns it, made it or asks for the approval. Somebody else has to decide.`,
      { details: { approval: approval.id } },
    );
  }
  const seats = wanted ? approval.seats.filter((seat) => isSeatOf(seat, wanted)) : approval.seats;
  if (wanted && seats.length === 0) {
    throw new NotFoundError('E_UNKNOWN_APPROVER', `${wanted.kind} "${wanted.approver}" is not asked in this request.`);
  }
  const places = seats
    .flatMap((seat) => placeAt(voter, seat, { ...context, barred, named: wanted !== undefined }))
    .sort((a, b) => rank(voter, a) - rank(voter, b));
  if (places.length === 0) throw notAsked(voter, approval);
  const given = approval.seats.find((seat) => isOwnVote(voter, seat));
  const left = places.filter(({ seat, path }) => !given || path !== undefined || seat.seat === given.seat);
  if (given && left.length === 0) throw votedAlready(approval, given, voter.id);
  const free = left.find(({ seat, path }) => mayVote(voter, seat, path));
  if (free) return free;
  const { seat } = left[0] as Place;
  throw votedAlready(approval, seat, seat.votedBy ?? 'Somebody else');
}

/** Everybody has one vote of their own, however many of the names, roles and teams that are asked are theirs. */
function isOwnVote(voter: Voter, seat: KeptSeat): boolean {
  if (seat.decision === undefined || !isSamePerson(seat.votedBy ?? '', voter.id)) return false;
  return seat.kind !== 'user' || isSamePerson(seat.approver, voter.id);
}

function votedAlready({ id }: KeptApproval, { kind, approver, votedBy }: KeptSeat, who: string): ConflictError {
  return new ConflictError('E_APPROVAL_VOTED', `${who} has voted for ${kind} "${approver}" already.`, {
    details: { approval: id, votedBy },
  });
}

function isSeatOf(seat: KeptSeat, { kind, approver }: Pick<Approver, 'kind' | 'approver'>): boolean {
  return seat.kind === kind && isSamePerson(seat.approver, approver);
}

function placeAt(
  voter: Voter,
  seat: KeptSeat,
  context: { campaign: Campaign; links: readonly Link[]; barred: readonly string[]; named: boolean },
): Place[] {
  switch (seat.kind) {
    case 'role':
      return hasRole(voter, seat.approver) || (voter.vouched && context.named) ? [{ seat }] : [];
    case 'team':
      return voter.teams.includes(seat.approver) || (voter.vouched && context.named) ? [{ seat }] : [];
    case 'user': {
      if (isSamePerson(seat.approver, voter.id)) return [{ seat }];
      const team = seat.team ?? context.campaign.team;
      const path = pathBetween(context.links, {
        ...{ from: seat.approver, to: voter.id, barred: context.barred },
        matter: { kind: 'approvals', campaign: context.campaign.key, ...(team === undefined ? {} : { team }) },
      });
      return path ? [{ seat, path }] : [];
    }
  }
}

/** Administrators may approve, too: whoever asks `role: approver` means whoever may. */
function hasRole({ roles }: Voter, role: string): boolean {
  return roles.includes(role) || (role === 'approver' && roles.includes('admin'));
}

/** Own seats first, then those of roles and teams, then delegated ones; among equals those without a vote, and one's own vote before others'. */
function rank(voter: Voter, { seat, path }: Place): number {
  const kind = path ? 2 : seat.kind === 'user' ? 0 : 1;
  const taken = seat.decision === undefined ? 1 : isSamePerson(seat.votedBy ?? '', voter.id) ? 0 : 2;
  return kind * 3 + taken;
}

/** A vote may be changed until the request is decided: by whoever gave it, and by whom it was given for. */
function mayVote(voter: Voter, seat: KeptSeat, path: readonly string[] | undefined): boolean {
  if (seat.decision === undefined || isSamePerson(seat.votedBy ?? '', voter.id)) return true;
  return seat.kind === 'user' && path === undefined;
}

function notAsked(voter: Voter, { id }: KeptApproval): ForbiddenError {
  return new ForbiddenError(
    'E_APPROVAL_NOT_ASKED',
    `${voter.id} is not asked in this request, and nobody who is has delegated to them.`,
    { details: { approval: id } },
  );
}

/** @throws ForbiddenError `E_FORBIDDEN`: being named in a request is no right to approve */
export function mustBeApprover(actor: Actor | undefined): void {
  if (allows(actor, 'campaign:approve')) return;
  throw new ForbiddenError(
    'E_FORBIDDEN',
    'Voting needs the permission "campaign:approve". Ask an administrator of the tenant for it.',
    { details: { permission: 'campaign:approve' } },
  );
}
