import { conditionField } from '../condition-field';
import { field } from '../dialog';
import { segmentField } from '../segment-field';
import { prepareCommon, storeOf } from './common';

/** Dialog of the segment node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  segmentField({ node, input: field('segment', node), store: storeOf(node) });
  const condition = conditionField({ node, input: field('condition', node), store: storeOf(node) });
  // Another store declares other attributes.
  field('store', node).on('change.marketing', () => condition.check());
}

export { finish } from './common';
