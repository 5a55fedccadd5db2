import { attachPicker } from '../pickers';
import { field } from '../dialog';
import { prepareCommon, storeOf, typedInput } from './common';

/** Dialog of the lead node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  typedInput(node, 'property', ['msg', 'flow', 'global', 'jsonata', 'json']);
  attachPicker(field('event', node), 'events', storeOf(node));
}

export { finish } from './common';
