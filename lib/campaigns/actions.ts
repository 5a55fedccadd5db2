import { authorise, nameOf } from '../access';
import { InputError, MarketingError, messageOf } from '../errors';
import { record } from '../history';
import { lockCampaigns } from '../ledger';
import type { Scope } from '../store';
import type { CampaignDefinition, CampaignDeps } from './deps';
import { Blame, type Hooks, refusal } from './hooks';
import { enterAudience, mustBeDeployed } from './launching';
import { Lifecycle } from './lifecycle';
import { mustBeApproved, mustHaveRoom } from './limits';
import { endPeople, parkPeople } from './people';
import { mustBeAwaitable, permissionFor, planOf, underWay, type Plan } from './plan';
import { changedMeanwhile, definitionOf, mustBeVersion } from './refusals';
import { readCampaign } from './rows';
import { segmentsOf } from './audience-fields';
import { announceCampaign, tell } from './telling';
import type { ActionOptions, ActOptions, Campaign } from './types';

/** What belongs into the transaction of an action. */
export interface Along {
  /** Before anything is read. */
  first?(tx: Scope): Promise<void>;
  /** Right before the change, as a hook of this one action; what it throws is thrown as it is. */
  before?(tx: Scope, campaign: Campaign): Promise<void>;
  /** After the change. */
  also?(tx: Scope, before: Campaign): Promise<void>;
  /** At the end, as {@link before}. */
  after?(tx: Scope, campaign: Campaign): Promise<void>;
  /** Leads back to `scheduled` where the campaign has a next run. */
  rests?: boolean;
}

/** An action that was prepared outside of the transaction. */
interface Prepared {
  readonly action: string;
  readonly options: ActOptions;
  readonly definition: CampaignDefinition | undefined;
  readonly lifecycle: Lifecycle;
  readonly blame: Blame;
}

/** Does to campaigns what their lifecycles allow: each action in one transaction, all of it or nothing. */
export class CampaignActions {
  private readonly scope: Scope;

  constructor(
    private readonly deps: CampaignDeps,
    private readonly hooks: Hooks,
  ) {
    this.scope = deps.scope;
  }

  /** See `Campaigns.act`. */
  async act(key: number | string, action: string, options: ActOptions = {}, along: Along = {}): Promise<Campaign> {
    authorise(options.actor, permissionFor(action));
    if (options.comment !== undefined && !this.deps.comment) {
      throw new InputError('E_COMMENT', 'Comments are not kept here. Give the reason as "reason".');
    }
    const seen = await readCampaign(this.scope, key);
    const prepared = await this.prepare(seen, action, options);
    // What was looked at outside must still be so inside.
    const plan = planOf(prepared.lifecycle, seen, action);
    const launches = plan.steps[0].effect === 'launch';
    const goesOn = resumes(plan, seen);
    if (launches) await this.prepareLaunch(seen, prepared);
    if (goesOn) await this.mustStillBeApproved(seen, prepared);
    const pinned = launches || goesOn ? { ...options, version: options.version ?? seen.version } : options;
    const { plan: done, after } = await this.scope
      .transaction((tx) => this.change(tx, seen.id, { ...prepared, options: pinned }, along))
      .catch((error: unknown) => {
        throw prepared.blame.explain(error, seen, action);
      });
    if (done.ends) await endPeople(this.scope, after);
    else if (underWay(seen.state) && after.state !== seen.state) await parkPeople(this.scope, after);
    this.deps.changed(after, action);
    return after;
  }

  /** See `Campaigns.can`. */
  async can(
    key: number | string,
    action: string,
    options: ActOptions = {},
  ): Promise<{ allowed: boolean; reason?: string }> {
    authorise(options.actor, 'campaign:read');
    const campaign = await readCampaign(this.scope, key);
    const blame = new Blame();
    try {
      authorise(options.actor, permissionFor(action));
      const prepared = { ...(await this.prepare(campaign, action, options)), blame };
      const plan = planOf(prepared.lifecycle, campaign, action);
      if (plan.steps[0].effect === 'launch') await this.mustBeLaunchable(campaign, prepared);
      if (resumes(plan, campaign)) await this.mustStillBeApproved(campaign, prepared);
      await this.mustBeAllowed(this.scope, campaign, plan, prepared, { lock: false });
      return { allowed: true };
    } catch (error) {
      const reason = blame.explain(error, campaign, action);
      if (reason instanceof MarketingError) return { allowed: false, reason: messageOf(reason) };
      throw error;
    }
  }

  /** See `Campaigns.awaitAction`. */
  async awaitAction(key: number | string, action: string, options: ActionOptions = {}): Promise<Campaign> {
    authorise(options.actor, permissionFor('pause'));
    const seen = await readCampaign(this.scope, key);
    mustBeAwaitable(Lifecycle.of(await definitionOf(this.deps, seen.definition)), seen, action);
    const actor = nameOf(options.actor);
    const wait = async (tx: Scope): Promise<void> => {
      await tx.run(
        `UPDATE marketing_campaigns SET awaiting = :action, version = version + 1, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND state = 'paused'`,
        { id: seen.id, action, now: tx.clock.now() },
      );
      await record(tx, { event: 'campaign.awaits', campaign: seen.id, actor, payload: { action } });
    };
    if (seen.state !== 'paused') return this.act(seen.id, 'pause', options, { also: wait });
    return this.scope.transaction(async (tx) => {
      await lockCampaigns(tx, [seen.id], 'update');
      const campaign = await readCampaign(tx, seen.id);
      mustBeVersion(campaign, options.version);
      if (campaign.state !== 'paused') throw changedMeanwhile(campaign.key);
      await wait(tx);
      const after = await readCampaign(tx, seen.id);
      await announceCampaign(tx, 'marketing.campaign.updated', after, actor, { awaiting: action });
      return after;
    });
  }

