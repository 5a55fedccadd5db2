import {
  createSmtpAccount,
  createWebhookAccount,
  type Account,
  type Rate,
  type WebhookOptions,
} from '../../lib/channels';
import type { Clock } from '../../lib/clock';
import { InputError } from '../../lib/errors';
import type { Mailbox } from '../../lib/content';
import type { NodeKit } from './node';
import { Users } from './users';

/** What an account node offers to send nodes. */
export interface AccountHub {
  readonly id: string;
  readonly account: Account;
  /** What is sent through it. */
  readonly channel: 'email' | 'webhook';
  /** The sender that is used where a send node names none; e-mail only. */
  readonly sender?: Mailbox;
  readonly replyTo?: string;
  /** Adds a user; returns what takes it off again. */
  use(): () => void;
}

/** How long a closing account waits for its users, and for messages in flight. Node-RED gives up on a node after 15 s. */
const DRAIN_MS = 10_000;
const GRACE_MS = 3_000;

const hubs = new Map<string, AccountHub>();

/** The running account with this node id. */
export function accountOf(id: string): AccountHub | undefined {
  return hubs.get(id);
}

/** The behaviour of the account node: one account, shared by the send nodes that use it. @throws InputError */
export function startAccount(kit: NodeKit): void {
  const users = new Users(kit.clock);
  const email = kit.config.choice('channel', ['smtp', 'webhook'], 'smtp') === 'smtp';
  const account = email ? smtpAccount(kit, kit.clock) : webhookAccount(kit, kit.clock);
  const address = kit.config.text('fromAddress');
  const name = kit.config.text('fromName');
  const replyTo = kit.config.text('replyTo');
  const hub: AccountHub = {
    id: kit.id,
    account,
    channel: email ? 'email' : 'webhook',
    ...(email && address ? { sender: { address, ...(name ? { name } : {}) } } : {}),
    ...(email && replyTo ? { replyTo } : {}),
    use: () => users.add(),
  };
  hubs.set(kit.id, hub);
  kit.onClose(async () => {
    if (hubs.get(kit.id) === hub) hubs.delete(kit.id);
    // Send nodes close at the same time: what they have in flight needs the account until it is answered.
    await users.drained(DRAIN_MS);
    await account.close(GRACE_MS);
  });
}

function smtpAccount({ config, credentials, id }: NodeKit, clock: Clock): Account {
  const security = config.choice('security', ['none', 'starttls', 'tls'], 'starttls');
  const host = config.text('host');
  if (host === '')
    throw new InputError('E_CONFIG', 'The account names no mail server. Open it and fill in the server.');
  const user = config.text('user');
  const { password } = credentials;
  return createSmtpAccount(
    {
      key: id,
      host,
      port: config.number('port', { min: 1, max: 65_535, whole: true, otherwise: USUAL_PORTS[security] }),
      security,
      connections: connectionsOf(config),
      rates: ratesOf(config),
      ...(user ? { auth: { user, password: password ?? '' } } : {}),
    },
    clock,
  );
}

const USUAL_PORTS = { none: 25, starttls: 587, tls: 465 } as const;

/** Services inside a network listen anywhere. */
const ANY_PORT: readonly number[] = Array.from({ length: 65_535 }, (_port, index) => index + 1);

function webhookAccount({ config, credentials, id }: NodeKit, clock: Clock): Account {
  const { secret } = credentials;
  return createWebhookAccount(
    {
      key: id,
      capacity: connectionsOf(config),
      rates: ratesOf(config),
      ...(config.flag('allowPrivate', false) ? { allowPrivate: true, allowPorts: ANY_PORT } : {}),
      timeoutMs: config.number('timeoutSeconds', { min: 1, max: 300, otherwise: 10 }) * 1000,
      ...(secret ? { secret } : {}),
      ...loginOf(config, credentials),
    },
    clock,
  );
}

/** The header with the credential, and the only address that gets it. @throws InputError E_CONFIG */
function loginOf(
  config: NodeKit['config'],
  { authValue }: NodeKit['credentials'],
): Pick<WebhookOptions, 'url' | 'headers'> {
  if (!authValue) return {};
  const url = config.text('url');
  const header = config.text('authHeader') || 'Authorization';
  if (url === '')
    throw new InputError(
      'E_CONFIG',
      `The account has a value for the header "${header}" and no address that may get it. Open it and fill in "Only for this address".`,
      { details: { property: 'url' } },
    );
  return { url, headers: { [header]: authValue } };
}

function connectionsOf(config: NodeKit['config']): number {
  return config.number('connections', { min: 1, max: 100, whole: true, otherwise: 5 });
}

function ratesOf(config: NodeKit['config']): Rate[] {
  const limit = config.number('rate', { min: 0, otherwise: 0 });
  return limit === 0 ? [] : [{ limit, per: config.choice('ratePer', ['second', 'minute', 'hour'], 'second') }];
}
