import { InputError } from '../../lib/errors';
import type { SendContent } from '../../lib/sending';
import type { AccountHub } from '../kit/account-node';
import type { NodeKit } from '../kit/node';
import { text } from '../kit/names';

/** What the node sends through this account, as it is configured. @throws InputError E_TEMPLATE, E_CONFIG */
export function contentOf({ config, saved }: Pick<NodeKit, 'config' | 'saved'>, account: AccountHub): SendContent {
  switch (account.channel) {
    case 'email': {
      const address = config.text('from') || account.sender?.address;
      if (!address) {
        throw new InputError(
          'E_CONFIG',
          'Nobody is named as the sender. Fill in the from address of the account or of the send node.',
        );
      }
      const name = config.text('fromName') || (config.text('from') ? undefined : account.sender?.name);
      const html = config.raw('html');
      const plain = config.raw('text');
      const replyTo = config.text('replyTo') || account.replyTo;
      return {
        channel: 'email',
        email: {
          subject: config.raw('subject'),
          from: { address, ...(name ? { name } : {}) },
          ...(html.trim() ? { html } : {}),
          ...(plain.trim() ? { text: plain } : {}),
          ...(replyTo ? { replyTo } : {}),
        },
      };
    }
    case 'webhook': {
      const payload = config.raw('payload');
      return {
        channel: 'webhook',
        webhook: {
          method: config.text('method') || 'POST',
          url: config.text('url'),
          headers: headersOf(saved['headers']),
          ...(payload.trim() ? { payload } : {}),
        },
      };
    }
  }
}

/** The list of `{name, value}` that the editor saves, as an object; an object is taken as it is. */
export function headersOf(value: unknown): Record<string, string> {
  const pairs: [string, unknown][] = Array.isArray(value)
    ? value.map((row: unknown) => [text(field(row, 'name')), field(row, 'value')])
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  return Object.fromEntries(pairs.filter(([name]) => name !== '').map(([name, written]) => [name, text(written)]));
}

function field(row: unknown, name: string): unknown {
  return typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined;
}
