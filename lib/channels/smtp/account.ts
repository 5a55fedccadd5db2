import type { Clock } from '../../clock';
import { createAccount, type Send } from '../account';
import { envelopeAddress } from '../addresses';
import type { Account, DeliveryResult, OutgoingMessage } from '../types';
import { SmtpHost } from './host';
import { type SmtpOptions, smtpSettings } from './options';

/**
 * An account that sends ready MIME messages over SMTP: a worker thread with a pool of persistent connections.
 *
 * - Nothing handed over (refused, DNS, banner, TLS, login, EHLO, drop before content) → `unavailable`.
 * - 4xx to MAIL, RCPT, DATA or the message → `deferred`; 5xx → `rejected` with a kind from the enhanced code.
 * - Content had begun to leave and no clear answer came → `unknown`.
 *
 * @throws InputError E_SMTP_OPTIONS when an option is not usable
 */
export function createSmtpAccount(options: SmtpOptions, clock: Clock): Account {
  const settings = smtpSettings(options);
  const host = new SmtpHost(settings, clock);
  return createAccount(
    {
      key: options.key ?? `smtp:${settings.host}:${settings.port}`,
      channel: 'email',
      capacity: settings.capacity,
      ...(options.rates ? { rates: options.rates } : {}),
      ...(options.breaker ? { breaker: options.breaker } : {}),
    },
    {
      prepare: (message) => prepare(host, message),
      verify: () => host.verify(),
      close: (graceMs) => host.close(graceMs),
    },
    clock,
  );
}

function prepare(host: SmtpHost, message: OutgoingMessage): Send | DeliveryResult {
  const { raw, envelope } = message;
  if (raw === undefined || raw.length === 0) {
    return { status: 'rejected', kind: 'content', reason: 'The message is empty.' };
  }
  const to = envelopeAddress(envelope?.to ?? message.to.address);
  if (to === undefined) {
    return { status: 'rejected', kind: 'address', reason: 'The recipient is not exactly one plain e-mail address.' };
  }
  const from = envelope?.from === '' ? '' : envelopeAddress(envelope?.from);
  if (from === undefined) {
    return { status: 'rejected', kind: 'policy', reason: 'The envelope sender is not a plain e-mail address.' };
  }
  return async () => {
    const result = await host.send(from, to, raw);
    return result.status === 'sent' && result.providerId === '' ? { ...result, providerId: message.id } : result;
  };
}
