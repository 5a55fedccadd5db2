import type { Clock } from '../../clock';
import { InputError } from '../../errors';
import type { AccountSettings, ChannelContract } from '../types';
import { createWebhookAccount } from './account';
import { undoWebhook } from './undo';

/** HTTP requests to a receiver of the tenant's choice. */
export const webhookChannel: ChannelContract = {
  channel: 'webhook',
  capabilities: { addressKind: 'none', idempotent: false },
  validate(content) {
    const { url, method } = content;
    if (url !== undefined && (typeof url !== 'string' || !/^https?:\/\//i.test(url))) {
      throw new InputError('E_CONTENT', 'The webhook’s URL must begin with https:// or http://.', {
        details: { field: 'url' },
      });
    }
    if (method !== undefined && (typeof method !== 'string' || !/^(?:GET|HEAD|POST|PUT|PATCH|DELETE)$/i.test(method))) {
      throw new InputError('E_CONTENT', 'Choose GET, HEAD, POST, PUT, PATCH or DELETE as the webhook’s method.', {
        details: { field: 'method' },
      });
    }
  },
  async execute(message, { account }) {
    if (!account)
      return { status: 'unavailable', reason: 'No webhook account was given; choose one in the send node.' };
    return account.execute(message);
  },
  async compensate(message, { account }) {
    const undo: unknown = message.content?.['undo'];
    const url: unknown = typeof undo === 'object' && undo !== null ? Reflect.get(undo, 'url') : undefined;
    if (account && typeof url === 'string' && url !== '') return undoWebhook(message, account, url);
    return {
      status: 'not-possible',
      reason: 'A webhook that was sent cannot be taken back unless its send node names an address for that.',
    };
  },
  createAccount: (settings: AccountSettings, clock: Clock) =>
    // Every field is optional and checked where it is used.
    createWebhookAccount(settings, clock),
};
