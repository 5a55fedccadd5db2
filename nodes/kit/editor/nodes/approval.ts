import { readApprovers } from '../../approvers';
import { nodeText } from '../texts';
import { type Verdict } from '../types';
import { isEnvironmentReference } from '../validators';
import { prepareCommon, showStepName } from './common';

/** Dialog of the approval node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  showStepName(node);
}

export { finish } from './common';

/** One approver per line; empty asks whoever may approve. */
export function approversVerdict(node: RedNode, value: unknown): Verdict {
  const written = String(value ?? '');
  if (isEnvironmentReference(written) || readApprovers(written) !== undefined) return true;
  return nodeText(node, 'invalid.approvers');
}

/** A share or a number. */
export function quorumVerdict(node: RedNode, value: unknown): Verdict {
  const written = String(value ?? '');
  if (isEnvironmentReference(written) || /^\s*\d{1,4}\s*((\/|of)\s*\d{1,4}\s*)?$/.test(written)) return true;
  return nodeText(node, 'invalid.quorum');
}
