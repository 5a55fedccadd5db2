import { nodeText } from '../texts';
import { type Verdict } from '../types';
import { isEnvironmentReference } from '../validators';
import { prepareCommon } from './common';

/** Dialog of the escalate node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
}

export { finish } from './common';

/** One word for what raises the campaign. */
export function causeVerdict(node: RedNode, value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written) || /^[a-z][a-z0-9_]{0,31}$/.test(written)) return true;
  return nodeText(node, 'invalid.cause');
}
