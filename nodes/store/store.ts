import type { NodeAPI } from 'node-red';
import { mountAdmin } from '../kit/admin';
import { registerNode } from '../kit/node';
import { mountPages } from '../kit/pages';
import { startStore } from '../kit/store-node';
import { migrations } from './migrations';

module.exports = (RED: NodeAPI): void => {
  mountAdmin(RED);
  mountPages(RED);
  registerNode(RED, {
    type: 'marketing-store',
    migrations,
    credentials: ['databasePassword', 'timersPassword', 'signingSecret'],
    start: startStore,
  });
};
