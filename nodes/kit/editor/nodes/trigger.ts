import { field } from '../dialog';
import { canLaunch, launch } from '../launch';
import { attachPicker } from '../pickers';
import { segmentField } from '../segment-field';
import { nodeText } from '../texts';
import { prepareCommon, showDefinitionKey, showStepName, storeOf } from './common';

/** Dialog of the trigger node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  showStepName(node);
  showDefinitionKey(node);
  segmentField({ node, input: field('segment', node), store: storeOf(node) });
  attachPicker(field('event', node), 'events', storeOf(node));
}

/** Label of a node without a name: who enters. */
export function label(node: RedNode): string {
  if (node.mode === 'event') {
    return node.event
      ? nodeText(node, 'label.short.event', { event: String(node.event) })
      : nodeText(node, 'palette.label');
  }
  return node.audience === 'segment' && node.segment
    ? nodeText(node, 'label.short.segment', { segment: String(node.segment) })
    : nodeText(node, 'label.short.everybody');
}

export { canLaunch, launch };
export { finish } from './common';
