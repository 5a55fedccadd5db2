/** Delegation: who acts for whom during absences. */
export { Delegations, type DelegationQuery } from './delegations';
export { covers, isSamePerson, obstacleTo, pathBetween, pathFrom, type Link } from './paths';
export { delegationPath, delegationsInForce } from './rows';
export {
  DEEPEST_DELEGATION,
  DELEGATION_SCOPES,
  type Delegation,
  type DelegationScope,
  type Matter,
  type NewDelegation,
} from './types';
