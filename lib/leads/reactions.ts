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

/** What must be there for engagements to concern a reaction: a tenant that uses nothing of it pays for no look of its own. */
export interface Precondition {
  /**
   * A statement that finds a row where the tenant uses it at all (`SELECT 1 FROM … WHERE tenant_id = :tenant`), answered by an index. Those of
   * all reactions are asked together, once the leads are locked and before any of them runs.
   */
  readonly exists: string;
  /** Engagements that concern it whatever is there. */
  concerns?(engagements: readonly NewEngagement[]): boolean;
}

/**
 * What follows at once from what leads do and become: enrollments, wake-ups, scores, conversions. Called in the transaction
 * that writes the cause, so that both happen or neither; what must wait for the commit goes into `tx.afterCommit`. The rows of the
 * leads are locked until the transaction ends. A throw takes the cause back: refuse nothing here.
 */
export interface LeadReaction {
  /** When {@link engaged} is to be called at all; absent: always. */
  readonly onlyWhere?: Precondition;
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
    const spared = await this.spared(tx, engagements);
    for (const reaction of this.list) if (!spared.has(reaction)) await reaction.engaged?.(tx, engagements);
  }

  /** Reactions whose precondition is not there: one look for all of them. */
  private async spared(tx: Scope, engagements: readonly NewEngagement[]): Promise<Set<LeadReaction>> {
    const open = this.list.flatMap((reaction) => {
      const { onlyWhere } = reaction;
      return onlyWhere === undefined || onlyWhere.concerns?.(engagements)
        ? []
        : [{ reaction, exists: onlyWhere.exists }];
    });
    if (open.length === 0) return new Set();
    const row = await tx.get<Record<string, number>>(
      `SELECT ${open.map(({ exists }, at) => `CASE WHEN EXISTS (${exists}) THEN 1 ELSE 0 END AS there${at}`).join(', ')}`,
    );
    return new Set(open.flatMap(({ reaction }, at) => (Number(row?.[`there${at}`]) === 1 ? [] : [reaction])));
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
