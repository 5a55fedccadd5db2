/** Approvals: nobody launches something large, and nobody goes on from an approval station, before others have said yes. */
export { Approvals, type ApprovalQuery } from './approvals';
export type { ApprovalLink } from './link-desk';
export type { ApprovalDeps } from './deps';
export { fingerprintOf, type Fingerprint, type Part } from './fingerprint';
export type { LaunchApproval } from './launches';
export { approvalLinks, type ApprovalPass, type LinkSigner } from './links';
export { APPROVAL_PORTS, WAIT_MS, type ApprovalOutcome } from './people';
export {
  registerApprovalStrategy,
  strategyNamed,
  verdictOf,
  votesNeeded,
  type ApprovalStrategy,
  type ApprovalTally,
  type Verdict,
} from './strategies';
export { checkTerms } from './terms';
export {
  APPROVAL_STATES,
  type Approval,
  type ApprovalState,
  type ApprovalTerms,
  type Approver,
  type Decision,
  type Seat,
} from './types';
export type { Vote, VoteOptions } from './voting';
