/**
 * The words of this project. Code, tables, texts and tests use exactly these.
 *
 * - tenant      the organisation that owns data; everything is scoped to one
 * - lead        a person who can be contacted
 * - segment     a named group of leads: dynamic (condition), static (list) or composed (and / or / except)
 * - definition  a versioned journey: the sub-flow behind one trigger node
 * - campaign    an instance of a definition, as data: audience, content, state. Many campaigns may share one flow
 * - enrollment  one lead in one run of one campaign
 * - station     a node that takes custody of people in the database (trigger, delay, send …)
 * - switch      a node that decides and passes on at once, and holds nobody (segment, consent …)
 * - step        an enrollment at one station: one row of the ledger
 * - trail       the decisions of the switches since the last station; they ride on the message and are stored by the next one
 * - message     one thing sent to one lead on one channel; has a delivery state
 * - engagement  something a lead did: opened, clicked, converted, visited, submitted, replied
 * - timer       something that must happen at a time
 */

/** The lead as the marketer sees it: `msg.payload`. Absent values are absent, never null. */
export interface LeadView {
  id: number;
  email?: string;
  name?: string;
  phone?: string;
  /** ISO 3166-1 alpha-2. */
  country?: string;
  /** IANA name. */
  timeZone?: string;
  score: number;
  externalId?: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  [attribute: string]: unknown;
}

/** The campaign as a flow sees it: `msg.campaign`. Read-only: changing it changes nothing. */
export interface CampaignView {
  id: number;
  key: string;
  name: string;
  definition: string;
  data: Readonly<Record<string, unknown>>;
  /** Channels that it names, or has content for. */
  channels: readonly string[];
  /** What becomes of its messages that are in doubt. */
  onUnknown: UnknownPolicy;
}

/** What a switch decided about one person, and why. Kept small: it is stored with the next step. */
export interface Decision {
  /** The name of the node that decided. */
  node: string;
  /** What kind of switch it is: `segment`, `consent` … */
  kind: string;
  /** Which way it went: `matches`, `else`, `allowed`, `blocked` … */
  outcome: string;
  /** The rule, in a few words: the condition, the reason of a refusal. */
  because?: string;
  /** The values that were looked at. */
  saw?: Readonly<Record<string, unknown>>;
  /** When, ms since 1970: for what was decided while somebody stood at the step (a hold, another try). Absent: on the way there. */
  at?: number;
}

/** The token that carries a person along the wires: `msg.journey`. Opaque to users; must be kept. */
export interface Journey {
  tenant: string;
  definition: string;
  /** Campaign id. */
  campaign: number;
  /** Enrollment id. */
  enrollment: number;
  /** The step that sent the person on its way. */
  step: number;
  trail: Decision[];
}

/** What our nodes send to each other. Other properties of the message are carried along. */
export interface JourneyMessage {
  payload: LeadView;
  campaign: CampaignView;
  journey: Journey;
}

/** What becomes of a message of which nobody knows whether it went out: hold it for a person to decide, or send it again. */
export type UnknownPolicy = 'hold' | 'resend';
