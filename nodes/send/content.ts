import { emailContentOf, type DefaultSender } from '../../lib/content';
import { InputError } from '../../lib/errors';
import type { SendContent, SendSource } from '../../lib/sending';
import type { AccountHub } from '../kit/account-node';
import type { NodeKit } from '../kit/node';
import { text } from '../kit/names';

type Configured = Pick<NodeKit, 'config' | 'saved'>;

/** Where the node takes its content from, as it is configured. @throws InputError E_TEMPLATE, E_CONFIG */
export function sourceOf(kit: Configured, account: AccountHub): SendSource {
  switch (kit.config.choice('contentFrom', ['inline', 'template', 'campaign'], 'inline')) {
    case 'inline':
      return contentOf(kit, account);
    case 'template': {
      const key = kit.config.text('template');
      if (key !== '') return { from: 'template', key };
      throw new InputError('E_CONFIG', 'The send node names no template. Open it and choose one.', {
        details: { property: 'template' },
      });
    }
    case 'campaign':
      return { from: 'campaign' };
  }
}

/** Who sends where a content names nobody: whom the node names, else whom the account does. */
export function senderOf({ config }: Pick<NodeKit, 'config'>, account: AccountHub): DefaultSender {
  const address = config.text('from') || account.sender?.address;
  const name = config.text('fromName') || (config.text('from') ? undefined : account.sender?.name);
  const replyTo = config.text('replyTo') || account.replyTo;
  return {
    ...(address ? { from: { address, ...(name ? { name } : {}) } } : {}),
    ...(replyTo ? { replyTo } : {}),
  };
}

/** The node's own words. */
function contentOf({ config, saved }: Configured, account: AccountHub): SendContent {
  switch (account.channel) {
    case 'email': {
      const sender = senderOf({ config }, account);
      if (!sender.from) {
        throw new InputError(
          'E_CONFIG',
          'Nobody is named as the sender. Fill in the from address of the account or of the send node.',
        );
      }
      const parts = { subject: config.raw('subject'), html: config.raw('html'), text: config.raw('text') };
      return { channel: 'email', email: emailContentOf(parts, sender) };
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
