import { eventFields, type Condition, type ConditionEvent, type JsonCondition } from '../conditions';
import { codeOf, messageOf } from '../errors';
import { leadViews, type LeadView } from '../leads';
import type { Scope } from '../store';
import type { CampaignView } from '../types';
import type { WaitFor, WaitingDeps } from './types';

/** Somebody of whom it is asked whether what they wait for has happened. */
export interface Asked {
  readonly step: number;
  readonly lead: number;
  readonly campaign: number;
}

/** Something a lead did, of which it is asked whether somebody waited for it. */
export interface Occurrence extends ConditionEvent {
  readonly campaign: number | undefined;
  /** Made by a program, not by a person. */
  readonly machine: boolean;
}

/** Decides within one transaction, and reads each lead, campaign and condition once. */
export class Decider {
  private readonly views = new Map<number, LeadView>();
  private readonly campaigns = new Map<number, CampaignView | undefined>();
  private readonly compiled = new Map<string, Condition | undefined>();

  constructor(
    private readonly tx: Scope,
    private readonly deps: WaitingDeps,
  ) {}

  /** The leads as they are now. */
  async leads(ids: readonly number[]): Promise<ReadonlyMap<number, LeadView>> {
    const missing = ids.filter((id) => !this.views.has(id));
    for (const [id, view] of await leadViews(this.tx, missing)) this.views.set(id, view);
    return this.views;
  }

  /** Those for whom a condition or membership is true at this moment. What cannot be decided any more is not true. */
  async hold(what: Exclude<WaitFor, { kind: 'event' }>, asked: readonly Asked[]): Promise<Set<number>> {
    const ids = [...new Set(asked.map(({ lead }) => lead))];
    try {
      if (what.kind === 'segment') {
        const members = await this.deps.inSegment(this.tx, ids, what.segment);
        return new Set(asked.filter(({ lead }) => members.has(lead)).map(({ step }) => step));
      }
      const condition = await this.condition(what.condition, false);
      if (!condition) return new Set();
      return condition.behaviours.length > 0
        ? await this.holdByBehaviour(condition, asked)
        : await this.holdByLead(condition, asked);
    } catch (error) {
      // A segment that is gone or broken. Anything else (the database) fails the transaction, which is tried again.
      if (!/^E_(?:UNKNOWN_SEGMENT|SEGMENT_BROKEN)$/.test(codeOf(error))) throw error;
      this.deps.warn(`People wait for something that cannot be decided any more: ${messageOf(error)}`);
      return new Set();
    }
  }

  private async holdByLead(condition: Condition, asked: readonly Asked[]): Promise<Set<number>> {
    const views = await this.leads(asked.map(({ lead }) => lead));
    const now = this.tx.clock.now();
    const true_ = new Set<number>();
    for (const { step, lead, campaign } of asked) {
      const view = views.get(lead);
      if (view && condition.test({ lead: view, now, ...(await this.campaign(condition, campaign)) })) true_.add(step);
    }
    return true_;
  }

  /** One statement per campaign, of which there is one as a rule. */
  private async holdByBehaviour(condition: Condition, asked: readonly Asked[]): Promise<Set<number>> {
    const readsCampaign = condition.reads.some((name) => name.startsWith('campaign.'));
    const groups = new Map<number, Asked[]>();
    for (const one of asked) {
      const of = readsCampaign ? one.campaign : 0;
      groups.set(of, [...(groups.get(of) ?? []), one]);
    }
    const true_ = new Set<number>();
    for (const [campaign, group] of groups) {
      const leads = [...new Set(group.map(({ lead }) => lead))];
      const matching = await this.deps.matching(this.tx, leads, condition, await this.campaign(condition, campaign));
      for (const { step, lead } of group) if (matching.has(lead)) true_.add(step);
    }
    return true_;
  }

  /** Whether something that a lead did is what was waited for. Its moment is the caller's matter. */
  async isIt(what: WaitFor & { kind: 'event' }, { lead, campaign }: Asked, event: Occurrence): Promise<boolean> {
    if (event.machine || event.type !== what.event) return false;
    if (what.ownCampaign && event.campaign !== campaign) return false;
    if (what.condition === undefined) return true;
    const condition = await this.condition(what.condition, true);
    if (!condition) return false;
    const roots = { ...(await this.campaign(condition, campaign)), event: eventFields(event) };
    if (condition.behaviours.length > 0) {
      return (await this.deps.matching(this.tx, [lead], condition, roots)).has(lead);
    }
    const view = condition.attributes.length > 0 ? (await this.leads([lead])).get(lead) : undefined;
    return condition.test({ ...roots, lead: view ?? {}, now: this.tx.clock.now() });
  }

  /** @returns undefined, with a warning, when it cannot be compiled (any more) */
  private async condition(source: string | JsonCondition, onEvent: boolean): Promise<Condition | undefined> {
    const key = `${onEvent ? 'event' : 'lead'} ${JSON.stringify(source)}`;
    if (!this.compiled.has(key)) {
      try {
        const { compile, compileForEvent } = this.deps;
        this.compiled.set(key, await (onEvent ? compileForEvent : compile)(this.tx, source));
      } catch (error) {
        if (!isConditionError(error)) throw error;
        this.deps.warn(`People wait for a condition that cannot be used any more: ${messageOf(error)}`);
        this.compiled.set(key, undefined);
      }
    }
    return this.compiled.get(key);
  }

  private async campaign(condition: Condition, id: number): Promise<{ campaign?: Record<string, unknown> }> {
    if (!condition.reads.some((name) => name.startsWith('campaign.'))) return {};
    if (!this.campaigns.has(id)) this.campaigns.set(id, (await this.deps.campaigns(this.tx, [id])).get(id));
    const view = this.campaigns.get(id);
    return view ? { campaign: { ...view } } : {};
  }
}

function isConditionError(error: unknown): boolean {
  return /^E_(?:CONDITION_\w+|UNKNOWN_ATTRIBUTE|UNKNOWN_EVALUATOR|NOT_SQL|ATTRIBUTE_NAME)$/.test(codeOf(error));
}
