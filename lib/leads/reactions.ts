import type { Scope } from '../store';

/** An engagement that has just been written, for the first time. */
export interface NewEngagement {
  readonly leadId: number;
  readonly type: string;
  readonly eventId: string;
  /** What it is counted for. */
  readonly campaign?: number;
  readonly channel?: string;
  /** Empty: none. */
  readonly variant: string;
  /** When it happened, ms since 1970; may be long ago. */
  readonly at: number;
  /** What it brought, in millionths of the campaign's currency. */
  readonly valueMicros: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** True when a program did it, not a person (`metadata.machine`): a scanner that opens and clicks everything. */
  readonly machine: boolean;
}

/** A lead that has just been created or changed. */
export interface LeadChange {
  readonly lead: number;
  readonly created: boolean;
  /** What differs; empty for a created one. */
  readonly fields: readonly string[];
  readonly score: number;
  /** The score before; 0 for a created one. */
  readonly formerScore: number;
}

/**
 * What follows at once from what leads do and become: enrollments, wake-ups, scores, conversions. Called in the transaction
 * that writes the cause, so that both happen or neither; what must wait for the commit goes into `tx.afterCommit`. The rows of the
 * leads are locked until the transaction ends. A throw takes the cause back: refuse nothing here.
 */
export interface LeadReaction {
  /** New engagements; each event id comes here once. */
  engaged?(tx: Scope, engagements: readonly NewEngagement[]): Promise<void>;
  /** Leads that were created or changed. */
  changed?(tx: Scope, changes: readonly LeadChange[]): Promise<void>;
  /** A lead that was removed for good. */
  removed?(tx: Scope, lead: number): Promise<void>;
  /** The variants of experiments that people were shown in campaigns, by `campaign:lead`: for engagements that name none. */
  variants?(tx: Scope, people: readonly ShownSomething[]): Promise<ReadonlyMap<string, string>>;
}

/** Somebody who may have been shown a variant in a campaign. */
export interface ShownSomething {
  readonly campaign: number;
  readonly lead: number;
}

/** The reactions of one tenant, in the order in which they were added. */
export class Reactions {
  private readonly list: LeadReaction[] = [];

  /** Adds a reaction; the returned function takes it out again. */
  add(reaction: LeadReaction): () => void {
    this.list.push(reaction);
    return () => {
      const at = this.list.indexOf(reaction);
      if (at >= 0) this.list.splice(at, 1);
    };
  }

  /** These and one more, which comes last: for who wants to know what the others have done. */
  and(reaction: LeadReaction): Reactions {
    const all = new Reactions();
    for (const one of [...this.list, reaction]) all.add(one);
    return all;
  }

  /** Whether anything follows from engagements. */
  get onEngagements(): boolean {
    return this.list.some(({ engaged }) => engaged !== undefined);
  }

  async engaged(tx: Scope, engagements: readonly NewEngagement[]): Promise<void> {
    if (engagements.length === 0) return;
    for (const reaction of this.list) await reaction.engaged?.(tx, engagements);
  }

  async changed(tx: Scope, changes: readonly LeadChange[]): Promise<void> {
    if (changes.length === 0) return;
    for (const reaction of this.list) await reaction.changed?.(tx, changes);
  }

  /** The variants that people were shown, by `campaign:lead`. */
  async variants(tx: Scope, people: readonly ShownSomething[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    if (people.length === 0) return found;
    for (const reaction of this.list) {
      for (const [who, variant] of (await reaction.variants?.(tx, people)) ?? []) found.set(who, variant);
    }
    return found;
  }

  async removed(tx: Scope, lead: number): Promise<void> {
    for (const reaction of this.list) await reaction.removed?.(tx, lead);
  }
}
