import type { NodeAPI } from 'node-red';
import { registerNode } from '../kit/node';
import { startTrigger } from './controller';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  registerNode(RED, { type: 'marketing-trigger', migrations, credentials: ['webhookSecret'], start: startTrigger });
};
