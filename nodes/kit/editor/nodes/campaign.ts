import { attachPicker } from '../pickers';
import { current, field } from '../dialog';
import { type Verdict } from '../types';
import { jsonObject, required } from '../validators';
import { prepareCommon, storeOf, typedInput } from './common';

/** Dialog of the campaign node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  typedInput(node, 'campaign', ['str', 'msg']);
  typedInput(node, 'data', ['json', 'msg']);
  attachPicker(field('definition', node), 'definitions', storeOf(node));
}

export { finish } from './common';

/** Data written here must be a JSON object; data from a message is judged when it arrives. */
export function dataVerdict(node: RedNode, value: unknown): Verdict {
  return current(node, 'dataType') === 'msg' ? required(value, 'property') : jsonObject(value);
}
