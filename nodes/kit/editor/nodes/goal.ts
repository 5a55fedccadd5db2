import { conditionField } from '../condition-field';
import { current, field } from '../dialog';
import { attachPicker } from '../pickers';
import { nodeText } from '../texts';
import { type Verdict } from '../types';
import { number } from '../validators';
import { prepareCommon, storeOf, typedInput } from './common';

/** Dialog of the goal node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  typedInput(node, 'value', ['num', 'msg', 'jsonata']);
  attachPicker(field('event', node), 'events', storeOf(node));
  const condition = conditionField({ node, input: field('condition', node), store: storeOf(node) });
  // Another store declares other attributes.
  field('store', node).on('change.marketing', () => condition.check());
}

export { finish } from './common';

/** A value written here must be an amount; one from a message is judged when it arrives. */
export function valueVerdict(node: RedNode, value: unknown): Verdict {
  return current(node, 'valueType') === 'num' ? number(value, { min: 0, max: 1e9, allowBlank: true }) : true;
}

/** Label of a node without a name: its goal. */
export function label(node: RedNode): string {
  return String(node.goal ?? '') || nodeText(node, 'palette.label');
}
