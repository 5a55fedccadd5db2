import type { NodeAPI } from 'node-red';
import { registerNode } from '../kit/node';
import { startDelay } from './controller';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  registerNode(RED, { type: 'marketing-delay', migrations, start: startDelay });
};
