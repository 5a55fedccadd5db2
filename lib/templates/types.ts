/*
 * Words of this folder
 *   template    a content with a name, used by send nodes and campaigns: words for one channel
 *   type        the channel that it is for: email, webhook, sms, whatsapp, in_app, or another one's name
 *   content     its parts: subject, html, text, url … as lib/content reads them
 *   version     grows with every change; the content of a version never changes
 */
import type { Actor } from '../access';
import type { ChannelParts, FilledContent } from '../content';
import type { Scope } from '../store';

/** A template. Times in ms since 1970. */
export interface Template {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  /** The channel that it is for. Stays. */
  readonly type: string;
  readonly content: ChannelParts;
  /** What its texts read: `lead.name`, `campaign.data.offer`, `unsubscribe_url`. */
  readonly variables: readonly string[];
  /** Grows with every change; give it back to change only what you saw. */
  readonly version: number;
  /** The version that this content came with: what messages are frozen to. */
  readonly contentVersion: number;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A template in a list: without its words. */
export type TemplateSummary = Omit<Template, 'content' | 'variables'>;

/** What a new template needs. */
export interface NewTemplate {
  /** 1 to 128 letters, digits, `_`, `-` and `.`; default: made from the name. */
  readonly key?: string;
  readonly name: string;
  readonly type: string;
  readonly content: unknown;
}

/** What is to change; what is absent stays. */
export interface TemplateChange {
  readonly name?: string;
  /** The whole content, not a part of it. */
  readonly content?: unknown;
}

/** Who does it. */
export interface TemplateOptions {
  readonly actor?: Actor;
}

/** Who changes it, and which version was seen. */
export interface TemplateChangeOptions extends TemplateOptions {
  /** The version that the decision was made on; another one is a conflict. */
  readonly version?: number;
}

/** What to list. Filters are joined by AND. */
export interface TemplateQuery {
  readonly type?: string;
  /** Names or keys that begin with this, whatever their case. */
  readonly search?: string;
  /** A field, with `-` before it for falling order. Default `name`. Ties are broken by id. */
  readonly sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
  /** 1 to 100, default 20. */
  readonly limit?: number;
  /** Where the last page ended; not together with `page`. */
  readonly cursor?: string;
  /** 1, 2, … */
  readonly page?: number;
}

/** A version in which the content changed. */
export interface TemplateVersion {
  readonly version: number;
  /** The same for the same content. */
  readonly hash: string;
  readonly variables: readonly string[];
  readonly createdBy: string;
  readonly createdAt: number;
}

/** A line of two versions of a text. */
export interface DiffLine {
  readonly op: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** How a part of the content differs in two versions. */
export interface PartDiff {
  readonly part: string;
  readonly lines: readonly DiffLine[];
}

/** What is shown: a saved template, in its newest or another version, or a content that is not saved yet. */
export type Previewed =
  { readonly key: string | number; readonly version?: number } | { readonly type: string; readonly content: unknown };

/** A content filled for a sample, and what it reads. */
export interface TemplatePreview extends FilledContent {
  readonly type: string;
  readonly variables: readonly string[];
}

/** What the templates of a tenant need from others. */
export interface TemplatesDeps {
  /** What uses a template, in words ("the campaign \"spring\""): while there is any, it cannot be deleted. */
  readonly usedBy: (tx: Scope, key: string) => Promise<readonly string[]>;
}
