import { authorise, type Actor } from '../access';
import type { compileCondition } from '../conditions';
import { messageOf } from '../errors';
import type { LeadChange, LeadReaction, NewEngagement, Reactions } from '../leads';
import type { Scope } from '../store';
import type { Timers } from '../timers';
import { askedOf, holding, type Matching, type ScoredEvent } from './asked';
import { RuleBook } from './book';
import { withinCaps } from './caps';
import { explainScore } from './explain';
import { factsTouched, removePoints, weighFacts } from './facts';
import { fadeSlice, nextFading } from './fade';
import { lockScores, moveScores } from './move';
import { knownPoints, writePoints } from './points';
import { recountSlice } from './recount';
import { applyRequests } from './requests';
import { ScoreRules } from './rules';
import { scoresWereSet } from './set-scores';
import type { ScoreExplanation, ScoreRequest } from './types';

/** What scores need from others. */
export interface ScoringDeps {
  readonly scope: Scope;
  readonly reactions: Reactions;
  readonly timers: Timers;
  /** What conditions may read of a lead. */
  schema(tx: Scope): Promise<Parameters<typeof compileCondition>[1]>;
  readonly matching: Matching;
  /** Brings segments up to date for leads whose score has moved. */
  refresh(leads: readonly number[], fields: readonly string[]): Promise<unknown>;
  warn(what: string): void;
}

const KIND = 'scoring';
const FADE = 'fade';
const RECOUNT = 'recount';

/** Scores of leads: rules as data, applied in the transaction of what they give points for. */
export class Scoring {
  readonly rules: ScoreRules;
  private readonly scope: Scope;
  private readonly book: RuleBook;
  /** Leads whose score has moved, and whose segments have not been told yet. */
  private readonly moved = new Set<number>();
  private telling: Promise<void> = Promise.resolve();
  /** Changes that come from here: points, not somebody's word. */
  private readonly ours = new WeakSet<readonly LeadChange[]>();

  constructor(private readonly deps: ScoringDeps) {
    this.scope = deps.scope;
    this.book = new RuleBook(
      (tx) => deps.schema(tx),
      (what) => deps.warn(what),
    );
    this.rules = new ScoreRules(
      deps.scope,
      async (tx, body) => void (await this.book.compile(tx, body)),
      () => this.wake(RECOUNT, this.scope.clock.now()),
    );
    deps.timers.on(KIND, async ({ key }, touch) => {
      if (key === RECOUNT) await this.recount(touch);
      else await this.fade(touch);
    });
  }

  /** What follows from what leads do and become. Add it to the {@link Reactions}. */
  get reaction(): LeadReaction {
    return {
      onlyWhere: { exists: 'SELECT 1 FROM marketing_score_rules WHERE tenant_id = :tenant' },
      engaged: (tx, list) => this.engaged(tx, list),
      changed: (tx, changes) => this.changed(tx, changes),
      removed: async (tx, lead) =>
        void (await tx.run('DELETE FROM marketing_score_points WHERE tenant_id = :tenant AND lead_id = :lead', {
          lead,
        })),
    };
  }

  /** Sets the timers for what is to come. Call it when the process begins to work. */
  async start(): Promise<void> {
    const due = await nextFading(this.scope);
    if (due !== undefined) await this.deps.timers.wake(KIND, FADE, due);
    const open = await this.scope.get(
      'SELECT id FROM marketing_score_rules WHERE tenant_id = :tenant AND recounting_from IS NOT NULL LIMIT 1',
    );
    if (open) await this.deps.timers.wake(KIND, RECOUNT, this.scope.clock.now());
  }

  /**
   * Why a lead has its score.
   * @throws NotFoundError `E_UNKNOWN_LEAD`; InputError `E_PAGE`; ForbiddenError
   */
  async explain(
    lead: number,
    page: { before?: number; limit?: number } = {},
    { actor }: { actor?: Actor } = {},
  ): Promise<ScoreExplanation> {
    authorise(actor, 'lead:read');
    return explainScore(this.scope, lead, page);
  }

  /**
   * Does what score nodes ask, each key once, in one transaction.
   * @returns the scores as they are now; leads that are gone are absent
   * @throws InputError `E_SCORE_POINTS`
   */
  async apply(requests: readonly ScoreRequest[]): Promise<Map<number, number>> {
    const scores = await this.scope.transaction((tx) =>
      applyRequests(tx, requests, {
        give: (events) => this.give(tx, events),
        moved: (changes) => this.tell(tx, changes),
        wake: (due) => tx.afterCommit(() => this.wake(FADE, due)),
      }),
    );
    await this.flush();
    return scores;
  }

  /** Lets points that are due become fewer, now. It happens by itself. @returns how many scores moved */
  async fade(touch: () => Promise<void> = () => Promise.resolve()): Promise<number> {
    let moved = 0;
    for (let more = true; more;) {
      await touch();
      more = await this.scope.transaction(async (tx) => {
        const slice = await fadeSlice(tx);
        const changes = await moveScores(tx, slice.scores, slice.deltas);
        moved += changes.length;
        await this.tell(tx, changes);
        return slice.more;
      });
      await this.flush();
    }
    const due = await nextFading(this.scope);
    if (due !== undefined) await this.deps.timers.wake(KIND, FADE, due);
    return moved;
  }

