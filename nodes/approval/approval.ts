import type { NodeAPI } from 'node-red';
import { registerNode } from '../kit/node';
import { startApproval } from './controller';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  registerNode(RED, { type: 'marketing-approval', migrations, start: startApproval });
};
