import type { NodeAPI } from 'node-red';
import { registerNode } from '../kit/node';
import { startScore } from './controller';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  registerNode(RED, { type: 'marketing-score', migrations, start: startScore });
};
