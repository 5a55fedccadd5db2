import type { Box } from './types';
import { contentOf, gatewayPayload, payloadOf, requestOf, text, type Words } from './content';
import type { Sending } from './boxes';
import { capital, channelName, shorten, spoken } from './names';
import type { Pen } from './pen';

/** Channels that definitions may send on without naming them among their `channels`. */
const CHANNELS: ReadonlySet<string> = new Set([
  ...['email', 'sms', 'webhook', 'whatsapp', 'push', 'in_app', 'social', 'slack', 'voice', 'ad'],
]);

/** What an action's name means: something that is sent on a channel, or something that another system does. */
export type Action =
  { readonly kind: 'send'; readonly channel: string } | { readonly kind: 'other'; readonly name: string };

/** Reads `send_email`, `send_to_sales_team`, `add_tag` … @param channel named besides */
export function readAction(pen: Pen, action: string, channel?: string): Action {
  const named = channel ?? /^send[_-](.+)$/i.exec(action)?.[1]?.toLowerCase();
  if (named !== undefined && (CHANNELS.has(named) || pen.channel(named))) return { kind: 'send', channel: named };
  return { kind: 'other', name: action };
}

/** Where an action's send node stands, and what it is called by. */
export interface Place {
  /** Where it belongs in the definition, for its id. */
  readonly place: readonly string[];
  readonly step: string;
  readonly disabled?: boolean;
}

/** The send node of an action. */
export function actionBox(pen: Pen, action: Action, words: Words, at: Place): Box {
  return action.kind === 'send' ? sendOn(pen, action.channel, words, at) : callOut(pen, action.name, words, at);
}

function sendOn(pen: Pen, channel: string, words: Words, { place, step, disabled }: Place): Box {
  const settings = pen.channel(channel);
  const named = text(words['account']) ?? settings?.account ?? settings?.provider;
  const account = pen.account({ channel, named });
  const content = channel === 'webhook' ? requestOf(words, settings) : contentOf(channel, words, settings);
  const carried =
    channel === 'email' || channel === 'webhook' ? content : byGateway(content, text(words['url']) ?? settings?.url);
  if (content.template !== undefined) pen.needTemplate(content.template);
  const title = content.template ?? text(words['name']) ?? (content.subject && shorten(content.subject, 32));
  const name = `${capital(channelName(channel))}${title === undefined ? '' : `: ${title}`}`;
  return pen.send(
    place,
    name,
    { step, account: account.id, ...carried, ...missing(account.missing, channel) },
    disabled,
  );
}

/** Ready for a gateway: whoever makes the account a webhook and fills in the address is done. */
function byGateway(content: ReturnType<typeof contentOf>, url: string | undefined): ReturnType<typeof contentOf> {
  const words = content.text ?? content.html;
  return {
    ...content,
    method: 'POST',
    url: url ?? '',
    ...(words === undefined ? {} : { payload: gatewayPayload(words) }),
  };
}

/** An action of another system: it is told about the person. */
function callOut(pen: Pen, name: string, words: Words, { place, step, disabled }: Place): Box {
  const { url, method, payload, account: named, ...more } = words;
  const account = pen.account({ channel: name, named: text(named), isAction: true });
  const request = {
    contentFrom: 'inline',
    url: text(url) ?? '',
    method: text(method) ?? 'POST',
    payload: text(payload) ?? payloadOf({ action: name, ...more }),
  } as const;
  return pen.send(
    place,
    spoken(name),
    { step, account: account.id, ...request, ...missing(account.missing, name) },
    disabled,
  );
}

function missing(isMissing: boolean, channel: string): Pick<Sending, 'info'> {
  return isMissing
    ? { info: `**To be configured:** nothing sends \`${channel}\` yet. People wait here until it is.\n` }
    : {};
}
