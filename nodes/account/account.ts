import type { NodeAPI } from 'node-red';
import { startAccount } from '../kit/account-node';
import { registerNode } from '../kit/node';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  registerNode(RED, {
    type: 'marketing-account',
    migrations,
    credentials: ['password', 'secret', 'authValue'],
    start: startAccount,
  });
};
