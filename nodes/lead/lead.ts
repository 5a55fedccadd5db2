import type { NodeAPI } from 'node-red';
import { registerNode } from '../kit/node';
import { startLead } from './controller';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  registerNode(RED, { type: 'marketing-lead', migrations, start: startLead });
};
