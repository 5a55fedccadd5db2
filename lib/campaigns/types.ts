import type { UnknownPolicy } from '../types';

/**
 * Where a campaign stands. `completed` may be launched again: that is its next run.
 * draft → active → paused → active … → completed | cancelled
 */
export type CampaignState = 'draft' | 'active' | 'paused' | 'completed' | 'cancelled';

/** What can be done to a campaign. */
export type CampaignAction = 'launch' | 'pause' | 'resume' | 'complete' | 'cancel';

/** A campaign: an instance of a definition, as data. Times in ms since 1970. */
export interface Campaign {
  id: number;
  key: string;
  name: string;
  definition: string;
  /** The audience: a saved segment's key; undefined = everybody. */
  segment?: string;
  data: Record<string, unknown>;
  state: CampaignState;
  onUnknown: UnknownPolicy;
  /** Why an active campaign stands still although nobody has paused it. */
  holdReason?: string;
  /** How often it was launched. */
  run: number;
  /** True when its last run entered an audience; false for one that listens to an event, and for a draft. */
  hadAudience: boolean;
  /** Grows with every change; give it back to change only what you saw. */
  version: number;
  createdAt: number;
  updatedAt: number;
  startedAt?: number;
  endedAt?: number;
}

/** What a new campaign needs. */
export interface NewCampaign {
  key: string;
  name?: string;
  definition: string;
  segment?: string;
  data?: Record<string, unknown>;
  onUnknown?: UnknownPolicy;
}

/** Who does it (for the history), and which version was seen. */
export interface ActionOptions {
  actor?: string;
  reason?: string;
  /** The version that the decision was made on; another one is a conflict. */
  version?: number;
}

/** How a campaign's people fare. `audience` is the sum of all the others, always. */
export interface CampaignReport {
  campaign: Campaign;
  audience: number;
  /** Under way: waiting, being worked, on a wire, paused. */
  waiting: number;
  /** In the dead-letter list. */
  dead: number;
  /** Held because nobody knows whether their message went out. */
  unknown: number;
  orphaned: number;
  /** Ended, by reason. */
  ended: Record<string, number>;
  /** Messages by state (sending, sent, failed, deferred, unknown). */
  messages: Record<string, number>;
  /** Messages that were in doubt at some time and sent again: these may have arrived twice. */
  possiblyTwice: number;
  /** People that were refused at the instant of sending, by reason. */
  suppressedAtSend: number;
  stations: { step: string; kind: string; waiting: number; counters: Record<string, number> }[];
}
