/**
 * Words of this folder:
 *
 * - **content**: what a marketer wrote: subject, HTML, text, sender. Templates in Liquid.
 * - **compiled content**: one content version, read and checked once, filled many times.
 * - **context**: the plain data that one lead's message is filled with.
 * - **part**: one template of a content: subject, html, text …
 */

/** Plain data: what a template may see. No functions, no class instances. */
export type Plain = string | number | boolean | null | undefined | readonly Plain[] | { readonly [key: string]: Plain };

/** What one message is filled with. */
export interface RenderContext {
  /** The lead as the marketer sees it: `{ id, email, name, country, …attributes }`. */
  readonly lead: { readonly [key: string]: Plain };
  /** The read-only view of the campaign: `{ id, key, name, data }`. */
  readonly campaign?: { readonly [key: string]: Plain };
  /** This lead's own unsubscribe link. */
  readonly unsubscribe_url?: string;
  /** What `"now" | date` means, in milliseconds since 1970. When absent, the message's date is taken. */
  readonly now?: number;
  readonly [key: string]: Plain;
}

/** An e-mail address with the name that mail programs show. */
export interface Mailbox {
  readonly name?: string;
  readonly address: string;
}

/** What a marketer wrote for an e-mail. Subject, html, text and preheader are Liquid templates. */
export interface EmailContent {
  readonly subject: string;
  readonly html?: string;
  readonly text?: string;
  readonly from: Mailbox;
  readonly replyTo?: string | Mailbox;
  /** The line that inboxes show after the subject; hidden in the mail itself. */
  readonly preheader?: string;
}

/** Languages of the texts that we add ourselves. */
export type ContentLanguage = 'en' | 'de';

/** How {@link EmailContent} is compiled. */
export interface EmailOptions {
  /** Language of the unsubscribe footer. Default `en`. */
  readonly language?: ContentLanguage;
  /** False for mail that is no marketing (a confirmation the lead asked for): nothing is appended. Default true. */
  readonly unsubscribeLink?: boolean;
}
