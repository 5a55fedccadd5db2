/*
 * Words of this folder
 *   delegation  for a time, what one person is to do goes to another one
 *   delegator   who is away        delegatee   who acts instead
 *   matter      what is to be done: an approval, or looking after a campaign
 *   path        the people from a delegator to whoever acts in the end, both included
 */

/** What a delegation is about. `campaign` and `team` name one; it covers approvals and campaigns alike. */
export type DelegationScope = 'all' | 'approvals' | 'campaigns' | 'campaign' | 'team';

/** All scopes. */
export const DELEGATION_SCOPES: readonly DelegationScope[] = ['all', 'approvals', 'campaigns', 'campaign', 'team'];

/** BR-005: a delegation may be delegated on, up to this many steps away from the first delegator. */
export const DEEPEST_DELEGATION = 3;

/** A delegation. Times in ms since 1970. */
export interface Delegation {
  readonly id: number;
  readonly delegator: string;
  readonly delegatee: string;
  readonly scope: DelegationScope;
  /** The campaign's key or the team's name, for those scopes. */
  readonly scopeId?: string;
  readonly startsAt: number;
  /** Not from this moment on. Absent: until it is revoked. */
  readonly endsAt?: number;
  readonly reason?: string;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly revokedAt?: number;
}

/** A new delegation. */
export interface NewDelegation {
  /** Default: whoever makes it. */
  readonly delegator?: string;
  readonly delegatee: string;
  /** Default `all`. */
  readonly scope?: DelegationScope;
  readonly scopeId?: string;
  /** Default: now. */
  readonly startsAt?: number;
  readonly endsAt?: number;
  readonly reason?: string;
}

/** What is to be done, and for which campaign. */
export interface Matter {
  readonly kind: 'approvals' | 'campaigns';
  readonly campaign?: string;
  readonly team?: string;
}
