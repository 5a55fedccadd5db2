import type { Clock } from '../../clock';
import { InputError } from '../../errors';
import { envelopeAddress } from '../addresses';
import type { AccountSettings, ChannelContract } from '../types';
import { createSmtpAccount } from './account';
import type { SmtpOptions } from './options';

/** E-mail over SMTP. */
export const emailChannel: ChannelContract = {
  channel: 'email',
  // A server may drop a second message with the same Message-ID; none has to.
  capabilities: { addressKind: 'email', idempotent: false },
  validate(content) {
    if (!filled(content.subject)) throw missing('subject', 'Give the e-mail a subject.');
    if (!filled(content.html) && !filled(content.text))
      throw missing('html', 'Give the e-mail a text or an HTML part.');
    for (const field of ['from', 'replyTo'] as const) {
      const value = content[field];
      const address = value !== null && typeof value === 'object' && 'address' in value ? value.address : value;
      if (value !== undefined && envelopeAddress(address) === undefined) {
        throw missing(field, `The e-mail's "${field}" must be one plain address such as news@example.com.`);
      }
    }
  },
  async execute(message, { account }) {
    if (!account) return { status: 'unavailable', reason: 'No mail account was given; choose one in the send node.' };
    return account.execute(message);
  },
  compensate: () =>
    Promise.resolve({
      status: 'not-possible',
      reason: 'An e-mail that was sent cannot be taken back; a correction needs a message of its own.',
    }),
  createAccount: (settings: AccountSettings, clock: Clock) =>
    // smtpSettings checks every field, so the assertion promises nothing that is not tested.
    createSmtpAccount(settings as unknown as SmtpOptions, clock),
};

function filled(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function missing(field: string, sentence: string): InputError {
  return new InputError('E_CONTENT', sentence, { details: { field } });
}
