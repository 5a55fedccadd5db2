import { current } from '../dialog';
import { nodeText } from '../texts';
import { type Verdict } from '../types';
import { dateTime, required } from '../validators';
import { prepareCommon, showStepName, typedInput } from './common';

/** Dialog of the delay node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  showStepName(node);
  typedInput(node, 'until', ['str', 'msg', 'env']);
}

export { finish } from './common';

/** A fixed date-time must be one; a message property or environment variable must be named. */
export function untilVerdict(node: RedNode, value: unknown): Verdict {
  const present = required(value, 'until');
  return present === true && current(node, 'untilType') === 'str' ? dateTime(value) : present;
}

/** Label of a node without a name: how long, or until when. */
export function label(node: RedNode): string {
  if (node.mode === 'until') {
    const until = String(node.until ?? '');
    if (until === '') return nodeText(node, 'palette.label');
    return nodeText(node, 'label.short.until', { until: node.untilType === 'msg' ? `msg.${until}` : until });
  }
  const amount = String(node.amount ?? '');
  const unit = nodeText(node, `option.unit.${amount === '1' ? 'one.' : ''}${String(node.unit)}`);
  return `${amount} ${unit}`;
}