  /** Counts again what rules were asked to, now. It happens by itself. @returns how many scores moved */
  async recount(touch: () => Promise<void> = () => Promise.resolve()): Promise<number> {
    let moved = 0;
    for (let more = true; more;) {
      await touch();
      more = await this.scope.transaction(async (tx) => {
        const slice = await recountSlice(tx, this.book, this.deps.matching);
        const changes = await moveScores(tx, slice.scores, slice.deltas);
        moved += changes.length;
        await this.tell(tx, changes);
        if (slice.due !== undefined) this.wakeAfter(tx, slice.due);
        return slice.more;
      });
      await this.flush();
    }
    return moved;
  }

  /** The fields of a change, with `score` where points have moved the score of one of these leads in the same transaction. */
  async fieldsFor(leads: readonly number[], fields: readonly string[]): Promise<readonly string[]> {
    await this.telling;
    if (this.moved.size === 0) return fields;
    let touched = false;
    for (const lead of leads) touched = this.moved.delete(lead) || touched;
    return touched && !fields.includes('score') && !fields.includes('*') ? [...fields, 'score'] : fields;
  }

  /** Keys of the rules whose conditions read an attribute: they keep it from being undeclared. */
  async readersOf(attribute: string): Promise<string[]> {
    return (await this.book.ready(this.scope))
      .filter(({ condition }) => condition?.attributes.includes(attribute))
      .map(({ rule }) => `the score rule "${rule.key}"`);
  }

  private async engaged(tx: Scope, list: readonly NewEngagement[]): Promise<void> {
    await this.give(tx, list);
  }

  /** Gives the points that rules have for events. @returns by lead, what scores moved by */
  private async give(tx: Scope, events: readonly ScoredEvent[]): Promise<void> {
    const asked = askedOf(await this.book.ready(tx), events);
    if (asked.length === 0) return;
    const held = await holding(tx, asked, this.deps.matching);
    if (held.length === 0) return;
    const scores = await lockScores(
      tx,
      held.map(({ event }) => event.leadId),
    );
    const known = await knownPoints(
      tx,
      held.map(({ ready, event }) => ({ rule: ready.rule.id, eventId: event.eventId })),
    );
    const now = tx.clock.now();
    const due = held
      .filter(({ ready, event }) => scores.has(event.leadId) && !known.has(`${ready.rule.id} ${event.eventId}`))
      .map(({ ready, event: { leadId, eventId, type, at } }) => ({
        ready,
        lead: leadId,
        eventId,
        event: type,
        at: Math.min(at, now),
      }));
    const written = await writePoints(tx, await withinCaps(tx, due));
    if (written.due !== undefined) this.wakeAfter(tx, written.due);
    await this.tell(tx, await moveScores(tx, scores, written.deltas));
  }

  private async changed(tx: Scope, changes: readonly LeadChange[]): Promise<void> {
    if (this.ours.has(changes)) return;
    await scoresWereSet(
      tx,
      changes.filter(({ created, score, formerScore }) => !created && score !== formerScore),
    );
    const rules = factsTouched(await this.book.ready(tx), changes);
    if (rules.length === 0) return;
    const leads = changes.map(({ lead }) => lead);
    const { give, takeBack } = await weighFacts(tx, rules, leads);
    if (give.length === 0 && takeBack.length === 0) return;
    const scores = await lockScores(tx, leads);
    await removePoints(
      tx,
      takeBack.map(({ id }) => id),
    );
    const { deltas } = await writePoints(tx, give);
    for (const { lead, live } of takeBack) deltas.set(lead, (deltas.get(lead) ?? 0) - live);
    await this.tell(tx, await moveScores(tx, scores, deltas));
  }

  /** Tells whoever reacts to scores, within the transaction, and segments after it. */
  private async tell(tx: Scope, changes: readonly LeadChange[]): Promise<void> {
    if (changes.length === 0) return;
    this.ours.add(changes);
    await this.deps.reactions.changed(tx, changes);
    tx.afterCommit(() => {
      for (const { lead } of changes) this.moved.add(lead);
      // Whoever recorded the cause tells the segments of it, and of this, next. Where nobody does, it is done from here.
      setImmediate(() => void this.flush());
    });
  }

  private async flush(): Promise<void> {
    await this.telling;
    if (this.moved.size === 0) return;
    const leads = [...this.moved];
    this.moved.clear();
    this.telling = Promise.resolve(this.deps.refresh(leads, ['score'])).then(
      () => undefined,
      (error: unknown) => this.deps.warn(`Segments do not follow scores yet: ${messageOf(error)}`),
    );
    await this.telling;
  }

  private wakeAfter(tx: Scope, due: number): void {
    tx.afterCommit(() => this.wake(FADE, due));
  }

  private wake(key: string, at: number): void {
    this.deps.timers.wake(KIND, key, at).catch((error: unknown) => {
      this.deps.warn(`Scores will be looked after later: ${messageOf(error)}`);
    });
  }
}
