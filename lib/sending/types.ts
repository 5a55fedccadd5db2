/*
 * Words of this folder
 *   source      where a send station takes its content from: its own words, a template, or each person's campaign
 *   content     the words for one channel, compiled once and filled per person
 *   kept        written into marketing_contents: a message is filled from the same content at every try
 */
import type { Account, OutgoingMessage } from '../channels';
import type { Clock } from '../clock';
import type { DefaultSender, EmailContent, WebhookContent } from '../content';
import type { LeasedStep, LedgerLog } from '../ledger';
import type { Scope } from '../store';
import type { SendGate } from './gates';
import type { CampaignView, LeadView, UnknownPolicy } from '../types';

/** What is sent: written by the marketer, compiled once per version. */
export type SendContent = { channel: 'email'; email: EmailContent } | { channel: 'webhook'; webhook: WebhookContent };

/**
 * Where a station's content comes from: words of its own, a template's newest version, or what each campaign says for the
 * account's channel (`campaign.content.email`: the parts, or `{ template: key }`).
 */
export type SendSource = SendContent | { from: 'template'; key: string } | { from: 'campaign' };

/** One person's message, before it is filled. */
export interface MessageContext {
  step: number;
  lead: LeadView;
  campaign: CampaignView;
  /** Stable over all tries: the Message-ID of an e-mail, the idempotency key of a webhook. */
  messageKey: string;
  /** Date of the first try, ms. */
  date: number;
  unsubscribeUrl: string;
}

/** A compiled content version. */
export interface CompiledContent {
  readonly channel: string;
  /** Fills it for one person. Throws a ContentError for somebody whose data it cannot take. */
  fill(context: MessageContext): OutgoingMessage;
}

/** What a send station is made of. */
export interface SendOptions {
  account: Account;
  content: SendSource;
  /** Who sends where a template or a campaign's content names nobody. */
  sender?: DefaultSender;
  /** What becomes of messages of which nobody knows whether they went out; undefined = the campaign's policy. */
  onUnknown?: UnknownPolicy;
  /** Tries that are charged (4xx) before a message counts as failed. Default 5. */
  maxAttempts?: number;
  /** First and longest pause between tries, ms. Default 1 min and 4 h. */
  retryBaseMs?: number;
  retryMaxMs?: number;
  /** Language of what is added to the content (the unsubscribe line). */
  language?: 'en' | 'de';
}

/** Whether somebody may be written to at this instant. */
export type SendCheck =
  /** `costMicros`: what the message was marked with, once it is. */
  { allowed: true; address?: string; costMicros?: number } | { allowed: false; reason: string; detail: string };

/** What experiments say about one person's message. */
export interface ShownVariant {
  /** The message and its figures carry it. */
  readonly variant: string;
  /** True for those who are to get nothing, for comparison. */
  readonly control?: boolean;
  /** Contents of its own, by channel, in place of the campaign's. */
  readonly content?: Readonly<Record<string, unknown>>;
}

/** What a send station gets from its surroundings. */
export interface SendDeps {
  scope: Scope;
  clock: Clock;
  log: LedgerLog;
  leads(scope: Scope, ids: readonly number[]): Promise<Map<number, LeadView>>;
  campaigns(scope: Scope, ids: readonly number[]): Promise<Map<number, CampaignView>>;
  /** Asked in the transaction that marks a message `sending`. */
  maySend(tx: Scope, leads: readonly number[], channel: string): Promise<Map<number, SendCheck>>;
  /**
   * The variants of experiments that people have been shown, by step; absent: none. With `dividing`, those whose campaign has an
   * experiment about its contents are given theirs now.
   */
  variants?(steps: readonly LeasedStep[], options: { dividing: boolean }): Promise<ReadonlyMap<number, ShownVariant>>;
  /** What else has a say, in this order. */
  gates?: readonly SendGate[];
  /** The link that unsubscribes whoever got the message of this step. */
  unsubscribeUrl(of: { lead: number; campaign: number; step: number; channel: string }): string;
  /** What stands right of the @ in Message-IDs. */
  messageDomain: string;
  /** Says why campaigns stand still; `reason` begins with the account's key and `: `, by which it is taken back. */
  hold(campaigns: readonly number[], reason: string): Promise<void>;
  /** Called when people of a campaign landed in the dead-letter list. */
  died(campaign: number): Promise<void>;
  random?: () => number;
}
