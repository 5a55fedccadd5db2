import type { Clock } from '../../clock';
import { InputError } from '../../errors';
import type { AccountSettings, ChannelContract } from '../types';
import { createWebhookAccount } from './account';

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
  compensate: () =>
    Promise.resolve({
      status: 'not-possible',
      reason: 'A webhook that was sent cannot be taken back; call the receiver’s own undo with another webhook.',
    }),
  createAccount: (settings: AccountSettings, clock: Clock) =>
    // Every field is optional and checked where it is used.
    createWebhookAccount(settings, clock),
};
