import type { Actor } from '../../access';
import type { FieldTypes } from '../../conditions';
import type { DefinitionDocument } from '../document';

/** One version of a document, without its content. Times in ms since 1970. */
export interface DocumentVersion {
  readonly key: string;
  /** Counted here, from 1; the author's own is `authorVersion`. */
  readonly version: number;
  readonly hash: string;
  /** Why it was saved, in the words of whoever saved it. */
  readonly note?: string;
  readonly createdBy: string;
  readonly createdAt: number;
}

/** A document as lists show it: its newest version. */
export interface DocumentSummary extends DocumentVersion {
  readonly name: string;
  readonly description?: string;
  readonly authorVersion?: string;
  /** False: kept, but not in force. */
  readonly active: boolean;
}

/** A document with its content. */
export interface SavedDocument extends DocumentSummary {
  readonly document: DefinitionDocument;
}

/** What came of saving. */
export interface SaveResult extends SavedDocument {
  /** False when the newest version says the same already: nothing was saved then. */
  readonly changed: boolean;
}

/** Who reads. */
export interface ReadBy {
  readonly actor?: Actor;
}

/** Who changes something, and which version was seen. */
export interface ChangeBy extends ReadBy {
  /** The version that the change was made on (0: none); when there is a newer one, it is a conflict. */
  readonly version?: number;
  /** Kept with the version, at most 255 characters. */
  readonly note?: string;
}

/** What {@link Documents} needs. */
export interface DocumentsDeps {
  /** The tenant's declared attributes of leads, to check conditions against. Not given: any attribute is taken for declared. */
  attributes?(): Promise<FieldTypes>;
  /** Told after each change that was committed, in this process: what runs from the documents is brought up to date. */
  changed?(key: string): void;
}
