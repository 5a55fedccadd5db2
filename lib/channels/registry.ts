import type { Clock } from '../clock';
import { ConflictError, InputError, NotFoundError } from '../errors';
import { createAccount, type AccountOptions } from './account';
import { emailChannel } from './smtp/contract';
import type { Account, AccountSettings, ChannelContract } from './types';
import { webhookChannel } from './webhook/contract';

/** Channels by name. One shared instance ({@link channels}) serves the process; tests make their own. */
export class ChannelRegistry {
  private readonly contracts = new Map<string, ChannelContract>();

  /**
   * Adds a channel and returns a function that takes it out again (a plugin that is unloaded).
   * @throws InputError E_CHANNEL when the contract is not complete
   * @throws ConflictError E_CHANNEL_EXISTS when another contract has the name; the same one may register twice
   */
  register(contract: ChannelContract): () => void {
    const name: unknown = contract.channel;
    if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
      throw new InputError('E_CHANNEL', 'A channel needs a name of lower-case letters, digits and hyphens.');
    }
    for (const method of ['validate', 'execute'] as const) {
      if (typeof contract[method] !== 'function') {
        throw new InputError('E_CHANNEL', `The channel "${name}" has no function ${method}(); add it to its contract.`);
      }
    }
    if (typeof contract.capabilities !== 'object') {
      throw new InputError(
        'E_CHANNEL',
        `The channel "${name}" does not say its capabilities; add them to its contract.`,
      );
    }
    const present = this.contracts.get(name);
    if (present && present !== contract) {
      throw new ConflictError(
        'E_CHANNEL_EXISTS',
        `A channel named "${name}" is registered already; choose another name.`,
      );
    }
    this.contracts.set(name, contract);
    return () => {
      if (this.contracts.get(name) === contract) this.contracts.delete(name);
    };
  }

  /** @throws NotFoundError E_UNKNOWN_CHANNEL */
  get(name: string): ChannelContract {
    const contract = this.contracts.get(name);
    if (!contract) {
      const known = this.names().join(', ') || 'none';
      throw new NotFoundError('E_UNKNOWN_CHANNEL', `There is no channel "${name}"; registered are: ${known}.`);
    }
    return contract;
  }

  has(name: string): boolean {
    return this.contracts.has(name);
  }

  /** Names of all channels, sorted. */
  names(): string[] {
    return [...this.contracts.keys()].sort();
  }

  /**
   * Builds an account of the named channel: the channel's own kind, or one made of its `execute` alone.
   * @throws NotFoundError E_UNKNOWN_CHANNEL
   * @throws InputError when the settings are not complete
   */
  createAccount(name: string, settings: AccountSettings, clock: Clock): Account {
    const contract = this.get(name);
    return contract.createAccount?.(settings, clock) ?? createContractAccount(contract, { settings }, clock);
  }
}

/** What an account made of a contract's `execute` needs. */
export interface ContractAccountOptions extends Partial<
  Pick<AccountOptions, 'key' | 'capacity' | 'rates' | 'breaker'>
> {
  /** Passed to the contract with every message. */
  readonly settings: AccountSettings;
}

/** An account for a channel that brings only `validate` and `execute`: at most `capacity` (10) calls at a time. */
export function createContractAccount(
  contract: ChannelContract,
  options: ContractAccountOptions,
  clock: Clock,
): Account {
  const { settings, key = contract.channel, capacity = 10, ...rest } = options;
  return createAccount(
    { ...rest, key, capacity, channel: contract.channel },
    { prepare: (message) => () => contract.execute(message, { clock, settings }) },
    clock,
  );
}

/** The channels of this process: `email`, `webhook`, and what plugins add. */
export const channels = new ChannelRegistry();
channels.register(emailChannel);
channels.register(webhookChannel);

/** Adds a channel to {@link channels}; what Node-RED's plugin mechanism calls. See {@link ChannelRegistry.register}. */
export function registerChannel(contract: ChannelContract): () => void {
  return channels.register(contract);
}