  private async prepare(seen: Campaign, action: string, options: ActOptions): Promise<Prepared> {
    const definition = await this.deps.definition(seen.definition);
    return { action, options, definition, lifecycle: Lifecycle.of(definition ?? {}), blame: new Blame() };
  }

  /** What a launch needs and what takes time, before its transaction. */
  private async prepareLaunch(seen: Campaign, prepared: Prepared): Promise<void> {
    mustBeVersion(seen, prepared.options.version);
    await this.mustBeLaunchable(seen, prepared);
    for (const segment of segmentsOf(seen)) await (this.deps.prepareSegment ?? this.deps.checkSegment)(segment);
    // Whoever is left of the former run would walk on with the new one.
    if (seen.run > 0) await endPeople(this.scope, seen);
  }

  private async mustBeLaunchable(seen: Campaign, { options }: Prepared): Promise<void> {
    const definition = await definitionOf(this.deps, seen.definition);
    mustBeDeployed(seen, definition);
    if (definition.entryMode === 'launch') await mustBeApproved(this.deps, seen, options);
  }

  /** A pause is no way around an approval: what goes on is what was launched, or was approved since. */
  private async mustStillBeApproved(seen: Campaign, { options }: Prepared): Promise<void> {
    if ((await this.deps.changedSinceLaunch?.(seen)) !== true) return;
    mustBeVersion(seen, options.version);
    await mustBeApproved(this.deps, seen, options);
  }

  private async change(
    tx: Scope,
    id: number,
    prepared: Prepared,
    along: Along,
  ): Promise<{ plan: Plan; after: Campaign }> {
    const { action, options, lifecycle, blame } = prepared;
    await along.first?.(tx);
    const before = await readCampaign(tx, id);
    mustBeVersion(before, options.version);
    const resting = along.rests === true && before.nextRunAt !== undefined;
    const plan = planOf(lifecycle, before, action, { resting });
    await this.mustBeAllowed(tx, before, plan, prepared, { lock: true });
    for (const step of plan.steps) await this.hooks.run('before', step, before, tx, blame);
    await along.before?.(tx, before);
    await move(tx, before, plan, { planned: resting });
    if (plan.steps[0].effect === 'launch') {
      const definition = prepared.definition;
      if (definition) await enterAudience(tx, before, definition);
    }
    await along.also?.(tx, before);
    const actor = nameOf(options.actor);
    if (options.comment !== undefined) {
      await this.deps.comment?.(tx, { campaign: id, author: actor, body: options.comment });
    }
    const after = await readCampaign(tx, id);
    await tell(tx, before, after, plan, { actor, reason: options.reason });
    for (const step of plan.steps) await this.hooks.run('after', step, after, tx, blame);
    await along.after?.(tx, after);
    return { plan, after };
  }

  /** Roles, limits, guards and the conditions of the definition. Changes nothing. */
  private async mustBeAllowed(
    db: Scope,
    campaign: Campaign,
    plan: Plan,
    { options, blame }: Prepared,
    { lock }: { lock: boolean },
  ): Promise<void> {
    // Whatever a definition calls it, and whatever an action sets going again: what it does decides who may do it.
    for (const { effect } of plan.steps) authorise(options.actor, permissionFor(effect));
    if (plan.activates) await mustHaveRoom(db, { lock });
    for (const step of plan.steps) {
      await this.hooks.ask(step, campaign, options.actor, db, blame);
      const { condition } = step;
      if (condition === undefined) continue;
      const holds = this.deps.conditionHolds;
      if (!holds) throw refusal(campaign, step.action, 'its condition cannot be evaluated here');
      if (await blame.on(() => holds(campaign.definition, condition, campaign, db))) continue;
      const source = typeof condition === 'string' ? condition : JSON.stringify(condition);
      throw refusal(campaign, step.action, `its condition is not met: ${source}`);
    }
  }
}

/** Whether a run that has an audience goes on with this. */
function resumes({ activates, last }: Plan, { state, hadAudience }: Campaign): boolean {
  return state === 'paused' && hadAudience && activates && last.state === 'active';
}

/** Changes the row. @throws ConflictError `E_CONFLICT`, when somebody was faster */
async function move(tx: Scope, before: Campaign, plan: Plan, { planned }: { planned: boolean }): Promise<void> {
  const { last, ends, steps } = plan;
  const effects = steps.map(({ effect }) => effect);
  const over = ends || last.state === 'completed' || last.state === 'cancelled';
  const unplanned = !planned && effects.some((effect) => ['complete', 'cancel', 'unschedule'].includes(effect));
  // What the people still have to be told: in chunks, after this. A crash in between is made up for.
  const tellPeople = underWay(before.state) && last.state !== before.state;
  const changed = await tx.run(
    `UPDATE marketing_campaigns SET state = :state, stage = :stage, awaiting = :awaiting, version = version + 1, updated_at = :now
            ${tellPeople ? ', parking = 1' : ''}
            ${over ? ', ended_at = :now, expanding_from = NULL' : ''}
            ${unplanned ? ', next_run_at = NULL' : ''}
            ${effects.includes('resume') || over ? ', hold_reason = NULL, hold_since = NULL' : ''}
     WHERE tenant_id = :tenant AND id = :id AND version = :version AND deleted_at IS NULL`,
    {
      id: before.id,
      state: last.state,
      stage: last.to,
      awaiting: plan.awaiting ?? null,
      now: tx.clock.now(),
      version: before.version,
    },
  );
  if (changed === 0) throw changedMeanwhile(before.key);
}
