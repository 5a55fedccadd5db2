import type { CampaignView, LeadView } from '../types';
import { compileEventCondition, type Condition, type ConditionSchema } from '../conditions';
import { isHeldOut, type Audience } from '../campaigns';
import type { Scope } from '../store';
import type { Candidate, Entrance, RefusalReason } from './types';

/** What judging needs from leads, segments and experiments. All of it runs in the transaction that lets people in. */
export interface JudgeDeps {
  /** What a condition may read of a lead. */
  schema(tx: Scope): Promise<ConditionSchema>;
  leads(tx: Scope, ids: readonly number[]): Promise<ReadonlyMap<number, LeadView>>;
  campaigns(tx: Scope, ids: readonly number[]): Promise<ReadonlyMap<number, CampaignView>>;
  /** Who has done what a condition's `$did` ask for. */
  did(tx: Scope, ids: readonly number[], condition: Condition): Promise<(lead: number, index: number) => boolean>;
  /** Those who are in a saved segment at this moment. */
  inSegment(tx: Scope, ids: readonly number[], segment: string): Promise<ReadonlySet<number>>;
  /** Those of whom a campaign's own condition is true. */
  matching(
    tx: Scope,
    ids: readonly number[],
    condition: string | object,
    constants: Readonly<Record<string, unknown>>,
  ): Promise<ReadonlySet<number>>;
  /** Those of the tenant-wide control group: they are sent nothing, and enter nothing. */
  controlled?(tx: Scope, ids: readonly number[]): Promise<ReadonlySet<number>>;
}

/** What came of looking at somebody. */
export interface Verdict {
  readonly refused?: RefusalReason;
  /** The values that the condition looked at. */
  readonly saw?: Readonly<Record<string, unknown>>;
}

/** Compiled conditions by their text and what was declared then: compiling one takes longer than everything else here. */
const compiled = new Map<string, Condition | Error>();
const MOST_COMPILED = 1_000;

/** Decides for the people of one transaction whether conditions and audiences let them in. Reads each thing once. */
export class Judge {
  private declared: Promise<ConditionSchema> | undefined;
  private readonly views = new Map<number, LeadView>();

  constructor(
    private readonly tx: Scope,
    private readonly deps: JudgeDeps,
  ) {}

  /** What the trigger's condition and the campaign's audience say about candidates, in their order. */
  async judge(entrance: Entrance, candidates: readonly Candidate[]): Promise<Verdict[]> {
    const { condition } = entrance.config;
    const verdicts: Verdict[] =
      entrance.broken !== undefined
        ? candidates.map(() => ({ refused: 'broken' }))
        : condition === undefined
          ? candidates.map(() => ({}))
          : await this.byCondition(entrance, condition, candidates);
    const left = [...new Set(candidates.flatMap(({ lead }, index) => (verdicts[index]?.refused ? [] : [lead])))];
    const outside = await this.outside(entrance, left);
    return verdicts.map((verdict, index) => {
      const reason = verdict.refused ?? outside.get(candidates[index]?.lead ?? 0);
      return reason === undefined ? verdict : { ...verdict, refused: reason };
    });
  }

  private async byCondition(
    { campaign }: Entrance,
    source: string,
    candidates: readonly Candidate[],
  ): Promise<Verdict[]> {
    const condition = await this.compile(source);
    if (condition instanceof Error) return candidates.map(() => ({ refused: 'broken' }));
    const ids = [...new Set(candidates.map(({ lead }) => lead))];
    const aboutLead = condition.attributes.length > 0 || condition.behaviours.length > 0;
    if (aboutLead) await this.look(ids);
    const did = condition.behaviours.length > 0 ? await this.deps.did(this.tx, ids, condition) : (): boolean => false;
    const view = condition.reads.some((path) => path.startsWith('campaign.'))
      ? (await this.deps.campaigns(this.tx, [campaign])).get(campaign)
      : undefined;
    const now = this.tx.clock.now();
    return candidates.map(({ lead, event }) => {
      const context = {
        lead: this.views.get(lead) ?? {},
        now,
        event,
        did: (index: number) => did(lead, index),
        ...(view ? { campaign: { ...view } } : {}),
      };
      const saw = condition.seen(context);
      return condition.test(context) ? { saw } : { refused: 'condition', saw };
    });
  }

  private async compile(source: string): Promise<Condition | Error> {
    this.declared ??= this.deps.schema(this.tx);
    const schema = await this.declared;
    const name = `${source}\n${JSON.stringify(schema)}`;
    const known = compiled.get(name);
    if (known) return known;
    if (compiled.size >= MOST_COMPILED) compiled.clear();
    const made = compileFor(source, schema);
    compiled.set(name, made);
    return made;
  }

  private async look(ids: readonly number[]): Promise<void> {
    const unknown = ids.filter((id) => !this.views.has(id));
    if (unknown.length === 0) return;
    for (const [id, view] of await this.deps.leads(this.tx, unknown)) this.views.set(id, view);
  }

  /** Those whom the campaign is not for at this moment (AC-004.7), and why. */
  private async outside(
    { campaign, audience: of }: Entrance,
    leads: readonly number[],
  ): Promise<Map<number, RefusalReason>> {
    const outside = new Map<number, RefusalReason>();
    if (leads.length === 0) return outside;
    for (const lead of (await this.deps.controlled?.(this.tx, leads)) ?? []) outside.set(lead, 'control');
    if (!of) return outside;
    const { segment, audience } = of;
    const inside = await this.inAudience(campaign, segment, audience, leads);
    for (const lead of leads) {
      if (outside.has(lead)) continue;
      if (!inside.has(lead)) outside.set(lead, 'audience');
      else if (isHeldOut({ id: campaign, audience }, lead)) outside.set(lead, 'holdout');
    }
    return outside;
  }

  private async inAudience(
    campaign: number,
    segment: string | undefined,
    { include = [], match = 'any', exclude = [], condition }: Audience,
    leads: readonly number[],
  ): Promise<ReadonlySet<number>> {
    const { tx, deps } = this;
    const among = (key: string): Promise<ReadonlySet<number>> => deps.inSegment(tx, leads, key);
    let inside: readonly number[] = leads;
    const keep = (by: (lead: number) => boolean): void => void (inside = inside.filter(by));
    if (segment !== undefined) {
      const members = await among(segment);
      keep((lead) => members.has(lead));
    }
    if (include.length > 0) {
      const groups = await Promise.all(include.map(among));
      keep((lead) =>
        match === 'all' ? groups.every((group) => group.has(lead)) : groups.some((group) => group.has(lead)),
      );
    }
    for (const key of exclude) {
      const members = await among(key);
      keep((lead) => !members.has(lead));
    }
    if (condition !== undefined && inside.length > 0) {
      const view = (await deps.campaigns(tx, [campaign])).get(campaign);
      const matching = await deps.matching(tx, inside, condition, view ? { campaign: view } : {});
      keep((lead) => matching.has(lead));
    }
    return new Set(inside);
  }
}

/** A trigger's condition; the error that it has when it cannot be used (an attribute was undeclared). */
function compileFor(source: string, schema: ConditionSchema): Condition | Error {
  try {
    return compileEventCondition(source, { ...schema, campaign: {} }, CAMPAIGN_DATA);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** What a campaign brings along is not declared where a trigger is: the types follow from use. */
const CAMPAIGN_DATA = { infer: ['data'], campaign: { channels: 'string[]' } } as const;
