import { prepareCommon, showStepName } from './common';

/** Dialog of the join node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  showStepName(node);
}

export { finish } from './common';
