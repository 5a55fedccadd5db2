/**
 * Channels: how a finished message leaves this machine.
 *
 * - **channel**: a way to reach somebody ("email", "webhook"); described by a {@link ChannelContract}.
 * - **account**: one sender's access to a channel (one SMTP login, one webhook endpoint); does the sending,
 *   knows its limits and its circuit breaker.
 * - **message**: one thing sent to one lead. It arrives here complete: nothing is rendered in this folder.
 * - **breaker**: stops handing messages to an account whose server cannot be reached.
 * - **pacer**: the account's rate limit.
 * - **in flight**: handed to the account and not answered yet. What is in flight when the process dies is in
 *   doubt, so an account's `capacity` is also the bound on duplicates per crash.
 */
import type { Clock } from '../clock';
import type { Breaker } from './breaker';
import type { Pacer } from './pacer';

/**
 * Why a message was refused for good. Only `address` says something about the person: nothing else may ever
 * lead to suppressing them.
 */
export type RejectionKind = 'address' | 'content' | 'reputation' | 'policy' | 'other';

/** What became of one message. Exactly one of these, whatever happened. */
export type DeliveryResult =
  /** The other side took responsibility. `providerId` is its name for the message where it told one. */
  | { readonly status: 'sent'; readonly providerId: string; readonly response?: string }
  /** Refused for now (SMTP 4xx, HTTP 429 …): this recipient later, one attempt charged. `retryAt`: ms since 1970. */
  | { readonly status: 'deferred'; readonly retryAt?: number; readonly code?: number; readonly reason: string }
  /** Refused for good: do not try this message again. */
  | { readonly status: 'rejected'; readonly kind: RejectionKind; readonly code?: number; readonly reason: string }
  /** It may or may not have been accepted: its content had begun to leave and no clear answer came back. */
  | { readonly status: 'unknown'; readonly reason: string }
  /** Nothing was handed over (connection trouble, breaker open, closing): charge nobody, try again. */
  | { readonly status: 'unavailable'; readonly reason: string };

/** The HTTP request a webhook message stands for. */
export interface WebhookRequest {
  /** Absolute http(s) URL without user name or password; the account's own URL when absent. */
  readonly url?: string;
  /** Default POST. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is. */
  readonly body?: string | Buffer;
}

/** One complete message, ready to leave. */
export interface OutgoingMessage {
  /** The ledger's id of the message; stable over retries. */
  readonly id: string;
  /** Same value on every attempt, so that the other side can drop a second one. */
  readonly idempotencyKey: string;
  /** Always name and address apart: a string could smuggle in further recipients. */
  readonly to: { readonly name?: string; readonly address: string };
  /** SMTP envelope; `to` has exactly one recipient. `from: ''` is the null sender. */
  readonly envelope?: { readonly from: string; readonly to: string };
  /** E-mail: the complete MIME message. */
  readonly raw?: string | Buffer;
  /** Webhook: the request. */
  readonly request?: WebhookRequest;
  /** Other channels: what their contract understands. */
  readonly content?: Readonly<Record<string, unknown>>;
}

/** What a channel needs and can do. */
export interface ChannelCapabilities {
  /** Which of a lead's addresses it needs; `none`: it reaches a fixed place. */
  readonly addressKind: 'email' | 'phone' | 'url' | 'none';
  /** True when the other side drops a second message with the same idempotency key. */
  readonly idempotent: boolean;
  /** Longest text, in characters. */
  readonly maxLength?: number;
  /** What one message costs, in the tenant's currency, for budgets. */
  readonly costPerMessage?: number;
}

/** What an account is built from: the account node's fields and credentials. */
export type AccountSettings = Readonly<Record<string, unknown>>;

/** What a contract's methods get besides the message. */
export interface ChannelContext {
  readonly clock: Clock;
  /** The account the message goes through, for channels that bring their own. */
  readonly account?: Account;
  /** The account's fields and credentials, for channels that do not. */
  readonly settings: AccountSettings;
  /** Aborted when the caller gives up waiting. */
  readonly signal?: AbortSignal;
}

/** What undoing a message came to. */
export type CompensationResult =
  | { readonly status: 'undone' }
  /** This channel cannot take back what was sent; `reason` is shown to people. */
  | { readonly status: 'not-possible'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string };

/**
 * One channel. A new one is one object of this shape and one call of `registerChannel`; `execute` alone is
 * enough, capacity, breaker and pacing come from `createContractAccount`.
 */
export interface ChannelContract {
  /** Unique lower-case name. */
  readonly channel: string;
  readonly capabilities: ChannelCapabilities;
  /**
   * Checks a content definition when it is saved.
   * @throws InputError naming the field and what to do
   */
  validate(content: Readonly<Record<string, unknown>>): void;
  /**
   * Sends one message. Should return a result for everything that can go wrong; a throw is taken as
   * `unknown`, because nobody can tell how far it got.
   */
  execute(message: OutgoingMessage, ctx: ChannelContext): Promise<DeliveryResult>;
  /** Undoes one message; must tolerate that there is nothing to undo. */
  compensate?(message: OutgoingMessage, ctx: ChannelContext): Promise<CompensationResult>;
  /**
   * Builds the channel's own kind of account.
   * @throws InputError when the settings are not complete
   */
  createAccount?(settings: AccountSettings, clock: Clock): Account;
}

/** Figures of one account since it was created. */
export interface AccountStats {
  readonly inFlight: number;
  /** Given to `execute` beyond the capacity and not started. */
  readonly waiting: number;
  readonly sent: number;
  readonly deferred: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly unavailable: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
}

/** One sender's access to a channel. */
export interface Account {
  readonly key: string;
  readonly channel: string;
  /** How many messages may be in flight; also the bound on what one crash leaves in doubt. */
  readonly capacity: number;
  readonly breaker: Breaker;
  /** The rate limit. The caller takes before it leases; `execute` does not take again. */
  readonly pacer: Pacer;
  /** How many messages may be handed over at this moment: 0 when the breaker is open, 1 at its trial. */
  room(): number;
  /** Sends one message. Never rejects. Beyond the capacity it waits its turn, in order. */
  execute(message: OutgoingMessage): Promise<DeliveryResult>;
  /** Resolves when `room() > 0`; at once after `close`. */
  whenReady(): Promise<void>;
  /**
   * Checks connection and credentials without sending anything.
   * @throws MarketingError E_CHANNEL_UNAVAILABLE with the cause in its sentence
   */
  verify(): Promise<void>;
  /**
   * Takes nothing more, lets what is in flight finish for at most `graceMs`, then lets go: what had begun to
   * leave is `unknown`, the rest `unavailable`. Resolves when everything is answered. Idempotent.
   */
  close(graceMs: number): Promise<void>;
  stats(): AccountStats;
}
