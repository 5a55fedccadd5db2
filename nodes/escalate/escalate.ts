import type { NodeAPI } from 'node-red';
import { registerNode } from '../kit/node';
import { startEscalate } from './controller';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  registerNode(RED, { type: 'marketing-escalate', migrations, start: startEscalate });
};
