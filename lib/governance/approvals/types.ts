/*
 * Words of this folder
 *   request    somebody asks whether a campaign may be launched, or whether its people may go on from a station
 *   approver   a user, a role or a team that is asked; a team may be asked as one, or each of its members
 *   seat       one approver's place in a request: it holds one vote
 *   barred     who may not vote: the campaign's owner, who made it, who asks
 *   round      the how-manieth request for the same thing it is
 *   decided    approved or rejected; expired, voided and withdrawn requests are over, too, without a decision
 */

/** Where a request stands. */
export type ApprovalState =
  | 'pending'
  | 'approved'
  | 'rejected'
  /** Nobody decided in time. */
  | 'expired'
  /** What was asked about has changed: a new request is needed. */
  | 'voided'
  /** Whoever asked took it back, or the campaign ended. */
  | 'withdrawn';

/** All states. */
export const APPROVAL_STATES: readonly ApprovalState[] = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'voided',
  'withdrawn',
];

/** What somebody says. */
export type Decision = 'approve' | 'reject';

/** Somebody who is asked. */
export interface Approver {
  readonly kind: 'user' | 'role' | 'team';
  /** The user's id, the role's or the team's name. */
  readonly approver: string;
  /** Of a team: each of these users has a vote. Absent: the team has one, which any of its members gives. */
  readonly members?: readonly string[];
  /** Where links go, for flows that mail them; kept here and announced nowhere. */
  readonly emails?: readonly string[];
}

/** Who decides, how, and in what time. */
export interface ApprovalTerms {
  /** Default: the role `approver`. */
  readonly approvers?: readonly Approver[];
  /** `unanimous` (also `unison`), `majority`, `quorum`, `single` (default), or one that a program registered. */
  readonly strategy?: string;
  /** How many have to approve, for `quorum`: `2/3` (default), `3/4`, `2`, `2 of 3`. */
  readonly quorum?: string;
  /** How long there is to decide, ms. Absent: for ever. */
  readonly timeoutMs?: number;
  /** How often those who have not voted are reminded, ms. Absent: never. */
  readonly remindEveryMs?: number;
  /** Whether the campaign is raised to the next person when the time is over. Default true. */
  readonly escalate?: boolean;
}

/** A place in a request. */
export interface Seat {
  readonly seat: number;
  readonly kind: Approver['kind'];
  readonly approver: string;
  /** The team that a user was asked for as a member of. */
  readonly team?: string;
  readonly decision?: Decision;
  readonly votedBy?: string;
  readonly votedAt?: number;
  readonly comment?: string;
  /** Grows with every vote: links are for one version. */
  readonly version: number;
}

/** A request with its votes. Times in ms since 1970. */
export interface Approval {
  readonly id: number;
  readonly campaign: number;
  readonly subject: 'launch' | 'station';
  /** The step's name, of a station. */
  readonly step?: string;
  /** The run that it is about; of a launch: the one that it would start. */
  readonly run: number;
  readonly round: number;
  readonly state: ApprovalState;
  readonly strategy: string;
  readonly quorum?: string;
  /** What was asked about: see {@link Fingerprint}. */
  readonly hash: string;
  /** People whom a launch would have entered when it was asked for. */
  readonly audience?: number;
  readonly requestedBy: string;
  readonly requestedAt: number;
  readonly comment?: string;
  readonly dueAt?: number;
  readonly nextReminderAt?: number;
  readonly reminders: number;
  readonly decidedBy?: string;
  readonly decidedAt?: number;
  /** Why it is over, where that needs saying. */
  readonly reason?: string;
  readonly seats: readonly Seat[];
  readonly version: number;
}
