import type { TemplateKind } from './engine';
import type { ContentPart } from './errors';

/** What is sent on a channel, as it is written and stored: its parts by name. */
export type ChannelParts = Readonly<Record<string, unknown>>;

/** A part of a channel's content. */
export interface PartForm {
  /**
   * A Liquid template and how what it prints is escaped; `mailbox`: an address, or `{ name?, address }`; `headers`: texts by
   * name; `json`: a text, or what is to be written as JSON; `fixed`: a text without Liquid.
   */
  readonly kind: Exclude<TemplateKind, 'json'> | 'mailbox' | 'headers' | 'json' | 'fixed';
  readonly required?: true;
  /** The longest result, in characters. */
  readonly longest?: number;
}

/** Parts by name. */
export type ChannelForm = Readonly<Partial<Record<ContentPart, PartForm>>>;

/** The longest text of ten short messages in a row; gateways refuse more. */
const LONGEST_SMS = 1_530;
/** What WhatsApp takes (FR-003.3). */
const LONGEST_WHATSAPP = 1_600;

const FORMS: Readonly<Record<string, ChannelForm>> = {
  email: {
    subject: { kind: 'plain', required: true },
    html: { kind: 'html' },
    text: { kind: 'plain' },
    preheader: { kind: 'html' },
    from: { kind: 'mailbox' },
    replyTo: { kind: 'mailbox' },
  },
  webhook: {
    method: { kind: 'fixed' },
    url: { kind: 'url', required: true },
    headers: { kind: 'headers' },
    payload: { kind: 'json' },
  },
  sms: { text: { kind: 'plain', required: true, longest: LONGEST_SMS } },
  whatsapp: { text: { kind: 'plain', required: true, longest: LONGEST_WHATSAPP } },
  in_app: {
    title: { kind: 'plain', required: true },
    body: { kind: 'plain', required: true },
    actionUrl: { kind: 'url' },
    icon: { kind: 'url' },
  },
};

/** What a channel that says nothing else about its content takes. */
const TEXT: ChannelForm = {
  title: { kind: 'plain' },
  text: { kind: 'plain', required: true },
  actionUrl: { kind: 'url' },
  icon: { kind: 'url' },
};

/** The parts that a channel's content may have (FR-CAM-003). */
export function formOf(channel: string): ChannelForm {
  return Object.hasOwn(FORMS, channel) ? (FORMS[channel] ?? TEXT) : TEXT;
}

/** The form's parts, with their names. */
export function partsOf(form: ChannelForm): [part: ContentPart, form: PartForm][] {
  return Object.entries(form) as [ContentPart, PartForm][];
}
