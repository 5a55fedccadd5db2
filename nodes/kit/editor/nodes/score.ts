import { current, field } from '../dialog';
import { attachPicker } from '../pickers';
import { nodeText } from '../texts';
import { type Verdict } from '../types';
import { number, required } from '../validators';
import { prepareCommon, storeOf, typedInput } from './common';

/** Dialog of the score node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  typedInput(node, 'amount', ['num', 'msg', 'jsonata']);
  attachPicker(field('event', node), 'events', storeOf(node));
}

export { finish } from './common';

/** Points written here must be a number; those from a message are judged when they arrive. */
export function amountVerdict(node: RedNode, value: unknown): Verdict {
  if (current(node, 'action') === 'event') return true;
  return current(node, 'amountType') === 'num' ? number(value, { min: -1e9, max: 1e9 }) : required(value, 'property');
}

/** Label of a node without a name: what it does. */
export function label(node: RedNode): string {
  const action = String(node.action ?? 'add');
  if (action === 'event') return nodeText(node, 'label.short.event', { event: String(node.event ?? '') });
  const written = String(node.amount ?? '');
  const shown = node.amountType === 'msg' ? `msg.${written}` : written;
  const points = action === 'add' && Number(shown) > 0 ? `+${shown}` : shown;
  return nodeText(node, `label.short.${action === 'set' ? 'set' : 'add'}`, { points });
}
