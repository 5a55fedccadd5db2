import { accountNode } from './boxes';
import { capital, channelName } from './names';
import type { FlowNode, KnownAccount } from './types';

/** Who is to send something. */
export interface Wanted {
  /** `email`, `webhook`, `sms` …, or the name of an action that another system does. */
  readonly channel: string;
  /** What the definition calls the account or the provider. */
  readonly named?: string | undefined;
  /** True for an action of another system. */
  readonly isAction?: boolean;
}

/** An account for a send node. */
export interface ChosenAccount {
  readonly id: string;
  /** True when it is a place to be filled in. */
  readonly missing: boolean;
}

/** How the account node calls a channel: e-mail goes by SMTP, actions of other systems by a request. */
function kindOf(channel: string, isAction: boolean): string {
  if (isAction) return 'webhook';
  return channel === 'email' ? 'smtp' : channel;
}

/** How the ids of places for accounts begin: nobody else's definition is to take one for an account of the flows. */
const PLACE = 'account-of-definition-';

/** Finds accounts for the send nodes of one definition, and makes a place for each that is missing. */
export class Accounts {
  private readonly made = new Map<string, FlowNode>();

  constructor(
    private readonly idOf: (...place: readonly string[]) => string,
    private readonly known: readonly KnownAccount[],
  ) {}

  /** Account nodes that come along with the flow. */
  get nodes(): readonly FlowNode[] {
    return [...this.made.values()];
  }

  /** The account that the definition names, else the first of its kind; for an action only the named one. Else a place for one. */
  choose({ channel, named, isAction = false }: Wanted): ChosenAccount {
    const kind = kindOf(channel, isAction);
    const fitting = this.known.filter((account) => account.channel === kind && !account.id.startsWith(PLACE));
    const meant = fitting.find(({ id, name }) => named !== undefined && (name === named || id === named));
    const found = meant ?? (isAction ? undefined : fitting[0]);
    if (found) return { id: found.id, missing: false };
    const id = PLACE + this.idOf('account', channel);
    if (!this.made.has(id)) this.made.set(id, accountNode(id, nameOf(channel), kind));
    // A webhook that needs no credential is complete as it stands.
    return { id, missing: channel !== 'webhook' };
  }
}

function nameOf(channel: string): string {
  if (channel === 'webhook') return 'Webhook';
  return channel === 'email'
    ? 'E-mail account (to be filled in)'
    : `${capital(channelName(channel))} (to be filled in)`;
}
