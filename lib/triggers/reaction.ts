import { createHash, randomUUID } from 'node:crypto';
import { eventFields } from '../conditions';
import type { LeadChange, LeadReaction, NewEngagement } from '../leads';
import type { Entering } from '../ledger';
import type { MembershipChange } from '../segments';
import type { Scope } from '../store';
import { admit, type Coming } from './admission';
import { entrancesByEvent, entrancesOn } from './entrances';
import type { JudgeDeps } from './judge';
import { forgetRefusals } from './refusals';
import type { Candidate, Entrance } from './types';

/** Longest entry key. */
const LONGEST = 96;

/** The entry key of an event. A long id keeps its beginning, for people, and is told apart by a hash. */
export function eventKey(id: string): string {
  const key = `event:${id}`;
  if (key.length <= LONGEST) return key;
  return `${key.slice(0, 63)}~${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}

/** Whom what follows from leads and segments lets in. */
export class TriggerReactions {
  private readonly byEvent = new WeakMap<NewEngagement, number>();

  constructor(
    private readonly deps: JudgeDeps,
    /** Has stations look for who has come; called after the commit. */
    private readonly wake: (station: number) => void,
  ) {}

  /** How many campaigns the lead came into by this engagement; known once the reaction has run. */
  enteredBy(engagement: NewEngagement): number {
    return this.byEvent.get(engagement) ?? 0;
  }

  reaction(): LeadReaction {
    return {
      engaged: (tx, list) => this.engaged(tx, list),
      changed: (tx, list) => this.changed(tx, list),
      removed: (tx, lead) => forgetRefusals(tx, lead),
    };
  }

  /** Everybody who did something that triggers listen to. */
  private async engaged(tx: Scope, list: readonly NewEngagement[]): Promise<void> {
    const entrances = await entrancesByEvent(tx, [...new Set(list.map(({ type }) => type))]);
    if (entrances.size === 0) return;
    const coming = new Map<Entrance, Candidate[]>();
    for (const engagement of list) {
      const event = eventFields(engagement);
      const { leadId: lead, eventId, machine } = engagement;
      const candidate: Candidate = { lead, key: eventKey(eventId), event, machine };
      for (const entrance of entrances.get(engagement.type) ?? [])
        coming.set(entrance, [...(coming.get(entrance) ?? []), candidate]);
    }
    const entered = await this.admit(tx, asComing(coming), { locked: true });
    const counts = new Map<string, number>();
    for (const { lead, key } of entered) counts.set(`${lead} ${key}`, (counts.get(`${lead} ${key}`) ?? 0) + 1);
    for (const engagement of list) {
      const count = counts.get(`${engagement.leadId} ${eventKey(engagement.eventId)}`);
      if (count !== undefined) this.byEvent.set(engagement, count);
    }
  }

  /** Everybody whose score has crossed a threshold: from below to it or above, or from it or above to below. */
  private async changed(tx: Scope, changes: readonly LeadChange[]): Promise<void> {
    const moved = changes.filter(({ score, formerScore }) => score !== formerScore);
    if (moved.length === 0) return;
    const coming = (await entrancesOn(tx, 'score')).map((entrance): Coming => {
      const { listens } = entrance.config;
      if (listens.on !== 'score') return { entrance, candidates: [] };
      const { threshold, direction } = listens;
      const candidates = moved.flatMap(({ lead, score, formerScore }): Candidate[] => {
        const [low, high] = direction === 'rises' ? [formerScore, score] : [score, formerScore];
        if (low >= threshold || high < threshold) return [];
        return [{ lead, key: `score:${threshold}:${randomUUID()}`, event: { type: 'score', score, formerScore } }];
      });
      return { entrance, candidates };
    });
    await this.admit(tx, coming, { locked: true });
  }

  /**
   * Everybody who came into a segment or left it, in the transaction that writes the members. A calculated segment that is calculated
   * for the first time lets in nobody, unless its trigger says so: those people have not come in, they were there.
   */
  async membership(tx: Scope, { segment, entered, left }: MembershipChange): Promise<void> {
    const entrances = await entrancesOn(tx, 'segment', segment.key);
    if (entrances.length === 0) return;
    const first = await isFirstCalculation(tx, segment.id);
    const coming = entrances.map((entrance): Coming => {
      const { listens } = entrance.config;
      if (listens.on !== 'segment') return { entrance, candidates: [] };
      const { change, atFirst } = listens;
      const leads = first && !atFirst ? [] : change === 'entered' ? entered : left;
      const event = { type: 'segment', segment: segment.key, change };
      return {
        entrance,
        candidates: leads.map((lead) => ({ lead, key: `segment:${segment.id}:${change}:${randomUUID()}`, event })),
      };
    });
    await this.admit(tx, coming);
  }

  private async admit(tx: Scope, coming: readonly Coming[], options?: { locked: boolean }): Promise<Entering[]> {
    const entered = await admit(tx, this.deps, coming, options);
    if (entered.length > 0) {
      const stations = new Set(entered.map(({ station }) => station));
      tx.afterCommit(() => stations.forEach((station) => this.wake(station)));
    }
    return entered;
  }
}

function asComing(coming: ReadonlyMap<Entrance, readonly Candidate[]>): Coming[] {
  return [...coming].map(([entrance, candidates]) => ({ entrance, candidates }));
}

/** Lists that people keep are never calculated: whoever is put on one has come in. */
async function isFirstCalculation(tx: Scope, segment: number): Promise<boolean> {
  const row = await tx.get<{ kind: string; refreshed_at: number | null }>(
    'SELECT kind, refreshed_at FROM marketing_segments WHERE tenant_id = :tenant AND id = :segment',
    { segment },
  );
  return row !== undefined && row.kind !== 'static' && row.refreshed_at === null;
}
